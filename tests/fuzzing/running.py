"""Runs inputs through areas: counts them, measures them, and keeps what was wrong."""

from __future__ import annotations

import faulthandler
import json
import resource
import signal
import time
import traceback
from pathlib import Path
from typing import NamedTuple

from fuzzing.areas import AREAS
from fuzzing.oracles import WrongError

SLICE = 3_000
"""Inputs after which an area that is served begins with a new gateway."""
LIMIT = 1.0
"""Seconds of processor time after which an input of a kilobyte or less counts as a hang."""
_PATIENCE = 900
"""Seconds of a clock on the wall, on a machine that does other things too, in which a slice must end."""


class HangError(WrongError):
    """An input takes too long."""


class Finding(NamedTuple):
    """What was wrong with an input."""

    area: str
    origin: str
    wrong: str
    input: bytes


class Ran(NamedTuple):
    """What came of running an area: seconds of processor time, the longest for one input, and growth in KiB."""

    inputs: int
    seconds: float
    slowest: float
    growth: int
    findings: list[Finding]


def limit(data: bytes) -> float:
    """The seconds of processor time that an input may take: a longer one has more in it, such as a batch."""
    return LIMIT * (1 + len(data) / 4_096)


def run(name: str, seed: int, numbers: range) -> Ran:
    """Run the inputs of some numbers through an area."""
    area, findings = AREAS[name], []
    begun, slowest, first = time.process_time(), 0.0, None
    signal.signal(signal.SIGPROF, _stop)
    for start in range(0, len(numbers), SLICE):
        faulthandler.dump_traceback_later(_PATIENCE, exit=True)
        try:
            with area.opened() as place:
                for number in numbers[start : start + SLICE]:
                    data = area.input(name, seed, number)
                    wrong, taken = attempt(area, place, data)
                    slowest = max(slowest, taken)
                    if wrong:
                        findings.append(Finding(name, f"seed {seed}, number {number}", wrong, data))
        except WrongError as error:
            findings.append(Finding(name, f"seed {seed}, numbers from {numbers[start]}", str(error), b""))
        first = first or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    faulthandler.cancel_dump_traceback_later()
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - (first or 0)
    return Ran(len(numbers), time.process_time() - begun, slowest, growth, findings)


def attempt(area, place, data):
    """What is wrong with an input, None for nothing; and the seconds of processor time that it took.

    One that takes too long is given once more: what was made for good meanwhile, by whatever thread, is not its fault.
    """
    wrong, taken = _attempt(area, place, data)
    if not wrong and taken > limit(data):
        wrong, taken = _attempt(area, place, data)
    if not wrong and taken > limit(data):
        wrong = f"a hang: {taken:.2f} s"
    return wrong, taken


def _attempt(area, place, data):
    wrong, begun = None, time.process_time()
    signal.setitimer(signal.ITIMER_PROF, 10 * limit(data))
    try:
        area.checked(place, data)
    except Exception:  # noqa: BLE001  # whatever it is, it was not to be
        wrong = traceback.format_exc(limit=-3)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return wrong, time.process_time() - begun


def _stop(*_):
    raise HangError("a hang")


def keep(finding: Finding, folder: Path) -> Path:
    """Write a finding to a file, from which it can be made a case."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{finding.area.replace(' ', '-')}-{finding.origin.replace(', ', '-').replace(' ', '')}.json"
    facts = {
        "area": finding.area,
        "origin": finding.origin,
        "found": finding.wrong,
        "input": finding.input.decode("latin-1"),
    }
    file.write_text(json.dumps(facts, indent=2) + "\n")
    return file
