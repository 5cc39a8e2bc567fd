"""Figures 7 and 8: memory, and how long others wait, while the listing of a million HITs is walked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks import legacy
from benchmarks.figures import Bench, Figure, at_most, mebibytes, milliseconds, percentile
from benchmarks.load import Lane, Load
from benchmarks.processes import PeakMemory, Server, gateway, server
from benchmarks.sample import PAGE
from benchmarks.stub import run_stub, stub_requester
from mturk_gateway.credentials import Requester, write_profile

_HITS = 1_000_000
_SMALL = 1_000
_IDLE = 700
"""Requests of each kind while nothing else happens, and as many once all is done."""
_BATCH = 50
_PAUSE = 0.01
"""Seconds before each request: the front is not to be busy with these."""


def measure(bench: Bench) -> Iterator[Figure]:
    """In front of the stub, so that what others wait for is the gateway."""
    hits = bench.hits(_HITS)
    large, small = stub_requester(hits), stub_requester(_SMALL, 1)
    credentials = bench.folder / "credentials"
    for requester in (large, small):
        write_profile(credentials, requester)
    with (
        server(run_stub) as stub,
        gateway(bench.folder, stub, credentials, freshness=3600, patience=3600) as front,
    ):
        yield from strained_walk(bench, hits, large, small, front, (front,), "outside upstream")


def strained_walk(
    bench: Bench, hits: int, large: Requester, small: Requester, front: Server, ours: tuple[Server, ...], where: str
) -> Iterator[Figure]:
    """Walks the listing of `large` for the first time while `small` goes on; `ours` is whose memory counts."""
    _ask(bench, front, small, _IDLE // 5)
    calm = _ask(bench, front, small, _IDLE)
    idle = PeakMemory(*ours).now()
    busy: list[list[float]] = [[], []]
    with PeakMemory(*ours) as memory, Load() as walking, ThreadPoolExecutor(1) as thread:
        walk = thread.submit(walking.drive, front.port, [[legacy.page(large, 1)]])
        while not walk.done():
            _extend(busy, _ask(bench, front, small, _BATCH))
        seconds = walk.result().seconds
        walking.drive(front.port, [[legacy.page(large, 1, sort=sort) for sort in legacy.SORTS]])
    _extend(calm, _ask(bench, front, small, _IDLE))
    grown = memory.peak.pss - idle.pss
    yield Figure(
        "7",
        f"memory (PSS) of all processes while {hits:,} HITs are walked and ordered, above idle; {where}",
        f"{mebibytes(grown)} above {mebibytes(idle.pss)} (RSS: {mebibytes(memory.peak.rss - idle.rss)} above "
        f"{mebibytes(idle.rss)})",
        "≤ 300 MiB",
        grown <= 300 * 2**20,
    )
    for name, before, during in zip(("GetAccountBalance", "a warm page of another requester"), calm, busy, strict=True):
        quiet, loud = percentile(before, 99), percentile(during, 99)
        yield at_most(
            "8",
            f"p99 of {name} while {hits:,} HITs are walked ÷ idle; {where}",
            loud / quiet,
            2,
            f"{milliseconds(loud)} of {len(during)} ÷ {milliseconds(quiet)}; the walk took {seconds:.0f} s",
        )


def _ask(bench: Bench, front: Server, requester: Requester, number: int) -> list[list[float]]:
    """The latencies of so many requests of each kind."""
    balances: Lane = [legacy.signed(requester, "GetAccountBalance") for _ in range(number)]
    pages: Lane = [legacy.page(requester, 1) for _ in range(number)]
    driven = bench.load.drive(front.port, [balances, pages], pause=_PAUSE)
    assert driven.rows == PAGE * number
    return [lane.latencies for lane in driven.lanes]


def _extend(kinds: list[list[float]], more: list[list[float]]) -> None:
    for kind, latencies in zip(kinds, more, strict=True):
        kind.extend(latencies)
