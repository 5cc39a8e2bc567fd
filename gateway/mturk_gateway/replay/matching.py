"""Which recordings answer a request, and how the nearest one differs where none does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from mturk_gateway.replay.recordings import PROOF, Recording
from mturk_translators.query import Pair, first

_SHOWN = 60
"""Characters that are shown of a value."""
_COMPARED = 200
"""Characters of a value that are looked at to find the nearest recording."""

Values = Mapping[str, Sequence[str]]
"""The values of each parameter, sorted."""


class Matching:
    """The recordings of a folder, to be found by what is asked.

    A recording that names no version answers requests of every version. `ignored` are names of parameters that do not
    matter, with `*` and `?` where they are patterns.
    """

    def __init__(self, recordings: Iterable[Recording], ignored: Sequence[str] = ()) -> None:
        self._ignored = ignored
        self._recordings: dict[str | None, list[Recording]] = {}
        self._literal: dict[tuple[tuple[str, str], ...], list[Recording]] = {}
        for recording in recordings:
            self._recordings.setdefault(recording.operation, []).append(recording)
            if recording.pairs is not None and not recording.patterns:
                self._literal.setdefault(_key(self._values(recording.pairs)), []).append(recording)

    def find(self, pairs: Sequence[Pair]) -> list[Recording]:
        """The recordings that answer a request: those that say exactly this before those that say less."""
        values = self._values(pairs)
        operation = first(pairs, "Operation")
        same = self._recordings.get(operation, [])
        return (
            self._literal.get(_key(values))
            or self._literal.get(_key({name: given for name, given in values.items() if name != "Version"}))
            or [recording for recording in same if recording.patterns and not self._differences(recording, values)]
            or [recording for recording in same if recording.pairs is None]
            or [recording for recording in self._recordings.get(None, []) if recording.pairs is None]
        )

    def explain(self, pairs: Sequence[Pair]) -> str:
        """Why nothing answers a request: the nearest recording, and in what it differs."""
        operation = first(pairs, "Operation")
        values = self._values(pairs)
        candidates = [recording for recording in self._recordings.get(operation, []) if recording.pairs is not None]
        if not candidates:
            known = ", ".join(sorted(name for name in self._recordings if name)) or "nothing"
            return f"There is no recording of {operation or 'a request without an operation'}. Recorded are: {known}."
        differing = [(recording, self._differences(recording, values)) for recording in candidates]
        fewest = min(len(differences) for _, differences in differing)
        nearest, differences = max(
            (found for found in differing if len(found[1]) == fewest),
            key=lambda found: self._likeness(found[0], values),
        )
        lines = "\n".join(f"  {line}" for line in differences)
        return f"No recording answers this {operation}. The nearest is {nearest.name}, which differs:\n{lines}"

    def _values(self, pairs: Iterable[Pair]) -> Values:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            if name not in PROOF and not any(_looks_like(pattern, name) for pattern in self._ignored):
                values.setdefault(name, []).append(value)
        return {name: sorted(given) for name, given in values.items()}

    def _differences(self, recording: Recording, values: Values) -> list[str]:
        return list(_differences(self._values(recording.pairs or ()), values, recording.patterns))

    def _likeness(self, recording: Recording, values: Values) -> float:
        recorded = self._values(recording.pairs or ())
        return sum(
            SequenceMatcher(None, given[0][:_COMPARED], values[name][0][:_COMPARED], autojunk=False).ratio()
            for name, given in recorded.items()
            if name in values and given != values[name]
        )


def _key(values: Values) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, given in values.items() for value in given))


def _differences(recorded: Values, asked: Values, patterns: Mapping[str, str]) -> Iterator[str]:
    """In which parameters a recorded request differs from what is asked, a line for each."""
    for name in sorted({*recorded, *asked, *patterns}):
        here, there = asked.get(name, ()), recorded.get(name, ())
        if name in patterns:
            if not (len(here) == 1 and _looks_like(patterns[name], here[0])):
                yield f"{name}: asked {_shown(here)}, recorded is what looks like {_quoted(patterns[name])}"
        elif name == "Version" and not there:
            continue
        elif here != there:
            apart = _common(here[0], there[0]) if here and there else 0
            yield f"{name}: asked {_shown(here, apart)}, recorded {_shown(there, apart)}"


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    alike = (place for place, (here, there) in enumerate(zip(one, other, strict=False)) if here != there)
    return next(alike, min(len(one), len(other)))


def _shown(values: Sequence[str], apart: int = 0) -> str:
    """Values for a person; of long ones what stands around the place at which they differ."""
    return " and ".join(_quoted(value, apart) for value in values) or "nothing"


def _quoted(value: str, apart: int = 0) -> str:
    if len(value) <= _SHOWN:
        return repr(value)
    start = max(0, min(apart - _SHOWN // 4, len(value) - _SHOWN))
    end = start + _SHOWN
    return f"{'…' if start else ''}{value[start:end]!r}{'…' if end < len(value) else ''}"


def _looks_like(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(character) or re.escape(character) for character in pattern), re.DOTALL)
