"""Which ID an endpoint gave to what has another one in a recording."""

from __future__ import annotations

import re

from mturk_gateway.replay.words import reworded

_SYSTEM = re.compile(r"0{8,}[0-9A-Z]*")
"""The qualification types that every marketplace has go by the same IDs everywhere."""


class Identities:
    """Pairs of IDs, a recorded one and its own: neither ever belongs to a second pair."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}
        self._recorded: dict[str, str] = {}

    def learn(self, recorded: str, found: str) -> None:
        """Take two IDs as a pair, unless one of them is taken already."""
        if not recorded or not found or _SYSTEM.fullmatch(recorded) or _SYSTEM.fullmatch(found):
            return
        if recorded not in self._now and found not in self._recorded:
            self._now[recorded] = found
            self._recorded[found] = recorded

    def agree(self, recorded: str, found: str) -> bool:
        """Whether two IDs are a pair; those of the system, and no ID at all, are one with themselves."""
        if not recorded or _SYSTEM.fullmatch(recorded):
            return recorded == found
        return self._now.get(recorded) == found

    def now(self, recorded: str) -> str | None:
        """What the endpoint calls a recorded ID, as far as that is known."""
        return recorded if _SYSTEM.fullmatch(recorded) else self._now.get(recorded)

    def recorded(self, found: str) -> str | None:
        """What an ID of the endpoint is called in the recording, as far as that is known."""
        return found if _SYSTEM.fullmatch(found) else self._recorded.get(found)

    def translated(self, text: str) -> str:
        """A recorded text with the endpoint's IDs for those that are known."""
        # Words are looked up: to look for each ID would take longer with every one that is learnt.
        return reworded(text, lambda word: self._now.get(word, word))
