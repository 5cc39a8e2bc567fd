"""What requests ask, read once: an old program that polls asks the same again and again, and only the proof is new."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cached_property

from cachetools import LRUCache
from structlog import get_logger

from mturk_gateway.auth import Claim, claim_of
from mturk_gateway.paging.snapshots import Sought, seek
from mturk_translators.faults import (
    OUT_OF_RANGE,
    Fault,
    Place,
    missing_operation,
    unknown_operation,
)
from mturk_translators.operation import Context, Operation
from mturk_translators.operations import OPERATIONS, WITHDRAWN
from mturk_translators.query import Node, Pair, blocks, decode, first, merge, nest, parse_pairs
from mturk_translators.request import (
    PageRequest,
    ReportsRequest,
    StepsRequest,
    UndertakingRequest,
    translate,
    unknown_parameters,
    validates_only,
)
from mturk_translators.response import Asked
from mturk_translators.versions import resolve_version

log = get_logger()

_LONGEST_ECHO = 2 * 2**20
"""Characters that an answer repeats of what the requests of a batch share, if that is asked for: each repeats it."""
_KEPT = 1024
_LONGEST_KEPT = 2048
"""How many questions are kept, and of how many bytes at most."""


Wanted = Sought | ReportsRequest | StepsRequest | UndertakingRequest
"""What a request asks for: a page that is looked for, or what is to be done."""


class Ask:
    """One request of a batch, or the one that a question is.

    Translating it raises Fault for parameters that cannot be read.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._sought: Sought | None = None

    @property
    def entry(self) -> Operation:
        """The entry of the operation."""
        return self.asked.entry

    @cached_property
    def validates_only(self) -> bool:
        """Whether nothing is to be done but to look whether it could be."""
        return validates_only(self.asked.given)

    def translated(self, context: Callable[[], Context], account: str) -> Wanted:
        """The page that is looked for in an account, or what to do: new every time, in a context of its own."""
        if self._sought:
            if self._sought.walk.requester != account:
                # The same keys in the other realm.
                self._sought = seek(account, self._sought.page)
            return self._sought
        request = translate(self.entry, self.asked.given, context())
        unknown = unknown_parameters(self.entry, self.asked.given)
        if unknown:
            log.info("unknown parameters", operation=self.asked.name, names=unknown)
        if isinstance(request, PageRequest):
            self._sought = seek(account, request)
            return self._sought
        return request

    def numbered(self, number: int) -> Ask | None:
        """The same request for another page; None where more than that would differ."""
        if self._sought is None or self.validates_only or self.asked.given.path or "Request" in self.asked.groups:
            return None
        other = Ask(self.asked)
        other._sought = self._sought._replace(page=replace(self._sought.page, number=number))
        return other


class Question:
    """What a request asks, whoever proves to be asking: its parameters, and all that follows from them alone.

    What cannot be answered is told only to those who have proved who they are, so it is found out when it is asked for.
    """

    def __init__(self, pairs: tuple[Pair, ...]) -> None:
        self.pairs = pairs
        self.operation = first(pairs, "Operation")
        self.claim = claim_of(pairs)
        self._walkers: dict[tuple[str, str], str] = {}

    @property
    def size(self) -> int:
        """How many characters its parameters have."""
        return sum(len(pair.name) + len(pair.value) for pair in self.pairs)

    @property
    def is_anonymous(self) -> bool:
        """Whether it may be asked without credentials."""
        entry = OPERATIONS.get(self.operation or "")
        return entry is not None and entry.anonymous

    @cached_property
    def version(self) -> str:
        """The version of the API that the answer is to have."""
        return resolve_version(first(self.pairs, "Version"))

    @cached_property
    def asks(self) -> tuple[Ask, ...]:
        """The requests of the batch, or the one request. Raises Fault when there is no such operation."""
        name, entry = look_up(self.operation)
        groups = _Groups(entry)
        found = blocks(nest(self.pairs), name)
        asks = tuple(Ask(Asked(name, entry, groups.of(block), self.version, block)) for block in found)
        shared = sum(len(pair.name) + len(pair.value) for pair in self.pairs if not pair.name.startswith(f"{name}."))
        echoing = sum("Request" in ask.asked.groups for ask in asks)
        if len(asks) > 1 and echoing * shared > _LONGEST_ECHO:
            raise Fault(
                OUT_OF_RANGE,
                "The response group Request would repeat too much: leave it out, or send fewer requests at a time.",
                Place.WHOLE,
            )
        return asks

    def numbered(self, number: int) -> Question | None:
        """The same question about another page; None where more than that would differ."""
        try:
            (ask,) = self.asks
        except (Fault, ValueError):
            return None
        numbered = ask.numbered(number)
        if numbered is None:
            return None
        other = copy(self)
        other.asks = (numbered,)
        return other

    def walker(self, peer: str, program: str) -> str:
        """What tells clients that walk pages apart: key, address, program, operation and its other parameters."""
        walker = self._walkers.get((peer, program))
        if walker is None:
            if len(self._walkers) >= _WALKERS:
                self._walkers.clear()
            lasting = sorted(pair for pair in self.pairs if pair.name.rpartition(".")[2] not in _NEW_ON_EVERY_PAGE)
            marks = "\0".join((peer, program, *(mark for pair in lasting for mark in pair)))
            walker = hashlib.blake2b(marks.encode(errors="surrogatepass"), digest_size=16).hexdigest()
            self._walkers[peer, program] = walker
        return walker


_WALKERS = 16
"""Clients that ask the same, so many of which are remembered."""
_NEW_ON_EVERY_PAGE = ("PageNumber", "Signature", "Timestamp")


def look_up(operation: str | None) -> tuple[str, Operation]:
    """The name and entry of the operation that a request asks for. Raises Fault when there is none."""
    if operation is None:
        raise missing_operation()
    entry = OPERATIONS.get(operation)
    if entry is None:
        when = WITHDRAWN.get(operation)
        raise unknown_operation(operation, f"It was withdrawn from the API {when}." if when else "")
    return operation, entry


class _Groups:
    """The response groups that the requests of a batch ask for: what they share is read once."""

    def __init__(self, entry: Operation) -> None:
        self._entry = entry
        self._read: dict[int, frozenset[str]] = {}

    def of(self, block: Node) -> frozenset[str]:
        given = id(block.members.get("ResponseGroup"))
        if given not in self._read:
            words = [word.strip() for text in block.texts("ResponseGroup") for word in text.split(",")]
            self._read[given] = self._entry.groups.chosen(tuple(words))
        return self._read[given]


_PROOF = (b"Timestamp=", b"Signature=")
_PAGE_NUMBER = re.compile(rb"PageNumber=([1-9][0-9]{0,8})")


class Questions:
    """Reads requests, and keeps what the latest of them asked. For one event loop."""

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[bytes, ...], Question] = LRUCache(_KEPT)
        self._pages: LRUCache[tuple[bytes, ...], Question] = LRUCache(_KEPT)

    def read(self, query: bytes, body: bytes) -> tuple[Question, Claim]:
        """What a request asks and how it proves who asks, from the encoded parameters of URL and body.

        Raises Fault for what cannot be read.
        """
        encoded = body or query
        parts = encoded.split(b"&")
        lasting = tuple([part for part in parts if part[:10] not in _PROOF])
        # A signature of version 1 covers everything, and takes its time anyway.
        usual = len(parts) - len(lasting) == 2 and b"SignatureVersion" not in encoded
        if not usual or (query and body) or len(encoded) > _LONGEST_KEPT:
            question = Question(merge(parse_pairs(query), parse_pairs(body)))
            return question, question.claim
        question = self._kept.get(lasting) or self._new(lasting)
        proof = {part[:10]: decode(part[10:]) for part in parts if part[:10] in _PROOF}
        timestamp, signature = map(proof.get, _PROOF)
        known = question.claim
        return question, Claim(known.access_key, signature, timestamp, None, known.operation, question.pairs)

    def _new(self, parts: tuple[bytes, ...]) -> Question:
        """A question that has not been asked before, though perhaps about another page."""
        numbers = [match for part in parts if (match := _PAGE_NUMBER.fullmatch(part))]
        rest = tuple([part for part in parts if not part.startswith(b"PageNumber=")])
        known = self._pages.get(rest) if len(numbers) == 1 and len(rest) == len(parts) - 1 else None
        question = known.numbered(int(numbers[0][1])) if known else None
        if question is None:
            question = self._pages[rest] = Question(merge(parse_pairs(b"&".join(parts))))
        self._kept[parts] = question
        return question
