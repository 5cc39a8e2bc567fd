"""Checks a JSON document against an input shape, and says what is wrong in the words of the framework that AWS used.

Wrong JSON types end the walk at once with a SerializationException; all violations of the model are collected into one
ValidationException (modern-mturk 1.3). Clients check presence, type and minimum at best, so nothing is taken on trust.
The walk over a shape is compiled once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from mturk_gateway.marketplace.protocol.errors import serialization_error, validation_error
from mturk_gateway.marketplace.protocol.model import input_shape

_NAMES = {"string": "String", "integer": "Integer", "long": "Long", "boolean": "Boolean", "timestamp": "Timestamp"}
_FIRST_MOMENT = -62135596800  # 0001-01-01, and the end of 9999: what datetime of the clients can hold
_LAST_MOMENT = 253402300799


_MOST_VIOLATIONS = 50
_LONGEST_SHOWN = 1000
"""Characters of a value. A reply must not be much longer than the request was."""

_Check = Callable[[Any, str, list[str]], Any]
"""Gives a value as it is handed on; its path is for the sentences that are added where it violates the model."""

# Half a character and NUL can be written in JSON, but neither UTF-8 nor every database can hold them.
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def validate(operation: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call: known members that are not null, timestamps as whole epoch seconds.

    Raises Fault: SerializationException or ValidationException.
    """
    violations: list[str] = []
    parameters: dict[str, Any] = _structure(input_shape(operation))(document, "", violations)
    if violations:
        raise validation_error(violations)
    return parameters


@cache
def _structure(shape: Any) -> _Check:
    members = [
        (name, name[0].lower() + name[1:], name in shape.required_members, _check(member))
        for name, member in shape.members.items()
    ]

    def check(value: Any, path: str, violations: list[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_type(value, "structure")
        result = {}
        for name, shown, required, check_member in members:
            given = value.get(name)
            if given is not None:
                result[name] = check_member(given, _join(path, shown), violations)
            elif required:
                _note(violations, None, _join(path, shown), "Member must not be null")
        return result

    return check


def _check(shape: Any) -> _Check:
    if shape.type_name == "structure":
        return _structure(shape)
    return _list(shape) if shape.type_name == "list" else _scalar(shape)


def _list(shape: Any) -> _Check:
    check_member = _check(shape.member)

    def check(values: Any, path: str, violations: list[str]) -> list[Any]:
        if not isinstance(values, list):
            raise _wrong_type(values, "list")
        result = []
        for position, value in enumerate(values, start=1):
            where = _join(path, f"{position}.member")
            if value is None:
                _note(violations, None, where, "Member must not be null")
            else:
                result.append(check_member(value, where, violations))
        return result

    return check


def _scalar(shape: Any) -> _Check:
    convert = _CONVERSIONS[shape.type_name]
    limits = shape.metadata

    def check(value: Any, path: str, violations: list[str]) -> Any:
        scalar = convert(value)
        if limits:
            for constraint in _broken_constraints(limits, scalar):
                _note(violations, value, path, constraint)
        return scalar

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(value, "string")
    if _NOT_STORABLE.search(value):
        raise serialization_error("A string contains a character that cannot be stored")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(value, "boolean")
    return value


def _integer(kind: str, bits: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        # Some languages write every number with a point.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not -(2**bits) <= value < 2**bits:
            raise _wrong_type(value, kind)
        return value

    return convert


def _moment(value: Any) -> int:
    """Whole epoch seconds of a JSON number or of ISO-8601 text, which without a zone is UTC."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise _wrong_type(value, "timestamp") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _FIRST_MOMENT <= value <= _LAST_MOMENT:
        raise _wrong_type(value, "timestamp")
    return math.floor(value)


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "string": _text,
    "boolean": _boolean,
    "integer": _integer("integer", 31),
    "long": _integer("long", 63),
    "timestamp": _moment,
}


def _broken_constraints(limits: Mapping[str, Any], value: Any) -> list[str]:
    broken = []
    measure, noun = (len(value), "length") if isinstance(value, str) else (value, "value")
    if "max" in limits and measure > limits["max"]:
        broken.append(f"Member must have {noun} less than or equal to {limits['max']}")
    if "min" in limits and measure < limits["min"]:
        broken.append(f"Member must have {noun} greater than or equal to {limits['min']}")
    if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
        broken.append(f"Member must satisfy regular expression pattern: {limits['pattern']}")
    if "enum" in limits and value not in limits["enum"]:
        broken.append(f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]")
    return broken


def _note(violations: list[str], value: Any, path: str, constraint: str) -> None:
    """Add the sentence on a violation. Raises Fault (ValidationException) with the last that a reply has room for."""
    text = str(value)
    shown = "null" if value is None else f"'{text[:_LONGEST_SHOWN]}{'...' * (len(text) > _LONGEST_SHOWN)}'"
    violations.append(f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}")
    if len(violations) >= _MOST_VIOLATIONS:
        raise validation_error(violations)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _wrong_type(value: Any, wanted: str) -> Exception:
    if isinstance(value, dict):
        return serialization_error("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return serialization_error("Start of list found where not expected")
    if wanted not in _NAMES:
        return serialization_error("Unexpected field type")
    if isinstance(value, bool):
        found = "TRUE_VALUE" if value else "FALSE_VALUE"
    else:
        found = "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"
    return serialization_error(f"{found} can not be converted to {_NAMES[wanted]}")
