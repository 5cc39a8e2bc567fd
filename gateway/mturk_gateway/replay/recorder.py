"""Records legacy exchanges as pairs of files, beside the answering and never in its way."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from cachetools import LRUCache
from structlog import get_logger

from mturk_gateway.exchange import Exchange
from mturk_gateway.observing import metrics
from mturk_gateway.replay.files import save
from mturk_gateway.replay.pairs import FilePair, pair_of, with_calls, with_calls_of
from mturk_gateway.transcript import Made

log = get_logger()

_WAITING = 64 * 2**20
"""Bytes of exchanges that wait to be written; what comes beyond that is not recorded."""
_COMPLAINTS = 30.0
"""Seconds between two lines in the log about what could not be recorded."""
_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before a pair that could not be written is tried again; then the next one is. What comes meanwhile waits."""
_WALKS = 256
"""Walks of which it is remembered with which pair their calls were written."""
_FAREWELL = 10.0
"""Seconds that a folder has, in the end, to take what waits."""


class Recorder:
    """Writes exchanges into a folder, in a thread of its own, between its making and `close`.

    Whatever is wrong with the folder is told in the log, and nobody else notices. `read` gives the calls that a base
    was made from, None for too many; `change` is what is done to each pair before it is written.
    """

    def __init__(
        self,
        folder: Path,
        read: Callable[[int], tuple[Made, ...] | None],
        change: Callable[[FilePair], FilePair] = lambda pair: pair,
    ) -> None:
        self._folder = folder
        self._read = read
        self._change = change
        self._waiting: deque[tuple[int, Exchange]] = deque()
        self._weight = 0
        self._lost = 0
        self._walked: LRUCache[tuple[int, ...], str] = LRUCache(_WALKS)
        self._complained_at = -_COMPLAINTS
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._save_all, name="recorder", daemon=True)
        self._thread.start()

    def note(self, exchange: Exchange) -> None:
        """Record an exchange before long, or not, when too many wait."""
        weight = exchange.weight
        with self._changed:
            if self._weight > _WAITING:
                self._lose()
                return
            self._weight += weight
            self._waiting.append((weight, exchange))
            self._changed.notify()

    def close(self) -> None:
        """Record what waits, unless that takes too long."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(_FAREWELL)
        metrics.recordings_lost(len(self._waiting))
        lost = self._lost + len(self._waiting)
        if lost:
            log.error("exchanges lost", folder=str(self._folder), number=lost)

    def _save_all(self) -> None:
        while (exchange := self._next()) is not None:
            if self._lost:
                self._complain(None)
            try:
                self._save(self._change(self._composed(exchange)))
            except Exception as error:  # noqa: BLE001  # nobody must notice
                with self._changed:
                    self._lose()
                self._complain(type(error).__name__)

    def _save(self, pair: FilePair) -> None:
        """Write a pair, now or a little later; one that cannot be written must not keep the others from it."""
        for pause in (*_PAUSES, None):
            try:
                save(self._folder, pair)
            except OSError as error:
                self._complain(error.strerror, error.filename or pair.name)
            else:
                return
            with self._changed:
                if pause is None or self._changed.wait_for(lambda: self._closing, pause):
                    self._lose()
                    return

    def _lose(self) -> None:
        self._lost += 1
        metrics.recordings_lost(1)

    def _next(self) -> Exchange | None:
        """What is to be recorded next, once there is something; None in the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            weight, exchange = self._waiting.popleft()
            self._weight -= weight
            return exchange

    def _composed(self, exchange: Exchange) -> FilePair:
        """The pair of an exchange. The calls of a walk are told once, with the first page that was read from it."""
        pair, made = pair_of(exchange), exchange.transcript.made
        bases = tuple(dict.fromkeys(exchange.transcript.bases))
        if bases and not made:
            told = self._walked.setdefault(bases, pair.name)
            if told != pair.name:
                return with_calls_of(pair, told)
        walked = [self._read(base) for base in bases]
        if None in walked:
            return pair
        return with_calls(pair, [*made, *(one for calls in walked for one in calls or ())])

    def _complain(self, reason: str | None, file: str | None = None) -> None:
        """Tell what is wrong, and how many exchanges were lost since that was last told."""
        if time.monotonic() - self._complained_at < _COMPLAINTS:
            return
        self._complained_at = time.monotonic()
        with self._changed:
            lost, self._lost = self._lost, 0
        log.error("not recorded", folder=str(self._folder), file=file, reason=reason, lost=lost)
