"""What a gateway counts, for Prometheus: the only place that knows the library.

Every process counts. In those of one `serve` the counts are in files of a folder that they share, and whoever is asked
tells the sums of all; elsewhere they are in the memory of this process.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from mturk_gateway.observing.labels import known_code, known_operation
from mturk_gateway.observing.programs import program_of
from mturk_gateway.observing.reports import Report

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with which a process of ours is told the folder, before this module is imported there."""

_OWN = CollectorRegistry()
"""Not the library's own, which belongs to the program that we may be part of."""

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SLOW = (0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)

_requests = Counter(
    "mturk_gateway_requests",
    "Requests answered; an empty code is success.",
    ["protocol", "operation", "program", "code"],
    registry=_OWN,
)
_request_seconds = Histogram(
    "mturk_gateway_request_seconds",
    "Seconds from the head of a request to the end of its answer.",
    ["protocol", "operation"],
    buckets=_FAST,
    registry=_OWN,
)
_throttled = Counter(
    "mturk_gateway_throttled_requests",
    "Requests refused because their key or address had sent too many.",
    ["protocol", "by"],
    registry=_OWN,
)
_refused_keys = Counter(
    "mturk_gateway_refused_keys",
    "Requests whose sender failed to prove who it is.",
    ["protocol"],
    registry=_OWN,
)
_connections = Gauge(
    "mturk_gateway_connections", "Connections of clients that are open.", multiprocess_mode="livesum", registry=_OWN
)
_upstream_calls = Counter(
    "mturk_gateway_upstream_calls",
    "Calls of the modern API that were made or handed on: ok, refused, throttled, failed or unreachable.",
    ["operation", "outcome"],
    registry=_OWN,
)
_upstream_seconds = Histogram(
    "mturk_gateway_upstream_seconds",
    "Seconds that those calls took, with the tries that they needed.",
    ["operation"],
    buckets=_FAST,
    registry=_OWN,
)
_upstream_retries = Counter(
    "mturk_gateway_upstream_retries", "Further tries that calls needed.", ["operation"], registry=_OWN
)
_walks = Counter(
    "mturk_gateway_walks",
    "Walks of listings that came to an end, or were put off: complete, failed, interrupted or put_off.",
    ["operation", "outcome"],
    registry=_OWN,
)
_walk_seconds = Histogram(
    "mturk_gateway_walk_seconds",
    "Seconds that a walker was at a walk until it was complete.",
    ["operation"],
    buckets=_SLOW,
    registry=_OWN,
)
_walk_calls = Counter("mturk_gateway_walk_calls", "Calls made for walks.", ["operation"], registry=_OWN)
_no_space = Counter(
    "mturk_gateway_snapshots_without_space",
    "Listings too large for the space that one may take, and snapshots dropped to make room.",
    ["what"],
    registry=_OWN,
)
_recordings_lost = Counter("mturk_gateway_recordings_lost", "Exchanges that could not be recorded.", registry=_OWN)
_starts = Counter(
    "mturk_gateway_process_starts", "Times that a process of the gateway began.", ["process"], registry=_OWN
)
_pids = Gauge("mturk_gateway_pid", "Not told.", ["process"], multiprocess_mode="livemax", registry=_OWN)
_walker_seen = Gauge("mturk_gateway_walker_seen", "Not told.", multiprocess_mode="livemax", registry=_OWN)
_UNTOLD = {"mturk_gateway_pid", "mturk_gateway_walker_seen"}


def answered(reports: Iterable[Report]) -> None:
    """Requests were answered. Many at a time cost much less, because many are alike."""
    alike: defaultdict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for report in reports:
        alike[report.protocol, report.operation, report.user_agent, report.code].append(report.seconds)
    for (protocol, given, user_agent, code), times in alike.items():
        operation = known_operation(given)
        _requests.labels(protocol, operation, program_of(user_agent), known_code(code)).inc(len(times))
        observe = _request_seconds.labels(protocol, operation).observe
        for seconds in times:
            observe(seconds)


def throttled(protocol: str, by: str) -> None:
    """A request was refused because its `key` or its `address` had sent too many."""
    _throttled.labels(protocol, by).inc()


def refused_key(protocol: str) -> None:
    """A request came without keys that anybody has, or with a signature that is not theirs."""
    _refused_keys.labels(protocol).inc()


def connected(more: int) -> None:
    """So many more connections of clients are open than before."""
    _connections.inc(more)


def called(operation: str, outcome: str, seconds: float, retries: int = 0) -> None:
    """A call of the upstream came to an end: `ok`, `refused`, `throttled`, `failed` or `unreachable`."""
    name = known_operation(operation)
    _upstream_calls.labels(name, outcome).inc()
    _upstream_seconds.labels(name).observe(seconds)
    if retries:
        _upstream_retries.labels(name).inc(retries)


def walk_called(operation: str) -> None:
    """A call was made for a walk."""
    _walk_calls.labels(known_operation(operation)).inc()


def walked(operation: str, outcome: str, seconds: float) -> None:
    """A walker let go of a walk: it is `complete` or has `failed`, or it was `interrupted` or `put_off`."""
    name = known_operation(operation)
    _walks.labels(name, outcome).inc()
    if outcome == "complete":
        _walk_seconds.labels(name).observe(seconds)


def without_space(what: str) -> None:
    """A `listing` was too large to be kept, or a `snapshot` was dropped to make room."""
    _no_space.labels(what).inc()


def recordings_lost(number: int) -> None:
    """So many exchanges could not be recorded."""
    _recordings_lost.inc(number)


def process_began(name: str, supervisor: int) -> None:
    """The process that asks has that name, and is under a supervisor with that process ID."""
    _starts.labels(name).inc()
    _pids.labels(name).set(os.getpid())
    _pids.labels("supervisor").set(supervisor)


def walker_lives(now: float) -> None:
    """A walker gives a sign of life at a moment in seconds since 1970."""
    _walker_seen.set(now)


def process_ended(folder: Path, pid: int) -> None:
    """What a process has counted goes on counting without it; its gauges do not. Asked of one process only."""
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    for kind in ("counter", "histogram"):
        left = folder / f"{kind}_{pid}.db"
        if not left.exists():
            continue
        # A process that ends again and again must not leave a file each time.
        sums = MmapedDict(str(folder / f"{kind}_ended.db"))  # type: ignore[no-untyped-call]
        for key, value, *_ in MmapedDict.read_all_values_from_file(str(left)):  # type: ignore[no-untyped-call]
            sums.write_value(key, sums.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
        left.unlink()
        sums.close()  # type: ignore[no-untyped-call]


class State(NamedTuple):
    """Something that is looked up when it is asked for: its values by what its labels say."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


def exposition(states: Iterable[State], now: float) -> bytes:
    """Everything in Prometheus' text format: what was counted, the processes, and these states."""
    return generate_latest(_Told([*_told(states, now)]))


class _Told(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


_LONGEST_SILENCE = 10.0
"""Seconds without a sign of life after which a walker counts as gone."""


def _told(states: Iterable[State], now: float) -> Iterator[Metric]:
    pids, seen = {}, 0.0
    for family in _counted():
        if family.name == "mturk_gateway_pid":
            pids = {sample.labels["process"]: int(sample.value) for sample in family.samples}
        elif family.name == "mturk_gateway_walker_seen":
            seen = max((sample.value for sample in family.samples), default=0.0)
        if family.name not in _UNTOLD:
            yield family
    yield from _of_processes(pids or {"gateway": os.getpid()})
    walker = State("mturk_gateway_up", "", (), {("walker",): float(now - seen < _LONGEST_SILENCE)})
    for state in states:
        values = {**state.values, **walker.values} if state.name == walker.name else state.values
        gauge = GaugeMetricFamily(state.name, state.meaning, labels=state.labels)
        for labels, value in values.items():
            gauge.add_metric(labels, value)
        yield gauge


def _counted() -> list[Metric]:
    folder = os.environ.get(FOLDER)
    if not folder:
        return list(_OWN.collect())
    for _ in range(3):
        try:
            return list(MultiProcessCollector(None, folder).collect())  # type: ignore[no-untyped-call]
        except FileNotFoundError:
            # A process has ended since its files were listed.
            continue
    return []


def _of_processes(pids: Mapping[str, int]) -> Iterator[Metric]:
    families: dict[str, Metric] = {}
    for process, pid in pids.items():
        found = ProcessCollector(namespace="mturk_gateway", pid=lambda pid=pid: pid, registry=None)  # type: ignore[misc]
        for family in found.collect():
            whole = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                whole.samples.append(sample._replace(labels={"process": process}))
    yield from families.values()
