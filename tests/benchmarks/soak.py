"""Figures S: an hour of a lab's mixed traffic, sent as fast as it is answered; what may not grow does not.

An hour is 72,000 requests, 20 a second. The times after which snapshots and walks are cleared away are made shorter in
proportion, or nothing would be cleared within the run.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.figures import Bench, Figure, mebibytes, milliseconds, percentile
from benchmarks.programs import ROUNDS, Asked, Site
from benchmarks.traffic import Traffic
from benchmarks.vitals import Vitals, thirds
from mturk_gateway.credentials import Requester, write_profile
from support import served

_REQUESTS = 72_000
_WARM = 0.2
"""The part of the requests after which caches, pools and threads are expected to be as full as they get."""
_HELD_BACK = {"strangers", "greedy"}
"""Programs that are made to wait on purpose."""
_SLICES = 30
"""Parts of the run of which each has a p99 of its own."""
_OPTIONS = ("--fronts", "2", "--walk-lifetime", "30", "--staleness", "30", "--key-rate", "60", "--address-rate", "0")
_MEMORY, _HANDLES, _THREADS, _LATENCY = 0.05, 8, 4, 0.25
"""How much more the last third may have than the first, in parts, handles, threads, and parts."""
_QUANTUM = 2 * 2**20
"""Bytes that no growth of memory is told from."""


class _Gateway(NamedTuple):
    name: str
    site: Site
    vitals: Vitals


def measure(bench: Bench) -> Iterator[Figure]:
    """Two gateways at once, of which one records what it is asked."""
    with ExitStack() as stack:
        gateways = [_serve(stack, bench.folder / name, name, *options) for name, options in _GATEWAYS]
        begun = time.monotonic()
        asked = _drive(stack, [gateway.site for gateway in gateways], round(_REQUESTS * bench.scale))
        ended = time.monotonic()
    warm = sorted(each.at for each in asked)[round(len(asked) * _WARM)]
    yield _answers(asked, ended - begun)
    yield from _latencies(asked, warm, ended)
    for gateway in gateways:
        yield from _processes(gateway, warm, ended)
        yield _files(gateway, warm, ended, len(asked))


_GATEWAYS: tuple[tuple[str, tuple[str, ...]], ...] = (("plain", ()), ("recording", ("--record",)))


def _serve(stack: ExitStack, folder: Path, name: str, *options: str) -> _Gateway:
    folder.mkdir()
    credentials = folder / "credentials"
    requesters = {
        kind: Requester(kind, f"AKID{kind.upper().replace('_', '')}", f"secret of {kind}", clock_skew=7_260)
        for kind in ROUNDS
    }
    for requester in requesters.values():
        write_profile(credentials, requester)
    recordings = [str(folder / "recordings")] if "--record" in options else []
    data = folder / "data"
    process, url = stack.enter_context(
        served(data, "--credentials", str(credentials), *_OPTIONS, *options, *recordings)
    )
    site = Site(urlsplit(url).port or 0, data / "marketplace.db", requesters)
    return _Gateway(name, site, stack.enter_context(Vitals(process.pid, data)))


def _drive(stack: ExitStack, sites: list[Site], number: int) -> list[Asked]:
    asked: list[Asked] = []
    traffic = stack.enter_context(Traffic(sites))
    told = 0
    while len(asked) < number:
        time.sleep(1.0)
        asked += traffic.news()
        if len(asked) * 20 // number > told:
            told = len(asked) * 20 // number
            print(f"{len(asked):,} requests", file=sys.stderr, flush=True)
    return asked + traffic.end()


def _answers(asked: Sequence[Asked], seconds: float) -> Figure:
    wrong = Counter(f"{each.program}: {each.wrong}" for each in asked if each.wrong)
    for what, times in wrong.most_common(20):
        print(f"{times} times {what}", file=sys.stderr, flush=True)
    name = f"mixed traffic of {len(ROUNDS)} kinds of programs at two gateways: requests, and wrong answers"
    measured = (
        f"{len(asked):,} requests in {seconds / 60:.1f} min ({len(asked) / seconds:.0f}/s), {wrong.total()} wrong"
    )
    return Figure("S1", name, measured, "0 wrong", not wrong)


def _latencies(asked: Sequence[Asked], warm: float, ended: float) -> Iterator[Figure]:
    width = (ended - warm) / _SLICES
    slices: list[list[float]] = [[] for _ in range(_SLICES)]
    for each in asked:
        if each.at >= warm and each.wrong is None and each.program not in _HELD_BACK:
            slices[min(int((each.at - warm) / width), _SLICES - 1)].append(each.seconds)
    for percent in (50, 99):
        series = [(warm + (n + 0.5) * width, percentile(part, percent)) for n, part in enumerate(slices) if part]
        first, last = thirds(series, warm, ended)
        yield Figure(
            "S2",
            f"p{percent} of requests of orderly programs, last third ÷ first third of the run after the warm-up",
            f"{last / first:.2f} ({milliseconds(last)} ÷ {milliseconds(first)})",
            f"≤ {1 + _LATENCY:g}",
            last <= first * (1 + _LATENCY),
        )


def _processes(gateway: _Gateway, warm: float, ended: float) -> Iterator[Figure]:
    for process, looks in gateway.vitals.looks.items():
        memory = thirds([(look.at, look.memory) for look in looks], warm, ended)
        handles = thirds([(look.at, look.handles) for look in looks], warm, ended)
        threads = thirds([(look.at, look.threads) for look in looks], warm, ended)
        flat = (
            memory[1] - memory[0] <= max(_QUANTUM, memory[0] * _MEMORY)
            and handles[1] - handles[0] <= _HANDLES
            and threads[1] - threads[0] <= _THREADS
        )
        most = max(looks, key=lambda look: look.memory).memory
        yield Figure(
            "S3",
            f"{process} ({gateway.name}): memory (PSS), file handles, threads; first → last third",
            f"{mebibytes(memory[0])} → {mebibytes(memory[1])} (at most {mebibytes(most)}), "
            f"{handles[0]:.0f} → {handles[1]:.0f}, {threads[0]:.0f} → {threads[1]:.0f}",
            f"+{_MEMORY:.0%} or {mebibytes(_QUANTUM)}; +{_HANDLES}; +{_THREADS}",
            flat,
        )


def _files(gateway: _Gateway, warm: float, ended: float, number: int) -> Figure:
    """What is kept for ever may grow; what can be made again, and what has yet to be written back, may not."""
    grown, flat = [], True
    for name, series in sorted(gateway.vitals.sizes.items()):
        if name.endswith("-shm"):
            continue
        first, last = thirds(series, warm, ended)
        grown.append(f"{name} {mebibytes(first)} → {mebibytes(last)}")
        lasting = name in ("marketplace.db", "ledger.db")
        flat = flat and (lasting or last - first <= max(_QUANTUM, first * 0.25))
    return Figure("S4", f"files ({gateway.name}); first → last third", "; ".join(grown), "all but records flat", flat)
