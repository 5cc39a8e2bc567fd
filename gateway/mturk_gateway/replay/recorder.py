"""Records legacy exchanges as pairs of files, beside the answering and never in its way."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from structlog import get_logger

from mturk_gateway.replay.pairs import Exchange, FilePair, pair_of, save
from mturk_gateway.transcript import Made, Transcript

log = get_logger()

_WAITING = 64 * 2**20
"""Bytes of exchanges that wait to be written; what comes beyond that is not recorded."""
_WEIGHT = 4096
"""Bytes that an exchange weighs beside its texts."""
_COMPLAINTS = 30.0
"""Seconds between two lines in the log about what could not be recorded."""
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
        self._waiting: deque[Exchange] = deque()
        self._weight = 0
        self._lost = 0
        self._complained_at = -_COMPLAINTS
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._save_all, name="recorder", daemon=True)
        self._thread.start()

    def note(self, exchange: Exchange) -> None:
        """Record an exchange before long, or not, when too many wait."""
        with self._changed:
            if self._weight > _WAITING:
                self._lost += 1
                return
            self._weight += exchange.size + _WEIGHT
            self._waiting.append(exchange)
            self._changed.notify()

    def close(self) -> None:
        """Record what waits, unless that takes too long."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(_FAREWELL)
        if self._lost or self._waiting:
            log.error("not recorded", folder=str(self._folder), exchanges=self._lost + len(self._waiting))

    def _save_all(self) -> None:
        while (exchange := self._next()) is not None:
            try:
                save(self._folder, self._change(pair_of(exchange, self._made(exchange.transcript))))
            except Exception as error:  # noqa: BLE001  # nobody must notice
                self._complain(error)

    def _next(self) -> Exchange | None:
        """What is to be recorded next, once there is something; None in the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            exchange = self._waiting.popleft()
            self._weight -= exchange.size + _WEIGHT
            return exchange

    def _made(self, transcript: Transcript) -> list[Made] | None:
        made = list(transcript.made)
        for base in dict.fromkeys(transcript.bases):
            walked = self._read(base)
            if walked is None:
                return None
            made += walked
        return made

    def _complain(self, error: Exception) -> None:
        self._lost += 1
        if time.monotonic() - self._complained_at < _COMPLAINTS:
            return
        file, reason = (error.filename, error.strerror) if isinstance(error, OSError) else (None, type(error).__name__)
        log.error("not recorded", folder=str(self._folder), file=file, reason=reason, exchanges=self._lost)
        self._complained_at, self._lost = time.monotonic(), 0


def prepare_folder(folder: Path) -> None:
    """Make the folder, if need be, and write into it, to tell now what could not be told later. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
