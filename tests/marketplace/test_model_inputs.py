"""A walk over the inputs of the service model: each member of each operation, wrong in each way there is.

The sentences are those of modern-mturk 1.3, made here from the model alone; nothing is asked of the code under test.
"""

from __future__ import annotations

import copy
import re

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

MODEL = ServiceModel(Loader().load_service_model("mturk", "service-2", "2017-01-17"))
OPERATIONS = sorted(MODEL.operation_names)

VALUES = {"EntityId": "3EXAMPLE", "CustomerId": "A1EXAMPLE", "CurrencyAmount": "0.05", "CountryParameters": "US"}
"""Values of the shapes that have a pattern."""

TYPES = {"string": "text", "integer": 1, "long": 60, "boolean": True, "timestamp": 1_700_000_000}
NAMES = {"string": "String", "integer": "Integer", "long": "Long", "boolean": "Boolean", "timestamp": "Timestamp"}
FOUND = [("text", "STRING_VALUE"), (1, "NUMBER_VALUE"), (True, "TRUE_VALUE")]


def example(shape):
    """A value that the model allows, with every member there is."""
    if shape.type_name == "structure":
        return {name: example(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [example(shape.member)]
    if shape.metadata.get("enum"):
        return shape.enum[0]
    return VALUES.get(shape.name, TYPES[shape.type_name])


def places(shape, keys=(), path=""):
    """Every (keys that lead to a member, path as errors name it, shape, whether it must be there)."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            here = f"{path}.{name[0].lower()}{name[1:]}".lstrip(".")
            yield (*keys, name), here, member, name in shape.required_members
            yield from places(member, (*keys, name), here)
    elif shape.type_name == "list":
        here = f"{path}.1.member"
        yield (*keys, 0), here, shape.member, True
        yield from places(shape.member, (*keys, 0), here)


def violation(shown, path, constraint):
    text = (
        f"1 validation error detected: Value {shown} at '{path}' failed to satisfy constraint: Member must {constraint}"
    )
    return {"__type": "ValidationException", "message": text}


def serialization(text):
    return {"__type": "SerializationException", "message": text}


def wrong_types(shape):
    """Every (value of a JSON type that the shape does not have, the error)."""
    if shape.type_name == "structure":
        yield [], serialization("Start of list found where not expected")
        yield "text", serialization("Unexpected field type")
    elif shape.type_name == "list":
        yield {}, serialization("Start of structure or map found where not expected.")
        yield 1, serialization("Unexpected field type")
    else:
        yield {}, serialization("Start of structure or map found where not expected.")
        yield [], serialization("Start of list found where not expected")
        for value, found in FOUND:
            if type(value) is not type(TYPES[shape.type_name]):
                yield value, serialization(f"{found} can not be converted to {NAMES[shape.type_name]}")


def broken_constraints(shape):
    """Every (value that the model forbids, how it is shown, the constraint)."""
    limits = shape.metadata
    number = shape.type_name in ("integer", "long")
    if "max" in limits:
        value = limits["max"] + 1 if number else "A" * (limits["max"] + 1)
        noun = "value" if number else "length"
        yield value, f"have {noun} less than or equal to {limits['max']}"
    if "min" in limits and number:
        yield limits["min"] - 1, f"have value greater than or equal to {limits['min']}"
    if "min" in limits and not number and "pattern" not in limits:
        yield "", f"have length greater than or equal to {limits['min']}"
    if "pattern" in limits:
        for value in ("a-z", "é", "3 "):
            assert not re.fullmatch(limits["pattern"], value)
            yield value, f"satisfy regular expression pattern: {limits['pattern']}"
    if "enum" in limits:
        for value in ("Nonsense", shape.enum[0].swapcase()):
            yield value, f"satisfy enum value set: [{', '.join(shape.enum)}]"


def changed(document, keys, value=None, *, removed=False):
    document = copy.deepcopy(document)
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    if removed:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return document


def cases(operation):
    shape = MODEL.operation_model(operation).input_shape
    valid = example(shape)
    for keys, path, member, required in places(shape):
        if required:
            missing = violation("null", path, "not be null")
            yield changed(valid, keys), missing
            if isinstance(keys[-1], str):
                yield changed(valid, keys, removed=True), missing
        for value, error in wrong_types(member):
            yield changed(valid, keys, value), error
        for value, constraint in broken_constraints(member):
            yield changed(valid, keys, value), violation(f"'{value}'", path, constraint)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_member_wrong_in_each_way_has_its_error(house, operation):
    for document, error in cases(operation):
        response = house.post(operation, document)
        assert (response.status_code, response.json()) == (400, error), document


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_is_asked_for_that_the_model_leaves_free(house, operation):
    """Optional members may be null or missing, and unknown ones are not looked at."""
    shape = MODEL.operation_model(operation).input_shape
    required = {name: example(member) for name, member in shape.members.items() if name in shape.required_members}
    optional = dict.fromkeys(shape.members.keys() - required.keys())
    for document in (required, {**required, **optional, "Unexpected": {"a": [1]}}):
        reply = house.post(operation, document).json()
        assert reply.get("__type") not in ("ValidationException", "SerializationException", "ServiceFault")
