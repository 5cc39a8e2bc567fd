"""The supervisor of a served gateway: starts its processes, starts again those that end, and ends them in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from structlog import get_logger

from mturk_gateway.database import TROUBLE
from mturk_gateway.house import House
from mturk_gateway.observing import metrics
from mturk_gateway.settings import Settings

log = get_logger()

_SPAWN = multiprocessing.get_context("spawn")
_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a process that ended is started again: more each time for one that does not live long."""
_LONG_LIFE = 20.0
"""Seconds after which a process is held to have worked: it is started again at once."""
_GLANCE = 1.0
"""Seconds between two looks whether files that all processes share are still there."""
GRACE = 12
"""Seconds that a front has to answer what it has begun, once it is told to end."""
_FAREWELL = 8.0
"""Seconds that every process has, beyond that, to put its things in order: 28 in all, where 30 are usual."""


@dataclass
class Child:
    """A process of the gateway: `target` is called there with what is `given`. `due` is when it is started again."""

    name: str
    target: Callable[..., None]
    given: tuple[Any, ...]
    process: BaseProcess | None = None
    pause: float = 0.0
    started: float = 0.0
    due: float = 0.0

    def start(self) -> None:
        """Begin the process, or try that again later."""
        process = _SPAWN.Process(target=self.target, args=self.given, name=self.name)
        self.started = time.monotonic()
        try:
            process.start()
        except OSError as error:
            log.error("process not started", name=self.name, reason=str(error))
            self._rest()
            return
        self.process = process
        log.info("process started", name=self.name, pid=process.pid)

    def bury(self, counts: Path) -> None:
        """It has ended. The folder `counts` is that of `counting`."""
        if self.process and self.process.pid:
            self.process.join()
            metrics.process_ended(counts, self.process.pid)
        self.process = None

    def mourn(self, counts: Path) -> None:
        """It has ended, and was not told to."""
        log.error("process ended", name=self.name, exit_code=self.process and self.process.exitcode)
        self.bury(counts)
        self._rest()

    def _rest(self) -> None:
        now = time.monotonic()
        lived = now - self.started
        self.pause = 0.0 if lived > _LONG_LIFE else min(max(_PAUSE, 2 * self.pause), _LONGEST_PAUSE)
        self.due = now + self.pause


def supervise(
    children: list[Child], bound: list[socket.socket], ready: threading.Thread, settings: Settings, counts: Path
) -> None:
    """Start the processes, and see to it that they are there until SIGTERM or SIGINT; then end them.

    The thread `ready` is started after them. `bound` are the sockets that fronts listen on, `counts` is the folder of
    `counting`.
    """
    waking, wake = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(wake, b"!"))
    files = _disposable(settings)
    for child in children:
        child.start()
    ready.start()
    while True:
        sentinels = {child.process.sentinel: child for child in children if child.process}
        ended = wait([waking, *sentinels], _GLANCE)
        if waking in ended:
            break
        if _disposable(settings) != files:
            # Whoever has them open goes on with files that nobody else sees.
            log.error("databases of paging are gone and made anew")
            _end_all(children)
            for child in children:
                child.bury(counts)
            _renew(settings)
            files = _disposable(settings)
            continue
        for sentinel in ended:
            sentinels[sentinel].mourn(counts)  # type: ignore[index]  # only the pipe is no sentinel
        for child in children:
            if child.process is None and child.due <= time.monotonic():
                child.start()
    log.info("ending")
    _close(bound)
    _end_all(children)
    log.info("ended")


def _close(bound: list[socket.socket]) -> None:
    # Whoever connects from now on is told at once that nobody is there.
    for listening in bound:
        listening.close()


def _end_all(children: list[Child]) -> None:
    # What the fronts have begun to answer needs the others.
    fronts = [child for child in children if child.name.startswith("front")]
    _end(fronts, GRACE + _FAREWELL)
    _end([child for child in children if child not in fronts], _FAREWELL)


def _end(children: list[Child], patience: float) -> None:
    processes = [child.process for child in children if child.process]
    for process in processes:
        process.terminate()
    end = time.monotonic() + patience
    for process in processes:
        process.join(max(0.0, end - time.monotonic()))
        process.kill()


def _disposable(settings: Settings) -> list[int | None]:
    """What tells whether the files of paging, which may be made again, are still the same."""
    return [_inode(settings.data / name) for name in ("walks.db", "snapshots.db")]


def _inode(file: Path) -> int | None:
    try:
        return file.stat().st_ino
    except OSError:
        return None


def _renew(settings: Settings) -> None:
    try:
        house = House.open(settings)
        house.renew_paging()
        house.close()
    except (OSError, *TROUBLE) as error:
        log.error("databases of paging cannot be made anew", reason=str(error))
