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
from collections.abc import Callable, Iterator
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Any, TypeAlias

from cachetools import LRUCache

from mturk_gateway.replay.pairs import FilePair
from mturk_gateway.replay.words import SHORTEST, reworded
from mturk_translators.query import plain_name
from mturk_translators.xml import MarkupError, escape, parse, representable

Change: TypeAlias = Callable[[str, str], str]
"""What a text becomes, by the place where it stands: the name of its element, member or parameter in small letters."""

_WORKERS = frozenset({"workerid", "workerids", "subjectid"})
_AGREED = "agreedanswer"
_NAMING = frozenset({"operation", "code", "isvalid", "requestid", "__type", "turkerrorcode", "errorcode"})
"""Places of names that programs go by, which must not change when a worker is said to have one of them."""
_ELSEWHERE = ""

_OWN = frozenset({"source", "recorded_at", "request_id", "calls_of"})
"""What the recorder says itself."""

_REMEMBERED = 100_000
"""Workers who are found in texts that name them at no other place."""

_ID = re.compile(r"A(?=[A-Z]*[0-9])[0-9A-Z]{9,20}")
"""What a worker's ID looks like."""

_RUN = re.compile(r"[0-9A-Za-z]+|[^\x00-\x7f]+")

_TAG = re.compile("(<[^>]*>)")
"""In our own documents, which have no comments and no `>` in attributes."""

_PIECE = re.compile(
    r"""
    (?P<tag> </?[\w.:-]+
        (?:\s+(?:xmlns(?::\w+)?|xml:space|xml:lang|xsi:schemaLocation)\s*=\s*(?:"[^"<]*"|'[^'<]*'))* \s*/?> )
    | <!\[CDATA\[(?P<literal>.*?)\]\]>
    | (?P<declaration> <\?xml\s[^?]*\?> )
    | (?P<aside> <!--.*?--> | <\?.*?\?> )
    | (?P<text> [^<]+ )
    """,
    re.VERBOSE | re.DOTALL,
)
"""What a document of answers is made of. Attributes are those that say nothing of anybody."""

_QUESTION = re.compile(r"<(?:\w+:)?QuestionIdentifier(?:\s[^>]*)?(?<!/)>")

_TABLES = {
    character: kind * 26
    for kind in (string.digits, string.ascii_uppercase, string.ascii_lowercase)
    for character in kind
}
"""For each letter and digit at least 256 others like it."""


class Scrubber:
    """Scrubs pairs with a key that is kept secret, for one thread. It remembers workers from one pair to the next."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._met: LRUCache[str, None] = LRUCache(_REMEMBERED)

    def scrub(self, pair: FilePair) -> FilePair:
        """The pair without any worker's ID and without what workers answered."""
        here: set[str] = set()

        def meet(place: str, text: str) -> str:
            if place in _WORKERS:
                here.update(word for word in _RUN.findall(text) if len(word) >= SHORTEST)
            return text

        def rename(word: str) -> str:
            known = word in here or word in self._met or _ID.fullmatch(word)
            return self._name(word) if known else word

        _changed(pair, meet)
        # No marketplace has workers of other names, and those of no worker must not be hidden from now on.
        self._met.update(dict.fromkeys(filter(str.isupper, here)))
        return _changed(pair, lambda place, text: self._scrubbed(place, text, rename))

    def _scrubbed(self, place: str, text: str, rename: Callable[[str], str]) -> str:
        if place in _WORKERS:
            return _RUN.sub(lambda run: self._name(run[0]), text)
        if place == "answer":
            return self._scrubbed_answer(text, rename)
        if place == _AGREED:
            return self._hidden(text)
        if place == "nexttoken":
            # It may hold a worker's ID in an encoding of its own.
            return self._secret("token", text).hex()
        if place in _NAMING:
            return reworded(text, lambda word: rename(word) if word.isupper() else word)
        return reworded(text, rename)

    def _scrubbed_answer(self, answer: str, rename: Callable[[str], str]) -> str:
        """An answer document with other contents; text that is none is hidden as a whole."""
        answer = representable(answer)
        if "<QuestionFormAnswers" in answer:
            with suppress(MarkupError):
                scrubbed = "".join(self._scrubbed_pieces(answer, rename))
                parse(scrubbed, huge=True)
                return scrubbed
        return self._hidden(answer)

    def _scrubbed_pieces(self, answer: str, rename: Callable[[str], str]) -> Iterator[str]:
        """Raises MarkupError for markup that no document of answers has."""
        # A reader sees line ends like this, unless they are escaped.
        answer = answer.replace("\r\n", "\n").replace("\r", "\n")
        tag, position = "", 0
        while position < len(answer):
            piece = _PIECE.match(answer, position)
            if piece is None:
                raise MarkupError("an unusual piece of markup")
            position = piece.end()
            if piece["tag"]:
                tag = piece["tag"]
                yield tag
            elif piece["declaration"]:
                yield piece["declaration"]
            elif not piece["aside"]:
                text = piece["literal"] or unescape(piece["text"] or "")
                yield escape(reworded(text, rename) if _QUESTION.fullmatch(tag) else self._hidden(text))

    def _name(self, word: str) -> str:
        """Who a worker is in recordings."""
        disguised = self._disguised("worker", word)
        return word[0] + disguised[1:] if word.isascii() else disguised

    def _hidden(self, answer: str) -> str:
        # What XML cannot carry must become the same here as there.
        return self._disguised("answer", representable(answer))

    def _disguised(self, kind: str, text: str) -> str:
        """Other text of the same shape."""
        numbers = hashlib.shake_256(self._secret(kind, text)).digest(len(text))
        return "".join(map(_like, text, numbers))

    def _secret(self, kind: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{kind} {text}".encode(errors="surrogatepass"), hashlib.sha256)


def _like(character: str, number: int) -> str:
    table = _TABLES.get(character)
    if table:
        return table[number]
    # An emoji is an answer too.
    return character if character.isascii() or character.isspace() else string.ascii_lowercase[number % 26]


def _changed(pair: FilePair, change: Change) -> FilePair:
    """The pair with all its texts changed."""
    facts = {
        name: value if name in _OWN else _changed_value(value, change, _ELSEWHERE) for name, value in pair.facts.items()
    }
    if "query" in facts:
        facts["query"] = _changed_query(pair.facts["query"], change)
    return pair._replace(facts=facts, document=_changed_document(pair.document, change))


def _changed_query(query: dict[str, str] | list[list[str]], change: Change) -> dict[str, str] | list[list[str]]:
    pairs = query.items() if isinstance(query, dict) else query
    changed = [[name, change(plain_name(name).lower(), value)] for name, value in pairs]
    return dict(changed) if isinstance(query, dict) else changed


def _changed_value(value: Any, change: Change, place: str) -> Any:
    if isinstance(value, str):
        return change(place, value)
    if isinstance(value, list | tuple):
        return [_changed_value(inner, change, place) for inner in value]
    if not isinstance(value, dict):
        return value
    key, reviewed = value.get("Key"), "SubjectType" in value
    return {name: _changed_value(inner, change, _place(name, key, reviewed)) for name, inner in value.items()}


def _changed_document(document: bytes, change: Change) -> bytes:
    opened: list[str] = []
    key = ""
    pieces = _TAG.split(document.decode())
    for index, piece in enumerate(pieces):
        if index % 2:
            _follow(opened, piece)
        elif piece and opened:
            text = unescape(piece)
            if opened[-1] == "Key":
                key = text
            changed = change(_place(opened[-1], key, opened[-2:-1] == ["ReviewResult"]), text)
            if changed != text:
                pieces[index] = escape(changed)
    return "".join(pieces).encode()


def _place(name: str, key: str | None, reviewed: bool) -> str:
    """Where the text of an element or a member stands, in view of the Key beside it and of whether a review says it."""
    if name == "SubjectId" and reviewed:
        # It is a HIT or an assignment.
        return _ELSEWHERE
    return _AGREED if (name, key) == ("Value", "AgreedAnswer") else name.lower()


def _follow(opened: list[str], tag: str) -> None:
    """Which elements are open behind a tag, the innermost one last."""
    if tag.startswith("</"):
        opened.pop()
    elif not tag.startswith("<?") and not tag.endswith("/>"):
        opened.append(tag[1:-1].partition(" ")[0])


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
