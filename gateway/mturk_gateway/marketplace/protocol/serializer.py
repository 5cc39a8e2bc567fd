"""Writes replies as the output shapes say.

The walk over a shape is compiled once, into functions that write the JSON: a page of HITs has two thousand members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from json import JSONEncoder
from json.encoder import encode_basestring
from typing import Any

from mturk_gateway.marketplace.protocol.model import output_shape

_Writer = Callable[[Any], str]

_ENCODER = JSONEncoder(ensure_ascii=False, separators=(",", ":"))

_SCALARS: Mapping[str, _Writer] = {
    "string": encode_basestring,
    "boolean": _ENCODER.encode,
    "integer": str,
    "long": str,
    "timestamp": lambda moment: str(int(moment)),
}


class Written(str):
    """A value in a reply that is written already: JSON in the form that its shape asks for."""

    __slots__ = ()


def write_json(value: Any) -> Written:
    """Any JSON value in the form in which replies are written."""
    return Written(_ENCODER.encode(value))


def serialize(operation: str, reply: Mapping[str, Any]) -> bytes:
    """The JSON document of a reply: members in the model's order, timestamps as whole epoch seconds.

    A member that is missing or None stays out, because Dallinger takes any surplus key for a failure and boto3 shows a
    null as None (modern-mturk 1.2). Raises KeyError for a member that the shape does not have.
    """
    return _structure(output_shape(operation))(reply).encode()


@cache
def _structure(shape: Any) -> _Writer:
    members = [(name, f"{_ENCODER.encode(name)}:", _writer(member)) for name, member in shape.members.items()]
    names = frozenset(shape.members)

    def write(value: Mapping[str, Any]) -> str:
        if not value.keys() <= names:
            raise KeyError(f"{shape.name} has no member {sorted(value.keys() - names)}")
        get = value.get
        given = [label + write_member(item) for name, label, write_member in members if (item := get(name)) is not None]
        return "{" + ",".join(given) + "}"

    return write


def _writer(shape: Any) -> _Writer:
    if shape.type_name == "structure":
        return _structure(shape)
    if shape.type_name == "list":
        return _list(_writer(shape.member))
    return _SCALARS[shape.type_name]


def _list(write_item: _Writer) -> _Writer:
    def write(items: Any) -> str:
        return items if isinstance(items, Written) else "[" + ",".join([write_item(item) for item in items]) + "]"

    return write
