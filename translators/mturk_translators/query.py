"""Flat legacy parameters, as received, and the nested values that they mean."""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from mturk_translators.faults import OUT_OF_RANGE, Fault, Place, unreadable

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_INDEX = re.compile(r"[0-9]{1,9}")
_GLUED_INDEX = re.compile(r"ResponseGroup([0-9]{1,9})")
_MOST_PAIRS = 10_000
"""Far more than any operation takes. They are read before it is known who sends them."""
_DEEPEST = 12
"""No name has more parts than `AssignmentReviewPolicy.1.Parameter.1.MapEntry.1.Value.1` behind a batch prefix."""

PROOF = frozenset(
    {
        "AWSAccessKeyId",
        "Credential",
        "SecurityToken",
        "Service",
        "Signature",
        "SignatureMethod",
        "SignatureVersion",
        "Timestamp",
    }
)
"""Parameters that prove who asks, and when: the same request has others each time."""

PLUMBING = PROOF | {"Validate", "Version"}
"""Parameters that belong to the transport: no operation takes them, and the Request group does not echo them."""


class Pair(NamedTuple):
    """One parameter as received, decoded."""

    name: str
    value: str


def parse_pairs(encoded: bytes) -> tuple[Pair, ...]:
    """The parameters of a query string or form body, in order, without empty pairs (MTurkR's bodies begin with one).

    Raises the fault for an unreadable request: too many pairs, a broken escape, bytes that are not UTF-8.
    """
    if encoded.count(b"&") > _MOST_PAIRS:
        raise unreadable(f"The request has more than {_MOST_PAIRS} parameters.", 413)
    return tuple([_read_pair(part) for part in encoded.split(b"&") if part])


def _read_pair(encoded: bytes) -> Pair:
    name, _, value = encoded.partition(b"=")
    return Pair(decode(name), decode(value))


def decode(encoded: bytes) -> str:
    """A name or value as it was meant. Raises the fault for an unreadable request."""
    if encoded.isalnum():
        return encoded.decode()
    plain = encoded.replace(b"+", b" ")
    if b"%" in plain:
        if _BROKEN_ESCAPE.search(plain):
            raise unreadable("The request has a percent sign that begins no escape.")
        # With another sign these are the escapes of quoted-printable, for which there is a reader in C: a megabyte of
        # them keeps urllib's loop, and everybody else, busy for half a second.
        plain = a2b_qp(plain.replace(b"=", b"=3D").replace(b"%", b"="))
    try:
        return plain.decode()
    except UnicodeDecodeError:
        raise unreadable("The request is not valid UTF-8.") from None


def merge(*sources: Iterable[Pair]) -> tuple[Pair, ...]:
    """The parameters of URL and body as one list; the same name with the same value counts once (legacy-common 1)."""
    return tuple(dict.fromkeys(pair for source in sources for pair in source))


def first(pairs: Iterable[Pair], name: str) -> str | None:
    """The first value of a parameter that is not empty."""
    return next((pair.value for pair in pairs if pair.name == name and pair.value), None)


def plain_name(name: str) -> str:
    """What a parameter is called: `WorkerId` of `NotifyWorkers.1.WorkerId.2`."""
    return next((part for part in reversed(name.split(".")) if not part.isdigit()), "")


@dataclass
class Node:
    """A place in the tree of parameters: texts of its own, and members by name and index.

    An absent index is kept as -1: it means one element and comes before numbered ones. Whether lists begin at 0 or 1
    and whether numbers are missing makes no difference (legacy-common 6.1).
    """

    path: str = ""
    values: list[str] = field(default_factory=list)
    members: dict[str, dict[int, Node]] = field(default_factory=dict)

    def member(self, name: str, index: int) -> Node:
        """The member of that name and index, made if need be."""
        elements = self.members.setdefault(name, {})
        if index not in elements:
            suffix = f".{index}" if index >= 0 else ""
            elements[index] = Node(f"{self.path}{name}{suffix}.")
        return elements[index]

    def elements(self, name: str) -> Iterator[Node]:
        """The members of a name in the order of their indexes."""
        elements = self.members.get(name, {})
        return (elements[index] for index in sorted(elements))

    def texts(self, name: str) -> tuple[str, ...]:
        """All texts given for a name; empty ones count as not given."""
        return tuple(value for element in self.elements(name) for value in element.values if value)

    def text(self, name: str) -> str | None:
        """The first text given for a name."""
        return next(iter(self.texts(name)), None)

    def structures(self, name: str) -> tuple[Node, ...]:
        """The members of a name that have members of their own, of which at least one is not empty."""
        return tuple(element for element in self.elements(name) if any(_texts_within(element)))


def _texts_within(node: Node) -> Iterator[str]:
    for elements in node.members.values():
        for element in elements.values():
            yield from element.values
            yield from _texts_within(element)


def nest(pairs: Iterable[Pair]) -> Node:
    """The tree that the dotted names of the parameters describe."""
    root = Node()
    for name, value in pairs:
        node = root
        for part, index in _steps(name):
            node = node.member(part, index)
        if node is not root:
            node.values.append(value)
    return root


def _steps(name: str) -> Iterator[tuple[str, int]]:
    parts = name.split(".", _DEEPEST)
    glued = _GLUED_INDEX.fullmatch(parts[0])
    if glued:
        parts[:1] = ["ResponseGroup", glued[1]]
    position = 0
    while position < len(parts):
        indexed = position + 1 < len(parts) and _INDEX.fullmatch(parts[position + 1])
        yield parts[position], int(parts[position + 1]) if indexed else -1
        position += 2 if indexed else 1


_LARGEST_BATCH = 100


def blocks(root: Node, operation: str) -> tuple[Node, ...]:
    """The requests that a batch carries, or the one request that it is (legacy-common 6.3).

    `<Operation>.<n>.<Name>` belongs to block n; parameters without the prefix are shared, prefixed ones override.
    Raises Fault for more than a hundred.
    """
    batch = root.structures(operation)
    if len(batch) > _LARGEST_BATCH:
        raise Fault(OUT_OF_RANGE, f"One request carries at most {_LARGEST_BATCH} requests of a batch.", Place.WHOLE)
    shared = {name: elements for name, elements in root.members.items() if name != operation}
    return tuple(Node(block.path, [], {**shared, **block.members}) for block in batch) or (root,)
