"""Fuzzes the gateway for long, and prints the counts that the README records: `make fuzz`."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from fuzzing.areas import AREAS
from fuzzing.guides import GUIDES
from fuzzing.running import SLICE, keep, run
from fuzzing.values import Chance

_PROGRESS = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")
_SEEDS = 200


def main() -> int:
    """Fuzz all areas, or those that are named; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="fuzzing", description="Fuzz the gateway.")
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)}; default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="fewer inputs for a rehearsal, such as 0.01")
    parser.add_argument("--seed", type=int, default=1, help="which inputs; the same seed makes the same ones")
    parser.add_argument(
        "--found",
        type=Path,
        default=Path(tempfile.gettempdir()) / "fuzzing",
        help="folder for inputs that were answered wrongly",
    )
    parser.add_argument("--only", choices=("grammars", "guided"), help="only one kind of fuzzing")
    given = parser.parse_args()
    unknown = sorted(set(given.areas) - AREAS.keys())
    if unknown:
        parser.error(f"no such area: {', '.join(unknown)}")
    names = given.areas or list(AREAS)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    print(f"{datetime.now(UTC).date()}, {machine}, seed {given.seed}\n")
    print("| area | inputs | a second | slowest | wrong |\n| --- | --- | --- | --- | --- |", flush=True)
    wrong = 0
    for name in names:
        if given.only != "guided":
            wrong += _by_grammar(name, given.seed, round(given.scale * AREAS[name].inputs), given.found)
    for name in names:
        if name in GUIDES and given.only != "grammars":
            wrong += _guided(name, given.seed, max(2 * _SEEDS, round(given.scale * GUIDES[name].inputs)), given.found)
    return min(wrong, 1)


def _by_grammar(name, seed, number, found):
    ran = run(name, seed, range(number))
    for finding in ran.findings:
        print(f"{keep(finding, found)}: {finding.wrong.splitlines()[-1][:300]}", file=sys.stderr)
    if ran.growth > _MOST_GROWTH and number > 2 * SLICE:
        print(f"{name}: memory has grown by {ran.growth} KiB", file=sys.stderr)
        return 1
    speed = ran.inputs / max(ran.seconds, 0.001)
    print(
        f"| {AREAS[name].about} | {ran.inputs:,} | {speed:,.0f} | {1000 * ran.slowest:,.0f} ms | {len(ran.findings)} |",
        flush=True,
    )
    return len(ran.findings)


_MOST_GROWTH = 150 * 1024
"""KiB by which a process may grow from the end of its first slice on: several caches fill."""


def _guided(name, seed, number, found):
    if not find_spec("atheris"):
        print(f"{name}: not guided by coverage, for atheris is not installed", file=sys.stderr)
        return 0
    found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder)
        for place in range(_SEEDS):
            (corpus / str(place)).write_bytes(AREAS[name].make(Chance(f"{name} {seed} corpus {place}")))
        begun = time.monotonic()
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "fuzzing.guided", name, str(number), folder, f"-seed={seed}"),
                *("-timeout=60", "-rss_limit_mb=2048", "-max_len=8192", f"-artifact_prefix={found}/{name}-"),
            ],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
        )
    progress = _PROGRESS.findall(ended.stderr)
    if ended.returncode or not progress:
        print(ended.stderr[-3_000:], file=sys.stderr)
        return 1
    covered, features, kept = progress[-1]
    seconds = time.monotonic() - begun
    print(
        f"| {AREAS[name].about}; guided: {covered} branches, {features} features, {kept} inputs kept "
        f"| {number:,} | {number / seconds:,.0f} | | 0 |",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
