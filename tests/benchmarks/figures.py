"""What a benchmark gives: a line of the table. What it is given: a folder, a load generator, and a scale."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import sample
from benchmarks.load import Load


@dataclass(frozen=True)
class Figure:
    """One line: what was measured, what came out, what it must reach, and whether it does."""

    number: str
    name: str
    measured: str
    target: str
    met: bool

    def line(self) -> str:
        """As a row of a Markdown table."""
        return f"| {self.number} | {self.name} | {self.measured} | {self.target} | {'yes' if self.met else '**no**'} |"


def at_most(number: str, name: str, value: float, limit: float, note: str) -> Figure:
    """A ratio that must not be larger."""
    return Figure(number, name, f"{value:.2f} ({note})", f"≤ {limit:g}", value <= limit)


@dataclass(frozen=True)
class Bench:
    """What every benchmark needs. `scale` makes accounts smaller for a rehearsal; 1 is what the targets are for."""

    folder: Path
    load: Load
    scale: float

    def hits(self, number: int) -> int:
        """A number of HITs at this scale, in whole pages."""
        return max(10, round(number * self.scale / sample.PAGE)) * sample.PAGE


def interleaved(rounds: int, *measure: Callable[[int], float]) -> list[float]:
    """The median of each measurement; all take turns, so that what disturbs the machine disturbs all alike."""
    results = [[take(number) for take in measure] for number in range(rounds)]
    return [statistics.median(of_one) for of_one in zip(*results, strict=True)]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def milliseconds(seconds: float) -> str:
    """Seconds as text in milliseconds."""
    return f"{seconds * 1e3:.2f} ms"


def mebibytes(size: float) -> str:
    """Bytes as text in MiB."""
    return f"{size / 2**20:.0f} MiB"
