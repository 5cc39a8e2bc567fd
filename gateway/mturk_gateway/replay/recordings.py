"""Recordings: pairs of a legacy request and its exact answer, as they lie in a folder (fixtures/README.md)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mturk_translators.faults import Fault
from mturk_translators.operations import OPERATIONS
from mturk_translators.query import Pair, first, parse_pairs

NOW = 1328054399.25
"""The moment of a recording that names none: 2012-01-31T23:59:59.250Z."""

PROOF = frozenset({"AWSAccessKeyId", "Credential", "Service", "Signature", "SignatureVersion", "Timestamp"})
"""Parameters that say who asks and when: they differ each time, and are neither kept nor compared."""

_ROOT = re.compile(rb"<([A-Za-z]+)(?:Response|Result)[\s/>]")
_OPERATIONS = {name.lower(): name for name in OPERATIONS}


class RecordingError(ValueError):
    """A recording cannot be used; the text names the file, and the place in it."""


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
    sandbox: bool = False

    @property
    def order(self) -> tuple[int, str]:
        """What puts answers to the same request into their order."""
        return self.turn, self.recorded_at or ""


def load_recordings(folder: Path, chosen: Sequence[str] = ()) -> tuple[Recording, ...]:
    """The recordings of a folder and of all below it, by name; with names or patterns in `chosen`, those alone.

    Hidden files are left out. Raises RecordingError for what is damaged, or when there is nothing.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder}: there is no such folder")
    chosen = [pattern.removesuffix(".xml") for pattern in chosen]
    found = _files(folder, ".xml") | _files(folder, ".json")
    names = sorted(name for name in found if not chosen or any(fnmatchcase(name, pattern) for pattern in chosen))
    for pattern in chosen:
        if not any(fnmatchcase(name, pattern) for name in found):
            raise RecordingError(f"{folder}: no recording is called {pattern}")
    recordings = [_read(folder, name) for name in names]
    loaded = [one for one in recordings if one and (one.pairs is not None or one.operation or one.name in chosen)]
    if not loaded:
        raise RecordingError(f"{folder}: there are no recordings")
    return tuple(sorted(loaded, key=lambda recording: (recording.recorded_at or "", recording.name)))


def _files(folder: Path, suffix: str) -> set[str]:
    paths = (path.relative_to(folder) for path in folder.rglob(f"*{suffix}"))
    return {
        path.as_posix().removesuffix(suffix) for path in paths if not any(part.startswith(".") for part in path.parts)
    }


def _read(folder: Path, name: str) -> Recording | None:
    """The recording of a name; None for a JSON file that is something else, or where nobody could read the request."""
    markup, facts = folder / f"{name}.xml", folder / f"{name}.json"
    try:
        document = markup.read_bytes() if markup.exists() else None
        text = facts.read_bytes() if facts.exists() else None
    except OSError as error:
        raise RecordingError(f"{error.filename}: {error.strerror}") from None
    if text is None:
        document = document or b""
        return Recording(name, markup, document, _operation_of(markup, document))
    told = _parsed(facts, text, whole=document is not None)
    if document is None:
        if "query" not in told:
            return None
        raise RecordingError(f"{facts}: half of a recording: its answer {markup.name} is missing")
    return _recording(name, markup, document, _Facts(facts, told))


def _operation_of(markup: Path, document: bytes) -> str | None:
    """The operation that an answer without a request says it is of."""
    root = _ROOT.search(document)
    named = (re.sub("[^a-z]", "", markup.stem.lower()), root[1].decode().lower() if root else "")
    return next((_OPERATIONS[name] for name in named if name in _OPERATIONS), None)


def _parsed(path: Path, text: bytes, *, whole: bool) -> dict[str, Any]:
    missing = "" if whole else f", and {path.stem}.xml is missing"
    try:
        told = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise RecordingError(f"{path}: damaged recording: {error.msg} at {place}{missing}") from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise RecordingError(f"{path}: damaged recording: {error}{missing}") from None
    if not isinstance(told, dict):
        raise RecordingError(f"{path}: a recording is a JSON object, not {_kind(told)}")
    return told


@dataclass(frozen=True)
class _Facts:
    """The members of a recording's JSON file, read with complaints that name the file and the member."""

    path: Path
    told: Mapping[str, Any]

    def wrong(self, key: str, wanted: str) -> RecordingError:
        return RecordingError(f"{self.path}: `{key}` is {wanted}, not {_kind(self.told.get(key))}")

    def number(self, key: str, default: float) -> float:
        value = self.told.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.wrong(key, "a number")
        return value

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        value = self.told.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise RecordingError(f"{self.path}: `{key}` is a whole number from {low} to {high}, not {value!r:.40}")
        return value

    def flag(self, key: str) -> bool:
        value = self.told.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def moment(self, key: str) -> str | None:
        value = self.told.get(key)
        if value is not None and not (isinstance(value, str) and _MOMENT.fullmatch(value)):
            raise RecordingError(f"{self.path}: `{key}` is like 2012-01-31T23:59:59.250000Z, not {value!r:.40}")
        return value

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
            except Fault:
                return None
        given = list(query.items()) if isinstance(query, dict) else query
        if not isinstance(given, list):
            raise self.wrong("query", "an object, or a list of names and values")
        for number, pair in enumerate(given, 1):
            if not (isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
                raise RecordingError(f"{self.path}: `query`: parameter {number} is not a name and a text")
        return tuple(Pair(name, value) for name, value in given)


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def _recording(name: str, markup: Path, document: bytes, facts: _Facts) -> Recording | None:
    pairs = facts.pairs()
    if pairs is None:
        return None
    asked = tuple(pair for pair in pairs if pair.name not in PROOF)
    return Recording(
        name,
        markup,
        document,
        first(asked, "Operation"),
        asked,
        facts.texts("match"),
        facts.whole("status", 200, 100, 599),
        facts.whole("turn", 1, 1, 1_000_000),
        facts.moment("recorded_at"),
        facts.number("now", NOW),
        facts.flag("usual"),
        facts.flag("sandbox"),
    )


def _kind(value: object) -> str:
    kinds = {"NoneType": "nothing", "bool": "true or false", "str": "text", "list": "a list", "dict": "an object"}
    return kinds.get(type(value).__name__, "a number")
