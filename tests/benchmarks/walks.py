"""Figures 1 and 11: how many upstream calls full legacy walks take, and what the simplest shim would take."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence

from benchmarks import legacy
from benchmarks.figures import Bench, Figure
from benchmarks.load import Lane
from benchmarks.processes import Server, gateway, server
from benchmarks.sample import PAGE
from benchmarks.stub import run_stub, stub_requester
from mturk_gateway.credentials import Requester, write_profile
from support import modern_client

_HITS = 10_000
_SIZES = (10, 33, 100)
_CLIENTS = 64
_KINDS = tuple(itertools.product(_SIZES, legacy.SORTS))


def measure(bench: Bench) -> Iterator[Figure]:
    """Walk alone, walk in a crowd, and walk with the shim."""
    hits = bench.hits(_HITS)
    alone = [stub_requester(hits, serial) for serial in range(len(_KINDS))]
    crowd, plain, shimmed = (stub_requester(hits, len(_KINDS) + n) for n in range(3))
    credentials = bench.folder / "credentials"
    for requester in (*alone, crowd, plain):
        write_profile(credentials, requester)
    with (
        server(run_stub) as stub,
        gateway(bench.folder, stub, credentials, freshness=3600, patience=600) as front,
    ):
        expected = hits // PAGE + 1
        each = [
            _calls(bench, front, stub, [_walk(requester, hits, *kind)], hits)
            for requester, kind in zip(alone, _KINDS, strict=True)
        ]
        lanes = [
            _walk(crowd, hits, *kind, program=f"client {n}")
            for n, kind in zip(range(_CLIENTS), itertools.cycle(_KINDS), strict=False)
        ]
        together = _calls(bench, front, stub, lanes, hits)
        yield Figure(
            "1",
            f"upstream calls of full legacy walks, {hits:,} HITs, page sizes {_SIZES}, sorts {', '.join(legacy.SORTS)}",
            f"1 client: {min(each)} to {max(each)} in each of {len(each)} snapshots; "
            f"{_CLIENTS} clients at once: {together} in all",
            f"{expected} per snapshot",
            max(*each, together) <= expected,
        )
        start = time.perf_counter()
        calls = _calls(bench, front, stub, [_walk(plain, hits, PAGE, "Enumeration")], hits)
        seconds = time.perf_counter() - start
        shim_calls, shim_seconds = _shim(stub, shimmed, hits)
        yield Figure(
            "11",
            f"full walk of {hits:,} HITs in pages of {PAGE}, beside a shim that walks from the start for each page",
            f"{calls} calls, {seconds:.1f} s; shim: {shim_calls} calls, {shim_seconds:.1f} s",
            "fewer",
            calls < shim_calls and seconds < shim_seconds,
        )


def _walk(requester: Requester, hits: int, size: int, sort: str, program: str = "client") -> Lane:
    return [
        legacy.page(requester, number, size, sort, program=program)
        for number in range(1, (hits + size - 1) // size + 1)
    ]


def _calls(bench: Bench, front: Server, stub: Server, lanes: Sequence[Lane], hits: int) -> int:
    """The upstream calls that walks take, each of which must see all HITs."""
    before = stub.calls()
    driven = bench.load.drive(front.port, lanes)
    assert all(sum(lane.rows) == hits for lane in driven.lanes), "a walk has not seen all HITs"
    return stub.calls() - before


def _shim(stub: Server, requester: Requester, hits: int) -> tuple[int, float]:
    """Calls and seconds of what anyone would write first. It knows no totals, does not sort and writes no XML."""
    before, start = stub.calls(), time.perf_counter()
    with modern_client(stub.url, requester) as client:
        for number in range(1, hits // PAGE + 1):
            reply = client.list_hits(MaxResults=PAGE)
            for _ in range(number - 1):
                reply = client.list_hits(MaxResults=PAGE, NextToken=reply["NextToken"])
            assert len(reply["HITs"]) == PAGE
    return stub.calls() - before, time.perf_counter() - start
