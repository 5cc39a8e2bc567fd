"""Answers from recordings: to each request what was recorded for it, and to the same one again what came next."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from mturk_gateway.exchange import Answer
from mturk_gateway.replay.matching import Matching
from mturk_gateway.replay.recordings import Recording
from mturk_translators.query import Pair

_REQUEST_ID = re.compile(rb"<RequestI[dD]>[^<]*</RequestI[dD]>")


class NoRecordingError(AssertionError):
    """No recording answers a request, or several that contradict one another; the text says which, and why."""


class Player:
    """Answers requests from recordings. Any thread may ask.

    Recordings that answer the same request are turns: each is given once, in the order of their `turn` and the time of
    their recording, and the last one again and again. `ignored` are names or patterns of parameters that do not matter;
    `refused` is told why a request was not answered, also where the program that made it says nothing of that.
    """

    def __init__(
        self,
        recordings: Iterable[Recording],
        ignored: Sequence[str] = (),
        refused: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._ignored = ignored
        self._refused = refused
        self._lock = threading.Lock()
        self._played: Counter[tuple[Recording, ...]] = Counter()
        self.play(recordings)

    def play(self, recordings: Iterable[Recording]) -> None:
        """From now on answer from these recordings, each from its first turn."""
        matching = Matching(recordings, self._ignored)
        with self._lock:
            self._matching = matching
            self._played.clear()

    def answer(self, pairs: Sequence[Pair]) -> Answer:
        """The recorded answer to a request, byte for byte. Raises NoRecordingError."""
        with self._lock:
            found = self._matching.find(pairs)
            if not found:
                raise self.refuse(self._matching.explain(pairs))
            turns = self._turns(found)
            place = min(self._played[turns], len(turns) - 1)
            self._played[turns] += 1
            return Answer(turns[place].status, turns[place].document)

    def _turns(self, found: Sequence[Recording]) -> tuple[Recording, ...]:
        """One recording for each turn. Raises NoRecordingError where several contradict one another."""
        turns = []
        for _, alike in groupby(sorted(found, key=lambda one: one.order), key=lambda one: one.order):
            every = list(alike)
            candidates = [one for one in every if one.usual] or every
            if len(candidates) > 1 and len(set(map(_without_request_id, candidates))) > 1:
                names = "".join(f"\n  {one.path}" for one in candidates)
                raise self.refuse(
                    "These recordings answer the same request and contradict one another; choose one by its name, or "
                    f"give each a `turn`:{names}"
                )
            turns.append(candidates[0])
        return tuple(turns)

    def refuse(self, reason: str) -> NoRecordingError:
        """Tell why a request is not answered; gives the error that says so."""
        self._refused(reason)
        return NoRecordingError(reason)


def _without_request_id(recording: Recording) -> Answer:
    return Answer(recording.status, _REQUEST_ID.sub(b"", recording.document))
