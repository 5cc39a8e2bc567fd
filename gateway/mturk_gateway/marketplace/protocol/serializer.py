"""Writes replies as the output shapes say.

The walk over a shape is compiled once, into functions that look only where something may have to be changed: a page of
HITs has two thousand members, and nearly all of them are what the JSON encoder is to write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson

from mturk_gateway.marketplace.protocol.model import output_shape

_Converter = Callable[[Any], Any]

Written = orjson.Fragment
"""A value in a reply that is written already: JSON in the form that its shape asks for."""


def serialize(operation: str, reply: Mapping[str, Any]) -> bytes:
    """The JSON document of a reply: members in the order given, timestamps as whole epoch seconds.

    A member that is missing or None stays out, because Dallinger takes any surplus key for a failure and boto3 shows a
    null as None (modern-mturk 1.2). Raises KeyError for a member that the shape does not have.
    """
    return orjson.dumps(_structure(output_shape(operation))(reply))


@cache
def _structure(shape: Any) -> _Converter:
    names = frozenset(shape.members)
    inside = [(name, convert) for name, member in shape.members.items() if (convert := _converter(member))]

    def convert_members(value: Mapping[str, Any]) -> dict[str, Any]:
        if not value.keys() <= names:
            raise KeyError(f"{shape.name} has no member {sorted(value.keys() - names)}")
        given = dict(value)
        if None in given.values():
            given = {name: item for name, item in given.items() if item is not None}
        for name, convert in inside:
            if name in given:
                given[name] = convert(given[name])
        return given

    return convert_members


def _converter(shape: Any) -> _Converter | None:
    """What makes a value of this shape fit for the encoder; None where every value is."""
    if shape.type_name == "structure":
        return _structure(shape)
    if shape.type_name == "timestamp":
        return int
    if shape.type_name == "list":
        convert = _converter(shape.member)
        return _list(convert) if convert else None
    return None


def _list(convert: _Converter) -> _Converter:
    return lambda items: items if isinstance(items, Written) else [convert(item) for item in items]
