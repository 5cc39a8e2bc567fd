"""Figure 5: how long a snapshot takes that is not there, against boto3 alone."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks import legacy
from benchmarks.figures import Bench, Figure, at_most, interleaved
from benchmarks.processes import gateway, server
from benchmarks.sample import PAGE
from benchmarks.stub import run_stub, stub_requester
from mturk_gateway.credentials import write_profile
from support import modern_client

_HITS = 100_000
_ROUNDS = 3


def measure(bench: Bench) -> Iterator[Figure]:
    """Each round walks the listing of somebody else, whom the gateway has not met."""
    hits = bench.hits(_HITS)
    requesters = [stub_requester(hits, serial) for serial in range(_ROUNDS)]
    warming = stub_requester(10 * PAGE)
    credentials = bench.folder / "credentials"
    for requester in (*requesters, warming):
        write_profile(credentials, requester)
    with (
        server(run_stub) as stub,
        gateway(bench.folder, stub, credentials, freshness=3600, patience=3600) as front,
        modern_client(stub.url, warming) as warm_client,
    ):

        def ours(number: int) -> float:
            driven = bench.load.drive(front.port, [[legacy.page(requesters[number], 1)]])
            assert driven.rows == PAGE
            return driven.seconds

        def theirs(number: int) -> float:
            with modern_client(stub.url, requesters[number]) as client:
                start = time.perf_counter()
                for _ in client.get_paginator("list_hits").paginate(PaginationConfig={"PageSize": PAGE}):
                    pass
                return time.perf_counter() - start

        bench.load.drive(front.port, [[legacy.page(warming, 1)]])
        warm_client.list_hits(MaxResults=PAGE)
        gateway_seconds, paginator_seconds = interleaved(_ROUNDS, ours, theirs)
        yield at_most(
            "5",
            f"cold snapshot of {hits:,} HITs ÷ a boto3 paginator that does nothing with the pages",
            gateway_seconds / paginator_seconds,
            0.8,
            f"{gateway_seconds:.1f} s ÷ {paginator_seconds:.1f} s",
        )
