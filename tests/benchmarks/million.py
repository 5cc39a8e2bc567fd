"""Figures 2 and 6, and 7 and 8 once more: a million HITs in the embedded marketplace."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from benchmarks import legacy
from benchmarks.figures import Bench, Figure, at_most, milliseconds
from benchmarks.loader import make_marketplace
from benchmarks.processes import Server, gateway, run_marketplace, server
from benchmarks.relay import run_relay
from benchmarks.sample import PAGE
from benchmarks.strain import strained_walk
from benchmarks.writer import Writer, newest_page
from mturk_gateway.credentials import Requester

_HITS = 1_000_000
_SMALL = 1_000
_CHANGES = (0, 1, 10, 250)
_ROUNDS = 3
_FRESHNESS = 5.0
_SORTS = (*legacy.SORTS, "Expiration")
_REQUESTS = 60
"""Requests for each page in a round."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Everything that needs the big account, which is walked once. The marketplace's calls go through a relay."""
    hits = bench.hits(_HITS)
    database, credentials = bench.folder / "marketplace.db", bench.folder / "credentials"
    requesters = make_marketplace(database, credentials, {"small": _SMALL, "large": hits})
    large, small = requesters["large"], requesters["small"]
    with (
        server(run_marketplace, database) as marketplace,
        server(run_relay, marketplace.port) as relay,
    ):
        with gateway(bench.folder, relay, credentials, freshness=3600, patience=3600) as front:
            ours = (front, marketplace)
            yield from strained_walk(bench, hits, large, small, front, ours, "embedded marketplace")
            yield _page_times(bench, hits, large, small, front)
        with gateway(bench.folder, relay, credentials, freshness=_FRESHNESS, patience=3600) as front:
            yield _changes(bench, hits, large, front, relay)


def _page_times(bench: Bench, hits: int, large: Requester, small: Requester, front: Server) -> Figure:
    """The medians of both accounts for each sort and page, and the worst of the ratios."""
    times: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for sort in _SORTS:
        for name, large_number, small_number in (("first", 1, 1), ("last", hits // PAGE, _SMALL // PAGE)):
            taken = times[sort, name] = ([], [])
            for turn in range(_ROUNDS + 1):
                for kept, requester, number in zip(taken, (large, small), (large_number, small_number), strict=True):
                    requests = [legacy.page(requester, 1, sort=sort)]
                    marks = [f"{turn} {index}" for index in range(_REQUESTS)]
                    requests += [legacy.page(requester, number, sort=sort, mark=mark) for mark in marks]
                    driven = bench.load.drive(front.port, [requests])
                    assert driven.rows == PAGE * len(requests)
                    # The first round puts the rows in order.
                    if turn:
                        kept.extend(driven.latencies[1:])
    medians = {key: [statistics.median(latencies) for latencies in taken] for key, taken in times.items()}
    (sort, name), (big, little) = max(medians.items(), key=lambda item: item[1][0] / item[1][1])
    return at_most(
        "6",
        f"median page time at {hits:,} HITs ÷ at {_SMALL:,}, the worst of {len(_SORTS)} sorts, first and last page",
        big / little,
        1.5,
        f"{name} page by {sort}: {milliseconds(big)} ÷ {milliseconds(little)}",
    )


def _changes(bench: Bench, hits: int, requester: Requester, front: Server, relay: Server) -> Figure:
    """What page 1 costs after changes, and when nothing has changed but time has passed."""
    most: dict[int, int] = {}
    medians: dict[int, float] = {}
    with Writer(front.port, requester) as writer:
        writer.write_and_see(bench.load)
        for number in _CHANGES:
            taken = [_first_page_after(number, bench, requester, front, relay, writer) for _ in range(_ROUNDS)]
            most[number] = max(calls for calls, _ in taken)
            medians[number] = statistics.median(seconds for _, seconds in taken)
    return Figure(
        "2",
        f"calls to the marketplace for page 1 of a warm account of {hits:,} HITs after k changes, and its time",
        "; ".join(f"k = {number}: {most[number]} ({milliseconds(medians[number])})" for number in _CHANGES),
        "1 for k = 0, else ⌈k ÷ 100⌉",
        all(calls <= max(1, -(-number // PAGE)) for number, calls in most.items()),
    )


def _first_page_after(
    number: int, bench: Bench, requester: Requester, front: Server, relay: Server, writer: Writer
) -> tuple[int, float]:
    """Calls and seconds of the first page after so many HITs more, or after long enough to look for changes."""
    identifier = writer.create(number) if number else ""
    if not number:
        time.sleep(1.1 * _FRESHNESS)
    before = relay.calls()
    driven = bench.load.drive(front.port, [[newest_page(requester, 1)]])
    assert identifier.encode() in driven.lanes[0].last, "the first page does not show what was written before"
    return relay.calls() - before, driven.seconds
