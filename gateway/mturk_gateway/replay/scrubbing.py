"""Takes out of recordings who worked and what was answered: other text of the same shape stands there instead.

The same worker, or the same answer, becomes the same text wherever it stands, for as long as the key is the same.
Letters stay letters of their case and digits stay digits, so that programs which read numbers still can.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Any

from mturk_gateway.replay.pairs import FilePair
from mturk_translators.query import Pair
from mturk_translators.xml import escape

_WORKERS = frozenset({"WorkerId", "WorkerIds", "SubjectId"})
"""Parameters, and members of modern calls and replies, that hold workers' IDs."""

_REVIEWED = "SubjectType"
"""Stands beside a SubjectId that is that of a HIT or an assignment."""

_WORKER_ELEMENT = re.compile(rb"<WorkerId>([^<]+)</WorkerId>")
_SCORE = re.compile(rb"<Qualification>.*?</Qualification>", re.DOTALL)
_SUBJECT_ELEMENT = re.compile(rb"<SubjectId>([^<]+)</SubjectId>")
"""A worker in a qualification; in the results of reviews it is a HIT or an assignment."""

_ANSWER_ELEMENT = re.compile(rb"(?<=<Answer>)[^<]+(?=</Answer>)")
_AGREED_ELEMENT = re.compile(rb"(?<=<Key>AgreedAnswer</Key><Value>)[^<]+(?=</Value>)")
_GIVEN = re.compile(
    r"(?<=<)(FreeText|SelectionIdentifier|OtherSelectionText|UploadedFileKey)>([^<]*)(?=</\1>)", re.DOTALL
)
"""What workers give in a QuestionFormAnswers document."""

_WORD = re.compile(r"[A-Za-z0-9]+")


class Scrubber:
    """Scrubs pairs with a key that is kept secret."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def scrub(self, pair: FilePair) -> FilePair:
        """The pair without any worker's ID and without what workers answered."""
        workers = {*_workers_in(pair.facts), *_workers_shown(pair.document)}
        names = {worker: worker[:1] + self._disguised(worker[1:], "worker") for worker in workers}
        document = _in_markup(_ANSWER_ELEMENT, pair.document, self._scrub_answer)
        document = _in_markup(_AGREED_ELEMENT, document, self._hide)
        # Names are ASCII, whatever the bytes around them are.
        document = _renamed(document.decode("latin-1"), names).encode("latin-1")
        return pair._replace(facts=self._scrub_value(pair.facts, names), document=document)

    def _scrub_value(self, value: Any, names: Mapping[str, str]) -> Any:
        if isinstance(value, str):
            return _renamed(value, names)
        if isinstance(value, list | tuple):
            return [self._scrub_value(inner, names) for inner in value]
        if not isinstance(value, dict):
            return value
        scrubbed = {name: self._scrub_value(inner, names) for name, inner in value.items()}
        if isinstance(value.get("Answer"), str):
            scrubbed["Answer"] = self._scrub_answer(value["Answer"])
        if value.get("Key") == "AgreedAnswer" and isinstance(value.get("Value"), str):
            scrubbed["Value"] = self._hide(value["Value"])
        return scrubbed

    def _scrub_answer(self, answer: str) -> str:
        """An answer document with other contents; text that is none is hidden as a whole."""
        if "<QuestionFormAnswers" not in answer:
            return self._hide(answer)
        return _GIVEN.sub(lambda given: f"{given[1]}>{escape(self._hide(unescape(given[2])))}", answer)

    def _hide(self, answer: str) -> str:
        return self._disguised(answer, "answer")

    def _disguised(self, text: str, kind: str) -> str:
        """Other text of the same shape."""
        stream = self._stream(f"{kind} {text}")
        return "".join(_like(character, number) for character, number in zip(text, stream, strict=False))

    def _stream(self, text: str) -> Iterator[int]:
        block = text.encode(errors="surrogatepass")
        while True:
            block = hmac.digest(self._key, block, hashlib.sha256)
            yield from block


def _like(character: str, number: int) -> str:
    for kind in (string.digits, string.ascii_uppercase):
        if character in kind:
            return kind[number % len(kind)]
    return string.ascii_lowercase[number % 26] if character.isalnum() else character


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return _WORD.sub(lambda word: names.get(word[0], word[0]), text)


def _in_markup(place: re.Pattern[bytes], document: bytes, change: Callable[[str], str]) -> bytes:
    """The document with the texts at some places changed."""
    return place.sub(lambda found: escape(change(unescape(found[0].decode()))).encode(), document)


def _workers_shown(document: bytes) -> Iterator[str]:
    for found in _WORKER_ELEMENT.finditer(document):
        yield found[1].decode()
    for score in _SCORE.finditer(document):
        for found in _SUBJECT_ELEMENT.finditer(score[0]):
            yield found[1].decode()


def _workers_in(value: Any, name: str = "") -> Iterator[str]:
    """The workers' IDs in parameters, calls and replies, which are found by the names that they have there."""
    if isinstance(value, dict):
        for inner_name, inner in value.items():
            if not (_REVIEWED in value and inner_name == "SubjectId"):
                yield from _workers_in(inner, _plain(inner_name))
    elif isinstance(value, Pair):
        yield from _workers_in(value.value, _plain(value.name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _workers_in(inner, name)
    elif isinstance(value, str) and value and name in _WORKERS:
        yield value


def _plain(name: str) -> str:
    """The name of a parameter without numbers and without what it is part of."""
    return next((part for part in reversed(name.split(".")) if not part.isdigit()), "")


def scrubbing_key(path: Path) -> bytes:
    """The key in a file, which is made if need be, for its owner alone. Raises OSError."""
    fresh = path.with_suffix(f".{secrets.token_hex(8)}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(secrets.token_bytes(32))
    # Of several who do this at once one wins, and all read a whole key.
    with suppress(FileExistsError):
        path.hardlink_to(fresh)
    fresh.unlink()
    return path.read_bytes()
