"""Kinds of field with one text: what a single parameter or element is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from mturk_translators.faults import (
    DATA_KEYS,
    HIT_DOES_NOT_EXIST,
    INVALID_PARAMETER_VALUE,
    MTURK,
    Fault,
    invalid_value,
    out_of_range,
)
from mturk_translators.field import Field
from mturk_translators.query import Node
from mturk_translators.values import ENTITY_ID, WORKER_ID, time_text
from mturk_translators.xml import leaf


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
class TextOrNone(Text):
    """Text that boto, known by the version of its signature, sends as `None` when it has none (legacy-common 6.2)."""

    def take(self, given: Node) -> Any:
        if given.text("SignatureVersion") == "1" and given.text(self.name) == "None":
            return None
        return super().take(given)


@dataclass(frozen=True)
class Identifier(Field):
    """The ID of an object. A malformed one is answered like one that names nothing, before any call (9.1).

    `form` is the regular expression that a well-formed one matches.
    """

    missing: str = INVALID_PARAMETER_VALUE
    message: str = ""
    form: str = ENTITY_ID

    plain = str

    def read(self, text: str, path: str) -> str:
        if re.fullmatch(self.form, text, re.ASCII):
            return text
        if not self.message:
            raise invalid_value(text, path)
        data = ((self.name, text),) if self.name in DATA_KEYS else ()
        raise Fault(self.missing, self.message.format(text), data=data)

    def give(self, value: Any, version: str) -> str:
        return leaf(self.name, _text(value)) if value else ""


def hit_id(name: str = "HITId", **meaning: Any) -> Identifier:
    """The ID of a HIT; the service spelled the message `Hit`."""
    return Identifier(name, HIT_DOES_NOT_EXIST, "Hit {} does not exist.", **meaning)


def assignment_id(name: str = "AssignmentId", **meaning: Any) -> Identifier:
    """The ID of an assignment."""
    return Identifier(name, MTURK + "AssignmentDoesNotExist", "Assignment {} does not exist.", **meaning)


def qualification_type_id(name: str = "QualificationTypeId", **meaning: Any) -> Identifier:
    """The ID of a qualification type."""
    message = "QualificationType {} does not exist."
    return Identifier(name, MTURK + "QualificationTypeDoesNotExist", message, **meaning)


def qualification_request_id(name: str = "QualificationRequestId", **meaning: Any) -> Identifier:
    """The ID of a request for a qualification."""
    message = "QualificationRequest {} does not exist."
    return Identifier(name, MTURK + "QualificationRequestDoesNotExist", message, **meaning)


def worker_id(name: str = "WorkerId", message: str = "", **meaning: Any) -> Identifier:
    """The ID of a worker; nobody can say whom a malformed one was meant to name, so it is an invalid value."""
    return Identifier(name, INVALID_PARAMETER_VALUE, message, WORKER_ID, **meaning)


def subject_id(name: str = "SubjectId", **meaning: Any) -> Identifier:
    """The ID of a worker as the holder of a qualification."""
    message = "You requested a Qualification that does not exist."
    return Identifier(name, MTURK + "QualificationDoesNotExist", message, WORKER_ID, modern="WorkerId", **meaning)


def layout_id(name: str = "HITLayoutId", **meaning: Any) -> Identifier:
    """The ID of a HIT layout."""
    return Identifier(name, MTURK + "HITLayoutDoesNotExist", "HITLayout {} does not exist.", **meaning)


@dataclass(frozen=True)
class Integer(Field):
    """A whole number within a range; without `high` the range is open."""

    low: int = 0
    high: int | None = None

    plain: ClassVar[type | None] = int

    def read(self, text: str, path: str) -> int:
        match = re.fullmatch(r"\s*([+-]?)([0-9]+)\s*", text, re.ASCII)
        if not match:
            raise invalid_value(text, path)
        # A pattern that tells zeros in front from the other digits tries each of them as both.
        digits = match[2].lstrip("0")
        if len(digits) > 100:
            raise out_of_range(text, path, self.low, self.high)
        number = int(f"{match[1]}{digits or 0}")
        if number < self.low or (self.high is not None and number > self.high):
            raise out_of_range(text, path, self.low, self.high)
        return number

    def give(self, value: Any, version: str) -> str:
        return "" if value is None else leaf(self.name, str(value))


@dataclass(frozen=True)
class Double(Field):
    """A number with a fraction, in the shortest form that says which double it is: `0.0`, `0.05`."""

    def give(self, value: Any, version: str) -> str:
        return "" if value is None else leaf(self.name, repr(float(value)))


def score(name: str = "IntegerValue", **meaning: Any) -> Integer:
    """The value of a qualification."""
    return Integer(name, low=-(2**31), high=2**31 - 1, **meaning)


def seconds(name: str, low: int = 0, **meaning: Any) -> Integer:
    """A span of time for which only the modern API's type sets a limit."""
    return Integer(name, low=low, high=2**63 - 1, **meaning)


@dataclass(frozen=True)
class Boolean(Field):
    """A truth value, written `1`/`0` as recorded or in `words`; `absent` stands for one that a modern reply lacks."""

    absent: bool | None = None
    words: bool = False

    def read(self, text: str, path: str) -> bool:
        value = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}.get(text.strip().lower())
        if value is None:
            raise invalid_value(text, path)
        return value

    def give(self, value: Any, version: str) -> str:
        known = self.absent if value is None else value
        if known is None:
            return ""
        yes, no = ("true", "false") if self.words else ("1", "0")
        return f"<{self.name}>{yes if known else no}</{self.name}>"


@dataclass(frozen=True)
class Choice(Text):
    """One of a few words, in exactly their spelling; with `else_default` any other word means the default."""

    values: tuple[str, ...] = ()
    else_default: bool = False

    def read(self, text: str, path: str) -> str:
        if text not in self.values and self.else_default:
            return str(self.default)
        if text not in self.values:
            raise invalid_value(text, path, f"Valid values are {', '.join(self.values)}.")
        return text


@dataclass(frozen=True)
class RetiringChoice(Choice):
    """One of a few words, some of which were `retired`: they are refused with a `reason` of their own."""

    retired: tuple[str, ...] = ()
    reason: str = ""

    def read(self, text: str, path: str) -> str:
        if text in self.retired:
            raise invalid_value(text, path, self.reason)
        return super().read(text, path)


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


@dataclass(frozen=True)
class Constant(Field):
    """An element that always says the same."""

    text: str = ""

    def give(self, value: Any, version: str) -> str:
        return leaf(self.name, self.text)
