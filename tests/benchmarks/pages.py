"""Figures 3 and 4: pages of 100 HITs, asked for again and for the first time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.bare import run_bare
from benchmarks.figures import Bench, Figure, at_most, interleaved, milliseconds
from benchmarks.loader import make_marketplace
from benchmarks.processes import CpuTime, Server, gateway, run_marketplace, server
from benchmarks.sample import PAGE
from benchmarks.stub import run_stub, stub_requester
from benchmarks.writer import Writer, newest_page
from mturk_gateway.credentials import Requester
from support import modern_client

_SMALL = 1_000
_CONNECTIONS = 8
_ROUNDS = 9
_AGAIN = 100
"""Requests on each connection in a round."""
_NEW = 25
"""New pages in a round."""
_HITS = ((_ROUNDS + 1) * _NEW + 1) * PAGE
"""So many that every round has pages of its own, at any scale."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Both, from snapshots that are fresh enough for the whole run unless somebody writes."""
    database, credentials = bench.folder / "marketplace.db", bench.folder / "credentials"
    requesters = make_marketplace(database, credentials, {"small": _SMALL, "large": _HITS})
    with (
        server(run_marketplace, database) as marketplace,
        gateway(bench.folder, marketplace, credentials, freshness=3600, patience=600) as front,
    ):
        yield _again(bench, front, requesters["small"])
        yield from _new(bench, front, marketplace, requesters["large"])


def _again(bench: Bench, front: Server, requester: Requester) -> Figure:
    """First pages, which have to pass the check whether their snapshot is still good for this requester."""

    def throughput(port: int) -> float:
        lanes = [[newest_page(requester, 1) for _ in range(_AGAIN)] for _ in range(_CONNECTIONS)]
        driven = bench.load.drive(port, lanes)
        assert driven.rows == PAGE * _AGAIN * _CONNECTIONS
        return _AGAIN * _CONNECTIONS / driven.seconds

    with Writer(front.port, requester) as writer:
        writer.write_and_see(bench.load)
        document = bench.load.drive(front.port, [[newest_page(requester, 1)]]).lanes[0].last
        with server(run_bare, document) as bare:

            def ours(_: int) -> float:
                writer.write_and_see(bench.load)
                return throughput(front.port)

            throughput(front.port)
            throughput(bare.port)
            legacy, constant = interleaved(_ROUNDS, ours, lambda _: throughput(bare.port))
    return Figure(
        "3",
        f"throughput of a page of {PAGE} HITs asked for again ÷ bare ASGI with a constant body, "
        f"{_CONNECTIONS} connections",
        f"{legacy / constant:.2f} ({legacy:.0f}/s ÷ {constant:.0f}/s of {len(document) // 1000} kB)",
        "≥ 0.7",
        legacy / constant >= 0.7,
    )


def _new(bench: Bench, front: Server, marketplace: Server, requester: Requester) -> Iterator[Figure]:
    """Pages that nobody has seen, each of them once; the first round warms up."""
    stubbed = stub_requester(_HITS)
    ours, theirs, canned = [], [], []
    with (
        server(run_stub) as stub,
        modern_client(marketplace.url, requester) as client,
        modern_client(stub.url, stubbed) as stub_client,
        Writer(front.port, requester) as writer,
    ):
        listed, listed_from_stub = _pages(client), _pages(stub_client)
        for turn in range(_ROUNDS + 1):
            if turn % 4 == 0:
                writer.write_and_see(bench.load)
            first = 2 + turn * _NEW
            requests = [newest_page(requester, number) for number in range(first, first + _NEW)]
            with CpuTime(front) as cpu:
                driven = bench.load.drive(front.port, [requests])
            ours.append((statistics.median(driven.latencies), cpu.seconds / _NEW))
            assert driven.rows == PAGE * _NEW
            theirs.append(_timed(listed, marketplace))
            canned.append(_timed(listed_from_stub))
    for name, others in (("marketplace", theirs), ("canned stub", canned)):
        for what, of in (("wall", 0), ("CPU", 1)):
            mine, direct = (statistics.median(each[of] for each in turns[1:]) for turns in (ours, others))
            yield at_most(
                "4",
                f"{what} of a page of {PAGE} HITs of a warm snapshot, for the first time ÷ boto3 `list_hits`, {name}",
                mine / direct,
                0.15,
                f"{milliseconds(mine)} ÷ {milliseconds(direct)}",
            )


def _pages(client: Any) -> Iterator[int]:
    """Lists page after page; gives the number of HITs on each."""
    reply: dict[str, Any] = {}
    while True:
        token = {"NextToken": reply["NextToken"]} if reply else {}
        reply = client.list_hits(MaxResults=PAGE, **token)
        yield len(reply["HITs"])


def _timed(pages: Iterator[int], *upstream: Server) -> tuple[float, float]:
    """The median wall seconds of the next pages, and the CPU seconds of each: this client's and the upstream's."""
    own = time.process_time()
    times = []
    with CpuTime(*upstream) as cpu:
        for _ in range(_NEW):
            start = time.perf_counter()
            assert next(pages) == PAGE
            times.append(time.perf_counter() - start)
        own = time.process_time() - own
    return statistics.median(times), (cpu.seconds + own) / _NEW
