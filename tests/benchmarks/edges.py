"""Figures of idle connections: what one takes, and what others notice while there are ten thousand."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import legacy
from benchmarks.figures import Bench, Figure, at_most, mebibytes, milliseconds, percentile
from benchmarks.framing import body_length
from benchmarks.processes import Server, gateway, server
from benchmarks.stub import run_stub, stub_requester
from mturk_gateway.credentials import Requester, write_profile

_IDLE = 10_000
_ASKED = 600
"""Requests in each of the measurements."""
_PAUSE = 0.005
"""Seconds before each request: the front is not to be busy with these."""
_FROM_ONE = 2_500
"""Connections that come from one address."""
_LARGEST = 24 * 1024
"""Bytes that one connection may take."""


def measure(bench: Bench) -> Iterator[Figure]:
    """In front of the stub, so that what others wait for is the gateway."""
    requester = stub_requester(100)
    credentials = bench.folder / "credentials"
    write_profile(credentials, requester)
    number = max(100, round(_IDLE * bench.scale))
    with server(run_stub) as stub, gateway(bench.folder, stub, credentials) as front, ExitStack() as held:
        _latencies(bench, front, requester)
        calm = _latencies(bench, front, requester)
        before = front.memory().pss
        connections = []
        for place in range(number):
            # Each is served once, as those of clients that keep their connections.
            connections.append(held.enter_context(_connect(front, place)))
            _ask(connections[-1], b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        crowded = _latencies(bench, front, requester)
        taken = front.memory().pss - before
        for connection in connections[:: number // 10]:
            _ask(connection, legacy.signed(requester, "GetAccountBalance"))
        held.close()
        calm += _latencies(bench, front, requester)
    yield Figure(
        "21",
        f"memory (PSS) of all processes with {number:,} idle connections, for each of them",
        f"{taken / number / 1024:.1f} KiB ({mebibytes(taken)} above {mebibytes(before)})",
        f"≤ {_LARGEST // 1024} KiB",
        taken / number <= _LARGEST,
    )
    for percent in (50, 99):
        quiet, loud = percentile(calm, percent), percentile(crowded, percent)
        yield at_most(
            "21",
            f"p{percent} of GetAccountBalance with {number:,} idle connections ÷ without",
            loud / quiet,
            1.5,
            f"{milliseconds(loud)} of {len(crowded)} ÷ {milliseconds(quiet)} of {len(calm)}",
        )


def _connect(front: Server, place: int) -> socket.socket:
    # One address has too few ports to be safe with so many.
    return socket.create_connection(
        ("127.0.0.1", front.port), timeout=30, source_address=(f"127.0.0.{2 + place // _FROM_ONE}", 0)
    )


def _ask(connection: socket.socket, request: bytes) -> None:
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received or len(received.partition(b"\r\n\r\n")[2]) < body_length(received):
        more = connection.recv(4096)
        assert more, "the connection was closed"
        received += more
    assert received.startswith(b"HTTP/1.1 200"), received


def _latencies(bench: Bench, front: Server, requester: Requester) -> list[float]:
    requests = [legacy.signed(requester, "GetAccountBalance") for _ in range(_ASKED)]
    return bench.load.drive(front.port, [requests], pause=_PAUSE).latencies
