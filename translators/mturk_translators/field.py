"""What every kind of field is: said once, and used in both directions.

`take` reads a legacy parameter into its modern value; `give` writes a modern value as the markup of legacy elements, in
which characters that XML cannot carry still stand. Element names are Amazon's; `modern` is given only where the modern
member has another name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from mturk_translators.faults import missing_parameters
from mturk_translators.query import Node
from mturk_translators.xml import checked_name, escape


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What every field can say about itself beside its name.

    `also` is another spelling that requests may use; `group` is the response group that shows it (None: shown in every
    answer that has a result at all); `since` and `until` are the first and last version that know it; `required` says
    that requests and replies must have it; `default` is what a request means that does not.
    """

    modern: str | None = None
    also: str | None = None
    group: str | None = None
    since: str | None = None
    until: str | None = None
    required: bool = False
    default: Any = None


@dataclass(frozen=True)
class Field(ABC, Meaning):
    """One parameter, one element, or both."""

    name: str

    plain: ClassVar[type | None] = None
    """The type of values of which all but empty ones are written as their text between the tags, by whatever is quick.

    A kind of field that finds or gives them in another way has none.
    """

    def __post_init__(self) -> None:
        checked_name(self.name)

    @cached_property
    def member(self) -> str:
        """The name of the modern member."""
        return self.modern or self.name

    def known_to(self, version: str) -> bool:
        """Whether an answer of that version has the element at all."""
        return (self.since is None or self.since <= version) and (self.until is None or version <= self.until)

    def take(self, given: Node) -> Any:
        """The modern value of the parameter; None when it is not given. Raises Fault when it cannot be read."""
        text = given.text(self.name)
        if text is None and self.also is not None:
            text = given.text(self.also)
        return None if text is None else self.read(text, f"{given.path}{self.name}")

    def read(self, text: str, path: str) -> Any:
        """One text as received, as its modern value; `path` is the parameter's name for the message."""
        raise NotImplementedError(f"{self.name} is never a parameter, or no single text")

    def parameters(self) -> Iterator[tuple[str, bool]]:
        """The names of the parameters that give it, `n` standing for an index, and whether each must be there."""
        yield self.name, self.required

    def find(self, reply: Mapping[str, Any]) -> Any:
        """The field's value in a modern structure, None when it has none. Raises LookupError if it must have one."""
        value = reply.get(self.member)
        if self.required and value in (None, ""):
            raise LookupError(self.member)
        return value

    @abstractmethod
    def give(self, value: Any, version: str) -> str:
        """The elements of a modern value, for an answer of that version; none for an absent value."""

    @property
    def versioned(self) -> bool:
        """Whether there are values of which versions show different parts."""
        return False

    def varies(self, value: Any) -> bool:
        """Whether this value, well-formed as it is, may be one of those."""
        return False


def take_members(fields: Iterable[Field], given: Node) -> dict[str, Any]:
    """The modern members that the given parameters amount to; what is neither given nor has a default is left out.

    Raises Fault for what cannot be read, and for everything required that is absent.
    """
    members = {}
    missing = []
    for field in fields:
        value = field.take(given)
        if value is None:
            value = field.default
        if value is not None:
            members[field.member] = value
        elif field.required:
            missing.append(f"{given.path}{field.name}")
    if missing:
        raise missing_parameters(tuple(missing))
    return members


Step = tuple[str, str, str, type | None, Field]
"""A field with what is always the same about writing it: its member, its tags, and the type it is plain for."""


def prepare(fields: Iterable[Field]) -> tuple[Step, ...]:
    """The fields as `give_members` takes them."""
    return tuple((field.member, f"<{field.name}>", f"</{field.name}>", field.plain, field) for field in fields)


def give_members(steps: Iterable[Step], reply: Mapping[str, Any], version: str) -> list[str]:
    """The markup of each field of a modern structure.

    It writes texts and numbers itself, which is what a `give` of theirs comes to: they are most of each of the hundred
    rows of a page.
    """
    markup = []
    for member, start, end, plain, field in steps:
        value: Any = reply.get(member)
        kind = type(value)
        if kind is not plain or value == "":
            markup.append(field.give(field.find(reply), version))
        elif kind is str and ("&" in value or "<" in value or ">" in value or "\r" in value):
            markup.append(f"{start}{escape(value)}{end}")
        else:
            markup.append(f"{start}{value}{end}")
    return markup


def in_group(group: str, *fields: Field) -> tuple[Field, ...]:
    """The same fields, shown by a response group."""
    return tuple(replace(field, group=group) for field in fields)
