"""Writes replies as the output shapes say.

The walk over a shape is compiled once; what needs no conversion is handed to the JSON encoder as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from mturk_gateway.marketplace.protocol.model import output_shape

_Writer = Callable[[Any], Any]


def serialize(operation: str, reply: Mapping[str, Any]) -> bytes:
    """The JSON document of a reply: members in the model's order, timestamps as whole epoch seconds.

    A member that is missing or None stays out, because Dallinger takes any surplus key for a failure and boto3 shows a
    null as None (modern-mturk 1.2). Raises KeyError for a member that the shape does not have.
    """
    document = _structure(output_shape(operation))(reply)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _structure(shape: Any) -> _Writer:
    members: list[tuple[str, _Writer | None]] = [(name, _writer(member)) for name, member in shape.members.items()]
    names = frozenset(shape.members)

    def write(value: Mapping[str, Any]) -> dict[str, Any]:
        if not value.keys() <= names:
            raise KeyError(f"{shape.name} has no member {sorted(value.keys() - names)}")
        document = {}
        for name, convert in members:
            item = value.get(name)
            if item is not None:
                document[name] = convert(item) if convert else item
        return document

    return write


def _writer(shape: Any) -> _Writer | None:
    if shape.type_name == "structure":
        return _structure(shape)
    if shape.type_name == "timestamp":
        return int
    if shape.type_name == "list":
        convert = _writer(shape.member)
        return (lambda items: [convert(item) for item in items]) if convert else None
    return None
