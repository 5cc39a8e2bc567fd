"""The processes of a benchmark: starting and stopping them, their CPU time and their memory."""

from __future__ import annotations

import multiprocessing
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

import uvicorn

from mturk_gateway.clock import wall_clock
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.listener import bind, server_config
from mturk_gateway.marketplace.app import create_marketplace
from support import free_port, get

_SPAWN = multiprocessing.get_context("spawn")


class Server(NamedTuple):
    """A server that runs: where it listens on loopback, and its process, the parent of the others if there are any."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def processes(self) -> list[int]:
        """Its process and all below."""
        return list(_with_children(self.pid))

    def memory(self) -> Memory:
        """The memory of its processes."""
        return sum((memory_of(pid) for pid in self.processes()), Memory(0, 0))

    def calls(self) -> int:
        """How many calls a stub or a relay has counted."""
        return sum(get(f"{self.url}/counts").json().values())


class Memory(NamedTuple):
    """Resident memory in bytes: `pss` counts pages that processes share once in all, `rss` in each."""

    pss: int
    rss: int

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.pss + other.pss, self.rss + other.rss)


def _with_children(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _with_children(int(child))


def memory_of(pid: int) -> Memory:
    """The memory of one process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return Memory(kilobytes["Pss"] * 1024, kilobytes["Rss"] * 1024)


class CpuTime:
    """The seconds that all threads of servers have run inside a `with` block.

    Thread by thread, because what the system says of a whole process has a hundredth of a second as its unit. A thread
    that ends within the block is not counted, nor taken from the others.
    """

    def __init__(self, *servers: Server) -> None:
        self._servers = servers
        self._before: dict[Path, int] = {}
        self.seconds = 0.0

    def _nanoseconds(self) -> dict[Path, int]:
        ran = {}
        for server in self._servers:
            for pid in server.processes():
                for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                    with suppress(OSError):
                        ran[path] = int(path.read_text().split()[0])
        return ran

    def __enter__(self) -> Self:
        self._before = self._nanoseconds()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.seconds = sum(ran - self._before.get(path, 0) for path, ran in self._nanoseconds().items()) / 1e9


class PeakMemory:
    """The most memory that servers have had inside a `with` block."""

    def __init__(self, *servers: Server) -> None:
        self._servers = servers
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = Memory(0, 0)

    def now(self) -> Memory:
        """What they have at the moment."""
        return sum((server.memory() for server in self._servers), Memory(0, 0))

    def _watch(self) -> None:
        while not self._end.wait(0.25):
            now = self.now()
            self.peak = Memory(max(self.peak.pss, now.pss), max(self.peak.rss, now.rss))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end.set()
        self._thread.join()


@contextmanager
def server(target: Callable[..., None], *given: object) -> Iterator[Server]:
    """A process that runs `target` with a listening socket and what is given."""
    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]
    process = _SPAWN.Process(target=target, args=(listening, *given), daemon=True)
    process.start()
    # Whoever connects must be refused when the process has ended.
    listening.close()
    try:
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.join()


def run_marketplace(listening: socket.socket, path: Path) -> None:
    """The embedded marketplace, as the supervisor runs it."""
    database = Database(sqlite_url(path), durable=True)
    uvicorn.Server(server_config(create_marketplace(database, wall_clock))).run(sockets=[listening])
    database.close()


@contextmanager
def gateway(folder: Path, upstream: Server, credentials: Path, **options: object) -> Iterator[Server]:
    """A served gateway in front of an upstream; `options` are those of the command.

    One that is served again from the same folder finds its data again.
    """
    port = free_port()
    given = {
        "port": port,
        "content-port": free_port(),
        "operators-port": free_port(),
        "data": folder / f"data-{upstream.port}",
        "upstream": upstream.url,
        "credentials": credentials,
        **{name.replace("_", "-"): value for name, value in options.items()},
    }
    command = [sys.executable, "-m", "mturk_gateway", "serve"]
    for name, value in given.items():
        command += [f"--{name}", str(value)]
    log = folder / f"gateway-{port}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        if not process.stdout.readline().startswith("Answering"):
            raise RuntimeError(f"the gateway does not answer: {log.read_text()[-2000:]}")
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
