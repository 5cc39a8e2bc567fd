"""Figures F: what fails while a lab's programs write and read, what they notice, and what is lost."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Bench, Figure
from bookkeeping import Lab
from flapping import Flapping
from instance import Instance, faketime
from mturk_gateway.credentials import Requester, write_profile

_LAB = Requester("lab", "AKIDLAB", "lab-secret")
_CALM = 4.0
"""Seconds between two faults, after all have been served again."""
_TROUBLE = 5.0
"""Seconds that a fault lasts that does not end by itself."""
_SPACE = 64
"""MiB of the disk that fills up."""


class _Run(NamedTuple):
    """What goes on while something fails: the instance, the programs, its folder, and what is before its upstream."""

    instance: Instance
    lab: Lab
    folder: Path
    relay: Flapping | None = None


Fault = Callable[[_Run], None]
"""Lets something fail once; returns when the fault is over, though its effects may not be."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Each fault by itself, with programs that ask again until they are answered."""
    for number, (name, times, setting, fault) in enumerate(_FAULTS):
        folder = bench.folder / f"fault-{number}"
        folder.mkdir()
        write_profile(folder / "credentials", _LAB)
        try:
            with ExitStack() as stack:
                run = setting(stack, folder)
                yield _measured(name, run, max(2, round(times * bench.scale)), fault)
        except _SkippedError as reason:
            print(f"{name}: left out, {reason}", file=sys.stderr, flush=True)


class _SkippedError(Exception):
    """A fault that cannot be brought about on this machine."""


def _measured(name: str, run: _Run, times: int, fault: Fault) -> Figure:
    gaps = []
    time.sleep(_CALM)
    for _ in range(times):
        fault(run)
        over = time.monotonic()
        gaps.append(max(0.0, _served_again(run.lab, over) - over))
        time.sleep(_CALM)
    run.lab.stop()
    lost, twice = run.lab.audit()
    outcomes = Counter(asked.outcome for asked in run.lab.asked)
    answered, refused, broken = (outcomes.pop(kind, 0) for kind in ("answered", "refused", "broken"))
    wrong = [*run.lab.wrong, *outcomes.elements()]
    for what in [*wrong, *(f"lost: {token}" for token in lost), *(f"twice: {token}" for token in twice)][:20]:
        print(f"{name}: {what}", file=sys.stderr, flush=True)
    measured = (
        f"{times} times; {len(run.lab.asked):,} requests: {answered:,} answered, {refused} told to come back, "
        f"{broken} broken off, {len(wrong)} wrong; {run.lab.writes:,} writes acknowledged, {len(lost)} lost, "
        f"{len(twice)} twice; all served again after {sorted(gaps)[len(gaps) // 2]:.1f} s, at most {max(gaps):.1f}"
    )
    return Figure("F", name, measured, "0 wrong, 0 lost, 0 twice", not (wrong or lost or twice))


def _served_again(lab: Lab, since: float) -> float:
    """The moment at which every program had been answered what it asked after that one."""
    programs = {thread.name for thread in lab.threads} - {"disposer"}
    end = time.monotonic() + 120
    while True:
        answered: dict[str, float] = {}
        for asked in list(lab.asked):
            if asked.begun >= since and asked.outcome == "answered":
                answered.setdefault(asked.program, asked.ended)
        if programs <= answered.keys() or time.monotonic() > end:
            return max(answered.values(), default=end)
        time.sleep(0.05)


def _plain(stack: ExitStack, folder: Path, *options: object, environment: object = (), ahead=lambda: 0.0) -> _Run:
    given = ("--credentials", folder / "credentials", "--fronts", "2", "--freshness", "0", *options)
    data = folder / "data"
    instance = stack.enter_context(Instance(data, *given, environment=environment))
    lab = stack.enter_context(Lab(instance.url, _LAB, data / "marketplace.db", ahead))
    return _Run(instance, lab, folder)


def _kill(kind: str, run: _Run) -> None:
    """A walker is killed at any moment of its walks: of these there is always one, for nothing is fresh for long."""
    time.sleep(random.random())
    run.instance.kill(*getattr(run.instance.processes(), kind)[:1])


def _kill_children(run: _Run) -> None:
    run.instance.kill(*(pid for kind in run.instance.processes() for pid in kind))


def _kill_everything(run: _Run) -> None:
    run.instance.kill_all()
    run.instance.start()


def _small_disk(stack: ExitStack, folder: Path) -> _Run:
    if os.geteuid() != 0 or not shutil.which("mount"):
        raise _SkippedError("only root can mount a small disk")
    data = folder / "data"
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SPACE}m,mode=700", "tmpfs", data]
    if subprocess.run(mount, check=False).returncode:
        raise _SkippedError("no disk can be mounted here")
    stack.callback(subprocess.run, ["umount", "-l", data], check=False)
    return _plain(stack, folder)


def _fill_disk(run: _Run) -> None:
    ballast = run.folder / "data" / "ballast"
    end = time.monotonic() + _TROUBLE
    try:
        with ballast.open("wb", buffering=0) as file:
            while time.monotonic() < end:
                try:
                    file.write(bytes(4096))
                except OSError:
                    # Whatever is given back meanwhile is taken, too.
                    time.sleep(0.01)
    finally:
        ballast.unlink()


def _settable_clock(stack: ExitStack, folder: Path) -> _Run:
    library = faketime()
    if library is None:
        raise _SkippedError("libfaketime is not installed (Debian: libfaketime)")
    setting = folder / "clock"
    setting.write_text("+0")
    environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(setting),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return _plain(stack, folder, environment=environment, ahead=lambda: float(setting.read_text()))


def _set_clock(seconds: int, run: _Run) -> None:
    for ahead in (seconds, 0):
        setting = run.folder / "clock"
        setting.with_suffix(".new").write_text(f"{ahead:+d}")
        setting.with_suffix(".new").rename(setting)
        time.sleep(_TROUBLE)


def _outside(stack: ExitStack, folder: Path) -> _Run:
    """Another instance is the outside upstream, behind a relay that can fail."""
    far = folder / "far"
    far.mkdir()
    given = ("--credentials", folder / "credentials", "--fronts", "1")
    upstream = stack.enter_context(Instance(far / "data", *given))
    relay = stack.enter_context(Flapping(upstream.port))
    options = ("--upstream", relay.url, "--upstream-timeout", "2")
    near = ("--credentials", folder / "credentials", "--fronts", "2", "--freshness", "0", *options)
    instance = stack.enter_context(Instance(folder / "data", *near))
    lab = stack.enter_context(Lab(instance.url, _LAB, far / "data" / "marketplace.db"))
    return _Run(instance, lab, folder, relay)


def _flap(run: _Run) -> None:
    with run.relay.unsteady():
        time.sleep(2 * _TROUBLE)


_FAULTS: tuple[tuple[str, int, Callable[[ExitStack, Path], _Run], Fault], ...] = (
    ("the marketplace is killed", 10, _plain, partial(_kill, "marketplaces")),
    ("the walker is killed", 10, _plain, partial(_kill, "walkers")),
    ("one of two fronts is killed", 10, _plain, partial(_kill, "fronts")),
    ("all processes but the supervisor are killed at once", 5, _plain, _kill_children),
    ("everything is killed, and started again", 5, _plain, _kill_everything),
    ("the disk is full for 5 s", 5, _small_disk, _fill_disk),
    ("the clock is an hour fast for 5 s", 3, _settable_clock, partial(_set_clock, 3600)),
    ("the clock is an hour slow for 5 s", 3, _settable_clock, partial(_set_clock, -3600)),
    ("the clock is three days fast for 5 s", 3, _settable_clock, partial(_set_clock, 259_200)),
    (
        "an outside upstream that is there and not there, fails, is slow, and cuts connections, for 10 s",
        5,
        _outside,
        _flap,
    ),
)
