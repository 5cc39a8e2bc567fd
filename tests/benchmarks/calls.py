"""Figures 9 and 10: single calls, through the gateway and to the marketplace."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import legacy
from benchmarks.figures import Bench, Figure, at_most, interleaved, milliseconds
from benchmarks.loader import make_marketplace
from benchmarks.processes import gateway, run_marketplace, server
from benchmarks.sample import PAGE
from benchmarks.stub import run_stub, stub_requester
from benchmarks.writer import CREATED
from mturk_gateway.credentials import Requester, write_profile
from support import modern_client

_HITS = 10_000
_ROUNDS = 20
_CALLS = 15
"""Calls in a round."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Both upstreams, with a gateway in front of each."""
    hits = bench.hits(_HITS)
    database, credentials = bench.folder / "marketplace.db", bench.folder / "credentials"
    owner = make_marketplace(database, credentials, {"owner": hits})["owner"]
    stubbed = stub_requester(hits)
    write_profile(credentials, stubbed)
    with (
        server(run_marketplace, database) as marketplace,
        server(run_stub) as stub,
        gateway(bench.folder, marketplace, credentials) as front,
        gateway(bench.folder, stub, credentials) as stub_front,
        modern_client(marketplace.url, owner) as real,
        modern_client(stub.url, stubbed) as canned,
    ):
        for name, port, client, requester in (
            ("marketplace", front.port, real, owner),
            ("canned stub", stub_front.port, canned, stubbed),
        ):
            yield _get_hit(bench, name, port, client, requester)
        yield _against_stub(
            "`list_hits` of 100", 1.3, real, canned, lambda client: client.list_hits(MaxResults=PAGE), _CALLS // 2
        )
        yield _against_stub("`create_hit`", 1.8, real, canned, lambda client: client.create_hit(**CREATED), _CALLS)


def _get_hit(bench: Bench, name: str, port: int, client: Any, requester: Requester) -> Figure:
    identifiers = [hit["HITId"] for hit in client.list_hits(MaxResults=PAGE)["HITs"][:_CALLS]]

    def ours(_: int) -> float:
        requests = [legacy.signed(requester, "GetHIT", ("HITId", identifier)) for identifier in identifiers]
        return statistics.median(bench.load.drive(port, [requests]).latencies)

    def theirs(_: int) -> float:
        waiting = iter(identifiers)
        return _median_time(lambda: client.get_hit(HITId=next(waiting)), len(identifiers))

    ours(0)
    theirs(0)
    through, direct = interleaved(_ROUNDS, ours, theirs)
    return at_most(
        "9",
        f"legacy `GetHIT` through the gateway ÷ boto3 `get_hit` directly, {name}",
        through / direct,
        1.3,
        f"{milliseconds(through)} ÷ {milliseconds(direct)}",
    )


def _against_stub(name: str, limit: float, real: Any, canned: Any, call: Callable[[Any], Any], number: int) -> Figure:
    sizes = [int(call(client)["ResponseMetadata"]["HTTPHeaders"]["content-length"]) for client in (real, canned)]
    assert abs(sizes[0] / sizes[1] - 1) < 0.05, f"the stub's reply has another size: {sizes}"

    def timed(client: Any) -> Callable[[int], float]:
        return lambda _: _median_time(lambda: call(client), number)

    timed(real)(0)
    timed(canned)(0)
    marketplace, stub = interleaved(_ROUNDS, timed(real), timed(canned))
    return at_most(
        "10",
        f"marketplace through boto3 ÷ canned stub through boto3, {name}",
        marketplace / stub,
        limit,
        f"{milliseconds(marketplace)} ÷ {milliseconds(stub)}",
    )


def _median_time(action: Callable[[], object], number: int) -> float:
    times = []
    for _ in range(number):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
