"""A load generator in a process of its own, so that it takes nothing from the process that measures.

It sends requests made before, reads as little of the answers as will do, and gives how long each took.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

import uvloop

from benchmarks.framing import body_length

_SPAWN = multiprocessing.get_context("spawn")
_LARGEST_ANSWER = 1 << 20
Lane = Sequence[bytes]
"""The requests that one connection carries, one after the other."""


class Answers(NamedTuple):
    """What came back on one connection: seconds and number of HITs of each answer, and the last document."""

    latencies: list[float]
    rows: list[int]
    last: bytes


class Driven(NamedTuple):
    """What one run of the load generator has measured."""

    seconds: float
    lanes: list[Answers]

    @property
    def latencies(self) -> list[float]:
        """Those of all connections."""
        return [latency for lane in self.lanes for latency in lane.latencies]

    @property
    def rows(self) -> int:
        """How many HITs all answers had."""
        return sum(sum(lane.rows) for lane in self.lanes)


class Load:
    """The process; inside a `with` block."""

    def __init__(self) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_work, args=(theirs,), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.join()

    def drive(self, port: int, lanes: Sequence[Lane], *, pause: float = 0.0) -> Driven:
        """Send the requests of every lane, all lanes at once, with so many seconds before each request.

        Raises RuntimeError with the document when an answer is not a success.
        """
        self._pipe.send((port, lanes, pause))
        driven = self._pipe.recv()
        if isinstance(driven, Exception):
            raise driven
        return driven


def _work(pipe: Connection) -> None:
    while True:
        port, lanes, pause = pipe.recv()
        try:
            pipe.send(uvloop.run(_drive(port, lanes, pause)))
        except (OSError, RuntimeError) as error:
            pipe.send(error)


async def _drive(port: int, lanes: Sequence[Lane], pause: float) -> Driven:
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(lambda lane=lane: _Connection(lane, pause), "127.0.0.1", port))[1]
        for lane in lanes
    ]
    start = time.perf_counter()
    for connection in connections:
        connection.send()
    answers = await asyncio.gather(*(connection.answers for connection in connections))
    return Driven(time.perf_counter() - start, answers)


class _Connection(asyncio.BufferedProtocol):
    """Receives into one buffer and copies nothing: it must not be slower than the fastest server."""

    def __init__(self, lane: Lane, pause: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._requests = iter(lane)
        self._pause = pause
        self._buffer = bytearray(_LARGEST_ANSWER)
        self._filled = self._start = self._end = 0
        self._latencies: list[float] = []
        self._rows: list[int] = []
        self._counted = (0, 0)
        self._sent = 0.0
        self.answers: asyncio.Future[Answers] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.answers.set_result(Answers(self._latencies, self._rows, bytes(self._buffer[self._start : self._end])))
            self._transport.close()
        elif self._pause:
            self._loop.call_later(self._pause, self._write, request)
        else:
            self._write(request)

    def _write(self, request: bytes) -> None:
        self._filled = self._start = 0
        self._sent = time.perf_counter()
        self._transport.write(request)

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        if not self._start:
            head_end = self._buffer.find(b"\r\n\r\n", 0, self._filled)
            if head_end < 0:
                return
            self._start = head_end + 4
            self._end = self._start + body_length(self._buffer[:head_end])
        if self._filled >= self._end:
            self._latencies.append(time.perf_counter() - self._sent)
            self._answered()

    def _answered(self) -> None:
        # Errors stand at the beginning.
        beginning = self._buffer[: min(self._end, self._start + 2000)]
        if not beginning.startswith(b"HTTP/1.1 200") or b"<Errors>" in beginning:
            self.answers.set_exception(RuntimeError(f"refused: {bytes(beginning)!r}"))
            self._transport.close()
            return
        # Counting takes as long as serving. An answer as long as the one before has as many HITs.
        length, rows = self._counted
        if self._end - self._start != length:
            rows = self._buffer.count(b"<HIT>", self._start, self._end)
            self._counted = (self._end - self._start, rows)
        self._rows.append(rows)
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answers.done():
            self.answers.set_exception(RuntimeError(f"the connection was closed: {exc}"))
