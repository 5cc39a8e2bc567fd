"""Field kinds: what a parameter or element is, said once and used in both directions.

`take` reads a legacy parameter into its modern value; `give` writes a modern value as the markup of legacy elements, in
which characters that XML cannot carry still stand. Element names are Amazon's; `modern` is given only where the modern
member has another name.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

from mturk_translators.faults import (
    DATA_KEYS,
    INVALID_PARAMETER_VALUE,
    MTURK,
    Fault,
    invalid_value,
    missing_parameters,
    out_of_range,
)
from mturk_translators.query import Node
from mturk_translators.values import amount_text, formatted_price, money_in, time_text
from mturk_translators.versions import NEWEST
from mturk_translators.xml import around, checked_name, escape, leaf


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What every field can say about itself beside its name.

    `group` is the response group that shows it (None: shown in every answer that has a result at all); `since` and
    `until` are the first and last version that know it; `required` says that requests and replies must have it;
    `default` is what a request means that does not.
    """

    modern: str | None = None
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
        return None if text is None else self.read(text, f"{given.path}{self.name}")

    def read(self, text: str, path: str) -> Any:
        """One text as received, as its modern value; `path` is the parameter's name for the message."""
        raise NotImplementedError(f"{self.name} is never a parameter, or no single text")

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


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no text")
    return value


@dataclass(frozen=True)
class Text(Field):
    """Text of `shortest` to `longest` characters.

    `clean` refuses control characters; `empty` lets an empty element out.
    """

    shortest: int = 1
    longest: int | None = None
    clean: bool = False
    empty: bool = False

    plain = str

    def read(self, text: str, path: str) -> str:
        if self.longest is not None and len(text) > self.longest:
            raise invalid_value(text, path, f"It has more than {self.longest} characters.")
        if len(text) < self.shortest:
            raise invalid_value(text, path, f"It has less than {self.shortest} characters.")
        if self.clean and re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", text):
            raise invalid_value(text, path, "It contains control characters.")
        return text

    def give(self, value: Any, version: str) -> str:
        if value is None or (value == "" and not self.empty):
            return ""
        return leaf(self.name, _text(value))


@dataclass(frozen=True)
class Identifier(Field):
    """The ID of an object. A malformed one is answered like one that names nothing, before any call (9.1)."""

    missing: str = INVALID_PARAMETER_VALUE
    message: str = ""

    plain = str

    def read(self, text: str, path: str) -> str:
        if re.fullmatch(r"[A-Z0-9]{1,64}", text, re.ASCII):
            return text
        if not self.message:
            raise invalid_value(text, path)
        data = ((self.name, text),) if self.name in DATA_KEYS else ()
        raise Fault(self.missing, self.message.format(text), data=data)

    def give(self, value: Any, version: str) -> str:
        return leaf(self.name, _text(value)) if value else ""


def hit_id(name: str = "HITId", **meaning: Any) -> Identifier:
    """The ID of a HIT; the service spelled the message `Hit`."""
    return Identifier(name, MTURK + "HITDoesNotExist", "Hit {} does not exist.", **meaning)


def assignment_id(name: str = "AssignmentId", **meaning: Any) -> Identifier:
    """The ID of an assignment."""
    return Identifier(name, MTURK + "AssignmentDoesNotExist", "Assignment {} does not exist.", **meaning)


def qualification_type_id(name: str = "QualificationTypeId", **meaning: Any) -> Identifier:
    """The ID of a qualification type."""
    message = "QualificationType {} does not exist."
    return Identifier(name, MTURK + "QualificationTypeDoesNotExist", message, **meaning)


def layout_id(name: str = "HITLayoutId", **meaning: Any) -> Identifier:
    """The ID of a HIT layout."""
    return Identifier(name, MTURK + "HITLayoutDoesNotExist", "HITLayout {} does not exist.", **meaning)


@dataclass(frozen=True)
class Integer(Field):
    """A whole number within a range; without `high` the range is open."""

    low: int = 0
    high: int | None = None

    plain = int

    def read(self, text: str, path: str) -> int:
        match = re.fullmatch(r"\s*([+-]?)0*([0-9]+)\s*", text, re.ASCII)
        if not match:
            raise invalid_value(text, path)
        if len(match[2]) > 100:
            raise out_of_range(text, path, self.low, self.high)
        number = int(match[1] + match[2])
        if number < self.low or (self.high is not None and number > self.high):
            raise out_of_range(text, path, self.low, self.high)
        return number

    def give(self, value: Any, version: str) -> str:
        return "" if value is None else leaf(self.name, str(value))


@dataclass(frozen=True)
class Boolean(Field):
    """A truth value, written `1`/`0` as recorded; `absent` is written where the modern reply has none."""

    absent: bool | None = None

    def read(self, text: str, path: str) -> bool:
        value = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}.get(text.strip().lower())
        if value is None:
            raise invalid_value(text, path)
        return value

    def give(self, value: Any, version: str) -> str:
        known = self.absent if value is None else value
        return "" if known is None else f"<{self.name}>{1 if known else 0}</{self.name}>"


@dataclass(frozen=True)
class Choice(Text):
    """One of a few words, in exactly their spelling."""

    values: tuple[str, ...] = ()

    def read(self, text: str, path: str) -> str:
        if text not in self.values:
            raise invalid_value(text, path, f"Valid values are {', '.join(self.values)}.")
        return text


@dataclass(frozen=True)
class Choices(Choice):
    """Several of a few words: indexed, repeated and joined by commas, in any mixture. Each counts once."""

    def take(self, given: Node) -> Any:
        words = [word.strip() for text in given.texts(self.name) for word in text.split(",")]
        read = [self.read(word, f"{given.path}{self.name}") for word in words if word]
        return list(dict.fromkeys(read)) or None


@dataclass(frozen=True)
class Time(Field):
    """A moment, in whole seconds of UTC."""

    def give(self, value: Any, version: str) -> str:
        return "" if value is None else f"<{self.name}>{time_text(value)}</{self.name}>"


def _structures(given: Node, name: str) -> tuple[Node, ...]:
    """The structures of that name; a text in place of one is refused, for leaving it out would change what is asked."""
    text = given.text(name)
    if text is not None:
        raise invalid_value(text, f"{given.path}{name}", "It is a structure.")
    return given.structures(name)


@dataclass(frozen=True)
class Price(Field):
    """An amount of US dollars: a structure to legacy clients, text to the modern API (structures 3).

    `absent` is the amount written where the modern reply has none.
    """

    absent: str | None = None

    def take(self, given: Node) -> Any:
        price = next(iter(_structures(given, self.name)), None)
        if price is None:
            return None
        currency = price.text("CurrencyCode") or "USD"
        if currency != "USD":
            raise invalid_value(currency, f"{price.path}CurrencyCode", "The only currency is USD.")
        text = price.text("Amount")
        if text is None:
            return None
        amount = money_in(text.strip())
        if amount is None:
            raise invalid_value(text, f"{price.path}Amount")
        return amount

    def give(self, value: Any, version: str) -> str:
        amount = self.absent if value is None else value
        return "" if amount is None else around(self.name, _price(amount))


@lru_cache(1024)
def _price(amount: str) -> str:
    # Many HITs have one reward, and decimal arithmetic is slow.
    return (
        leaf("Amount", amount_text(amount))
        + leaf("CurrencyCode", "USD")
        + leaf("FormattedPrice", formatted_price(amount))
    )


@dataclass(frozen=True)
class Constant(Field):
    """An element that always says the same."""

    text: str = ""

    def give(self, value: Any, version: str) -> str:
        return leaf(self.name, self.text)


@dataclass(frozen=True)
class Structure(Field):
    """Named members inside one element."""

    fields: tuple[Field, ...] = ()

    def take(self, given: Node) -> Any:
        return next((take_members(self.fields, element) for element in _structures(given, self.name)), None)

    def give(self, value: Any, version: str) -> str:
        return "" if value is None else around(self.name, "".join(give_members(self._steps(version), value, version)))

    @cached_property
    def _known_steps(self) -> dict[str, tuple[Step, ...]]:
        return {}

    def _steps(self, version: str) -> tuple[Step, ...]:
        steps = self._known_steps.get(version)
        if steps is None:
            known = [field for field in self.fields if field.known_to(version)]
            steps = self._known_steps[version] = prepare(known)
        return steps

    @cached_property
    def _versioned_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.since or field.until or field.versioned)

    @property
    def versioned(self) -> bool:
        return bool(self._versioned_fields)

    def varies(self, value: Any) -> bool:
        for field in self._versioned_fields:
            inner = field.find(value)
            if field.varies(inner) or ((field.since or field.until) and field.give(inner, NEWEST)):
                return True
        return False


@dataclass(frozen=True)
class Each(Field):
    """A list: one element for each value. Versions before `several_since` see only the first."""

    of: Field
    several_since: str | None = None

    def take(self, given: Node) -> Any:
        if isinstance(self.of, Structure):
            return [take_members(self.of.fields, element) for element in _structures(given, self.name)] or None
        return [self.of.read(text, f"{given.path}{self.name}") for text in given.texts(self.name)] or None

    def give(self, value: Any, version: str) -> str:
        if not value:
            return ""
        several = self.several_since is None or self.several_since <= version
        return "".join([self.of.give(item, version) for item in (value if several else value[:1])])

    @property
    def versioned(self) -> bool:
        return self.several_since is not None or self.of.versioned

    def varies(self, value: Any) -> bool:
        if not value:
            return False
        if self.several_since is not None and len(value) > 1:
            return True
        return self.of.versioned and any(map(self.of.varies, value))


@dataclass(frozen=True)
class RequiredToPreview(Boolean):
    """Legacy `RequiredToPreview`, modern `ActionsGuarded`.

    It stands in every answer, `1` if the requirement guards previewing (structures 4).
    """

    def take(self, given: Node) -> Any:
        return "PreviewAndAccept" if super().take(given) else None

    def find(self, reply: Mapping[str, Any]) -> Any:
        return "Preview" in reply.get("ActionsGuarded", "") or reply.get("RequiredToPreview", False)


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
