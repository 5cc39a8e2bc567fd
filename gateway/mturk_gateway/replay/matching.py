"""Which recordings answer a request, and how the nearest one differs where none does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from mturk_gateway.replay.patterns import looks_like
from mturk_gateway.replay.recordings import Recording
from mturk_translators.query import PROOF, Pair, first

_SHOWN = 60
"""Characters that are shown of a value."""
_COMPARED = 200
_COMPARED_RECORDINGS = 50
"""Characters of a value that are looked at to find the nearest recording, and of how many recordings at most."""
_LINES = 50
"""Differences that are shown."""

Values = Mapping[str, Sequence[str]]
"""The values of each parameter, sorted."""


class Matching:
    """The recordings of a folder, to be found by what is asked.

    A recording that names no version answers requests of every version. `ignored` are names of parameters that do not
    matter, with `*` and `?` where they are patterns; the operation always matters.
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
            or self._alike(same, values)
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
            asked = _named(operation) if operation else "a request without an operation"
            return f"There is no recording of {asked}. Recorded are: {known}."
        # The differences themselves are too many to be kept: there may be thousands of recordings, and of parameters.
        counted = [(recording, len(self._differences(recording, values))) for recording in candidates]
        fewest = min(count for _, count in counted)
        near = [recording for recording, count in counted if count == fewest][:_COMPARED_RECORDINGS]
        nearest = max(near, key=lambda recording: self._likeness(recording, values))
        differences = self._differences(nearest, values)
        more = [f"and {len(differences) - _LINES} more"] if len(differences) > _LINES else []
        lines = "\n".join(f"  {line}" for line in [*differences[:_LINES], *more])
        asked = operation or "request"
        return f"No recording answers this {asked}. The nearest is {nearest.name}, which differs:\n{lines}"

    def _alike(self, recordings: Iterable[Recording], values: Values) -> list[Recording]:
        """Those with patterns that a request looks like: of its own version, if there are any."""
        found = [one for one in recordings if one.patterns and not self._differences(one, values)]
        return [one for one in found if "Version" in {**self._values(one.pairs or ()), **one.patterns}] or found

    def _values(self, pairs: Iterable[Pair]) -> Values:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            if self._matters(name):
                values.setdefault(name, []).append(value)
        return {name: sorted(given) for name, given in values.items()}

    def _matters(self, name: str) -> bool:
        ignored = any(looks_like(name, pattern) for pattern in self._ignored)
        return name == "Operation" or not (ignored or name in PROOF)

    def _differences(self, recording: Recording, values: Values) -> list[str]:
        patterns = {name: pattern for name, pattern in recording.patterns.items() if self._matters(name)}
        return list(_differences(self._values(recording.pairs or ()), values, patterns))

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
            if not (len(here) == 1 and looks_like(here[0], patterns[name])):
                yield f"{_named(name)}: asked {_shown(here)}, recorded is what looks like {_quoted(patterns[name])}"
        elif name == "Version" and not there:
            continue
        elif here != there:
            apart = _common(here[0], there[0]) if here and there else 0
            yield f"{_named(name)}: asked {_shown(here, apart)}, recorded {_shown(there, apart)}"


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    alike = (place for place, (here, there) in enumerate(zip(one, other, strict=False)) if here != there)
    return next(alike, min(len(one), len(other)))


def _shown(values: Sequence[str], apart: int = 0) -> str:
    """Values for a person; of long ones what stands around the place at which they differ."""
    return " and ".join(_quoted(value, apart) for value in values) or "nothing"


def _named(name: str) -> str:
    """A name as it is, unless it is a strange one."""
    return name if name.isprintable() and len(name) <= _SHOWN else _quoted(name)


def _quoted(value: str, apart: int = 0) -> str:
    if len(value) <= _SHOWN:
        return repr(value)
    start = max(0, min(apart - _SHOWN // 4, len(value) - _SHOWN))
    end = start + _SHOWN
    return f"{'…' if start else ''}{value[start:end]!r}{'…' if end < len(value) else ''}"
