"""Recordings: pairs of a legacy request and its exact answer, as they lie in a folder (fixtures/README.md)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mturk_gateway.replay.patterns import looks_like
from mturk_translators.faults import Fault
from mturk_translators.operations import OPERATIONS
from mturk_translators.query import PROOF, Pair, first, merge, parse_pairs

NOW = 1328054399.25
"""The moment of a recording that names none: 2012-01-31T23:59:59.250Z."""

_ROOT = re.compile(rb"<([A-Za-z]+)(?:Response|Result)[\s/>]")
_OPERATIONS = {name.lower(): name for name in OPERATIONS}
_SUFFIXES = (".xml", ".json")
_PAUSE = 0.1
"""Seconds that somebody who is recording has to put the second file of a pair beside the first one."""


class RecordingError(ValueError):
    """A recording cannot be used; the text names the file, and the place in it."""


class _HalfError(RecordingError):
    """There is a request without its answer, for now at least."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One recorded request and its answer.

    Of an XML file that has no JSON beside it only the answer is known. It goes to every request of the operation that
    the file is named after, as in `get_hit.xml`, or else its root, as in `<GetHITResponse>` or `<GetHITResult>`; and
    where that is none, to whatever is asked, but only if it was chosen by its name.
    """

    name: str
    """The path below the folder, without a suffix: `GetHIT/disposed`."""
    path: Path
    """The XML file."""
    document: bytes
    """The answer as it is, well-formed or not."""
    operation: str | None = None
    pairs: tuple[Pair, ...] | None = None
    """The parameters without those that prove who asks; None where they are not known."""
    patterns: Mapping[str, str] = field(default_factory=dict)
    """Parameters whose values only have to look like something, with `*` and `?`."""
    status: int = 200
    turn: int = 1
    """Which of several answers to the same request this is."""
    recorded_at: str | None = None
    """When it was recorded, as ISO 8601 with microseconds, by the wall clock."""
    now: float = NOW
    """The moment of the request by the marketplace's clock, in epoch seconds."""
    usual: bool = False
    """Whether it is the one to be taken where several contradict one another."""

    @property
    def order(self) -> tuple[int, str]:
        """What puts answers to the same request into their order."""
        return self.turn, self.recorded_at or ""


def load_recordings(folder: Path, chosen: Sequence[str] = ()) -> tuple[Recording, ...]:
    """The recordings of a folder and of all below it, by name; with names or patterns in `chosen`, those alone.

    Hidden files are left out. Somebody may be recording into the folder meanwhile. Raises RecordingError for what is
    damaged, or when there is nothing.
    """
    if not folder.is_dir():
        reason = "this is no folder" if folder.exists() else "there is no such folder"
        raise RecordingError(f"{folder}: {reason}")
    chosen = [pattern.removesuffix(".xml") for pattern in chosen]
    found = names_below(folder)
    for pattern in chosen:
        if not any(looks_like(name, pattern) for name in found):
            raise RecordingError(f"{folder}: no recording is called {pattern}")
    names = sorted(name for name in found if not chosen or any(looks_like(name, pattern) for pattern in chosen))
    loaded = [one for one in _read_all(folder, names) if one.pairs is not None or one.operation or one.name in chosen]
    if not loaded:
        raise RecordingError(f"{folder}: there are no recordings")
    return tuple(sorted(loaded, key=lambda recording: (recording.recorded_at or "", recording.name)))


def names_below(folder: Path) -> set[str]:
    """The names of what may be recordings in a folder and all below it, without the hidden ones."""
    below = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    return {
        path.as_posix().removesuffix(path.suffix)
        for path in below
        if not any(part.startswith(".") for part in path.parts)
    }


def _read_all(folder: Path, names: Iterable[str]) -> list[Recording]:
    """The recordings among some names."""
    read: list[Recording | None] = []
    halves = []
    for name in names:
        try:
            read.append(_read(folder, name))
        except _HalfError:
            halves.append(name)
    if halves:
        # Of a pair that is being recorded the answer appears last.
        time.sleep(_PAUSE)
    read += [_read(folder, name) for name in halves]
    return [recording for recording in read if recording]


def _read(folder: Path, name: str) -> Recording | None:
    """The recording of a name; None for a JSON file that is something else, or where nobody could read the request."""
    markup, facts = (folder / f"{name}{suffix}" for suffix in _SUFFIXES)
    document, text = _content(markup), _content(facts)
    told = None if text is None else _parsed(facts, text, whole=document is not None)
    if document is None:
        if isinstance(told, dict) and "query" in told:
            raise _HalfError(f"{facts}: half of a recording: its answer {markup.name} is missing")
        return None
    if text is None:
        return Recording(name, markup, document, _operation_of(markup, document))
    if not isinstance(told, dict):
        raise RecordingError(f"{facts}: a recording is a JSON object, not {_kind(told)}")
    return _recording(name, markup, document, _Facts(facts, told))


def _content(path: Path) -> bytes | None:
    """What is in a file; None where there is none. Raises RecordingError for one that cannot be read."""
    try:
        if path.is_fifo() or path.is_char_device() or path.is_block_device():
            # Reading it might never end.
            raise RecordingError(f"{path}: this is no file")
        return path.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            return None
        raise RecordingError(f"{path}: {error.strerror}") from None


def _operation_of(markup: Path, document: bytes) -> str | None:
    """The operation that an answer without a request says it is of."""
    root = _ROOT.search(document)
    named = (re.sub("[^a-z]", "", markup.stem.lower()), root[1].decode().lower() if root else "")
    return next((_OPERATIONS[name] for name in named if name in _OPERATIONS), None)


def _parsed(path: Path, text: bytes, *, whole: bool) -> object:
    missing = "" if whole else f", and {path.stem}.xml is missing"
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise RecordingError(f"{path}: damaged recording: {error.msg}: {place}{missing}") from None
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path}: damaged recording: {error}{missing}") from None


@dataclass(frozen=True)
class _Facts:
    """The members of a recording's JSON file, read with complaints that name the file and the member."""

    path: Path
    told: Mapping[str, Any]

    def check_names(self) -> None:
        for name in self.told:
            if name not in _READ_HERE | _FOR_OTHERS:
                raise RecordingError(f"{self.path}: {_shown(name)} is no member of a recording")

    def wrong(self, key: str, wanted: str) -> RecordingError:
        return RecordingError(f"{self.path}: `{key}` is {wanted}, not {_kind(self.told.get(key))}")

    def seconds(self, key: str, default: float) -> float:
        value = self.told.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _END_OF_TIME:
            raise RecordingError(f"{self.path}: `{key}` is a number of seconds since 1970, not {_shown(value)}")
        return value

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        value = self.told.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise RecordingError(f"{self.path}: `{key}` is a whole number from {low} to {high}, not {_shown(value)}")
        return value

    def flag(self, key: str) -> bool:
        value = self.told.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def moment(self, key: str) -> str | None:
        value = self.told.get(key)
        if value is None or (isinstance(value, str) and _is_moment(value)):
            return value
        raise RecordingError(f"{self.path}: `{key}` is like 2012-01-31T23:59:59.250000Z, not {_shown(value)}")

    def status(self) -> int:
        status = self.whole("status", 200, 200, 599)
        if status in _WITHOUT_CONTENT:
            raise RecordingError(f"{self.path}: an answer of status {status} has no content")
        return status

    def texts(self, key: str) -> dict[str, str]:
        value = self.told.get(key, {})
        if not (isinstance(value, dict) and all(isinstance(text, str) for text in value.values())):
            raise self.wrong(key, "an object of texts")
        return value

    def pairs(self) -> tuple[Pair, ...] | None:
        """The parameters; None for a query that nobody can read."""
        query = self.told.get("query")
        if isinstance(query, str):
            try:
                return parse_pairs(query.encode())
            except (Fault, UnicodeEncodeError):
                return None
        given = list(query.items()) if isinstance(query, dict) else query
        if not isinstance(given, list):
            raise self.wrong("query", "an object, or a list of names and values")
        for number, pair in enumerate(given, 1):
            if not (isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
                raise RecordingError(f"{self.path}: `query`: parameter {number} is not a name and a text")
        return tuple(Pair(name, value) for name, value in given)


_END_OF_TIME = 253_402_300_800
"""The year 10000, which no date can name, in epoch seconds."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def _is_moment(text: str) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


_WITHOUT_CONTENT = (204, 205, 304)
_READ_HERE = {"match", "now", "query", "recorded_at", "status", "turn", "usual"}
_FOR_OTHERS = {"calls", "calls_of", "replies", "request_id", "sandbox", "source"}
"""Members that say how the answer came about."""


def _recording(name: str, markup: Path, document: bytes, facts: _Facts) -> Recording | None:
    facts.check_names()
    pairs = facts.pairs()
    if pairs is None:
        return None
    facts.flag("sandbox")  # must be right, though nothing here depends on it
    asked = merge(pair for pair in pairs if pair.name not in PROOF)
    return Recording(
        name,
        markup,
        document,
        first(asked, "Operation"),
        asked,
        facts.texts("match"),
        facts.status(),
        facts.whole("turn", 1, 1, 1_000_000),
        facts.moment("recorded_at"),
        facts.seconds("now", NOW),
        facts.flag("usual"),
    )


def _kind(value: object) -> str:
    kinds = {"NoneType": "nothing", "bool": "true or false", "str": "text", "list": "a list", "dict": "an object"}
    return kinds.get(type(value).__name__, "a number")


def _shown(value: object) -> str:
    """A wrong value, or what it is if it may be long."""
    return repr(value)[:40] if isinstance(value, str | int | float) else _kind(value)
