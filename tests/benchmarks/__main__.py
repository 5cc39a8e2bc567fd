"""Measures, and prints the figures that the README records: `make bench`.

Everything is a ratio within one run, because machines are noisy.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import calls, cold, edges, faults, kills, million, pages, soak, strain, walks
from benchmarks.figures import Bench
from benchmarks.load import Load

_GROUPS = {
    "pages": pages.measure,
    "calls": calls.measure,
    "walks": walks.measure,
    "cold": cold.measure,
    "strain": strain.measure,
    "million": million.measure,
    "kills": kills.measure,
    "edges": edges.measure,
    "soak": soak.measure,
    "faults": faults.measure,
}


def main() -> int:
    """Run all groups of benchmarks, or those that are named; 1 if one could not be finished."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure the gateway.")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(_GROUPS)}; default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="smaller accounts for a rehearsal, such as 0.01")
    given = parser.parse_args()
    unknown = sorted(set(given.groups) - _GROUPS.keys())
    if unknown:
        parser.error(f"no such group: {', '.join(unknown)}")
    # Leave no process behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    rehearsal = "" if given.scale == 1 else f"; a rehearsal at {given.scale:g} of the size"
    print(f"{datetime.now(UTC).date()}, {machine}{rehearsal}\n")
    print("| | figure | measured | target | met |\n| --- | --- | --- | --- | --- |", flush=True)
    return max(_measure(name, given.scale) for name in given.groups or _GROUPS)


def _measure(name: str, scale: float) -> int:
    with tempfile.TemporaryDirectory() as folder, Load() as load:
        try:
            for figure in _GROUPS[name](Bench(Path(folder), load, scale)):
                print(figure.line(), flush=True)
        except Exception:  # noqa: BLE001  # the other groups can still be measured
            traceback.print_exc()
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
