"""Checks a JSON document against an input shape, and says what is wrong in the words of the framework that AWS used.

Wrong JSON types end the walk at once with a SerializationException; all violations of the model are collected into one
ValidationException (modern-mturk 1.3). Clients check presence, type and minimum at best, so nothing is taken on trust.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mturk_gateway.marketplace.protocol.errors import serialization_error, validation_error
from mturk_gateway.marketplace.protocol.model import input_shape

_BITS = {"integer": 31, "long": 63}
_NAMES = {"string": "String", "integer": "Integer", "long": "Long", "boolean": "Boolean", "timestamp": "Timestamp"}
_FIRST_MOMENT = -62135596800  # 0001-01-01, and the end of 9999: what datetime of the clients can hold
_LAST_MOMENT = 253402300799


def validate(operation: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call: known members that are not null, timestamps as whole epoch seconds.

    Raises Fault: SerializationException or ValidationException.
    """
    violations: list[str] = []
    parameters = _structure(input_shape(operation), document, "", violations)
    if violations:
        raise validation_error(violations)
    return parameters


def _structure(shape: Any, value: Mapping[str, Any], path: str, violations: list[str]) -> dict[str, Any]:
    result = {}
    for name, member in shape.members.items():
        where = _join(path, name[0].lower() + name[1:])
        if value.get(name) is not None:
            result[name] = _value(member, value[name], where, violations)
        elif name in shape.required_members:
            violations.append(_violation(None, where, "Member must not be null"))
    return result


def _value(shape: Any, value: Any, path: str, violations: list[str]) -> Any:
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            raise _wrong_type(value, "structure")
        return _structure(shape, value, path, violations)
    if kind == "list":
        if not isinstance(value, list):
            raise _wrong_type(value, "list")
        return _list(shape, value, path, violations)
    scalar = _scalar(kind, value)
    violations.extend(_violation(value, path, constraint) for constraint in _broken_constraints(shape, scalar))
    return scalar


def _list(shape: Any, values: list[Any], path: str, violations: list[str]) -> list[Any]:
    result = []
    for position, value in enumerate(values, start=1):
        where = _join(path, f"{position}.member")
        if value is None:
            violations.append(_violation(None, where, "Member must not be null"))
        else:
            result.append(_value(shape.member, value, where, violations))
    return result


def _scalar(kind: str, value: Any) -> Any:
    if kind == "timestamp":
        return _moment(value)
    if kind == "boolean":
        if isinstance(value, bool):
            return value
    elif kind == "string":
        if isinstance(value, str):
            return _storable(value)
    elif isinstance(value, int) and not isinstance(value, bool) and -(2 ** _BITS[kind]) <= value < 2 ** _BITS[kind]:
        return value
    raise _wrong_type(value, kind)


def _storable(value: str) -> str:
    # Half a character and NUL can be written in JSON, but neither UTF-8 nor every database can hold them.
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise serialization_error("A string contains a character that cannot be stored")
    return value


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


def _broken_constraints(shape: Any, value: Any) -> list[str]:
    limits = shape.metadata
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


def _violation(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


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
