"""What the processes of a served gateway take, looked at every few seconds: memory, file handles, threads, files."""

from __future__ import annotations

import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from benchmarks.processes import memory_of
from walks import Processes, until

_EVERY = 3.0
"""Seconds between two looks."""


class Look(NamedTuple):
    """One process at a moment (monotonic): bytes of memory (PSS), open file handles, threads."""

    at: float
    memory: int
    handles: int
    threads: int


class Vitals:
    """Looks at a gateway's processes and data folder inside a `with` block."""

    def __init__(self, supervisor: int, data: Path) -> None:
        self._supervisor = supervisor
        self._data = data
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.looks: dict[str, list[Look]] = defaultdict(list)
        """Of each process, by its name."""
        self.sizes: dict[str, list[tuple[float, int]]] = defaultdict(list)
        """Of each file of the data folder in bytes, with the moment."""

    def __enter__(self) -> Self:
        found = until(lambda: all(seen := Processes.of(self._supervisor)) and seen)
        self._pids = {"supervisor": self._supervisor}
        for kind, pids in (("front", found.fronts), ("walker", found.walkers), ("marketplace", found.marketplaces)):
            self._pids |= {f"{kind} {number}" if len(pids) > 1 else kind: pid for number, pid in enumerate(pids, 1)}
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(_EVERY):
            for name, pid in self._pids.items():
                with suppress(OSError):
                    threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
                    handles = len(list(Path(f"/proc/{pid}/fd").iterdir()))
                    self.looks[name].append(Look(time.monotonic(), memory_of(pid).pss, handles, threads))
            for file in self._data.glob("*.db*"):
                self.sizes[file.name].append((time.monotonic(), file.stat().st_size))


def thirds(series: Sequence[tuple[float, float]], begin: float, end: float) -> tuple[float, float]:
    """The medians of the first and of the last third of what was seen between two moments."""
    third = (end - begin) / 3
    first = [value for moment, value in series if begin <= moment <= begin + third]
    last = [value for moment, value in series if end - third <= moment <= end]
    return statistics.median(first), statistics.median(last)
