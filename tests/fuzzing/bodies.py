"""Modern requests: JSON made from the shapes of the service's model, and what becomes of it."""

from __future__ import annotations

import json

from fuzzing import markup, values
from mturk_gateway.marketplace.protocol.model import input_shape, operation_names

NAMES = tuple(sorted(operation_names()))
_ODD = (
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, 10**40, 1e308, [], {}, [[]], [None], {"": ""}, [1, "a", {}]),
    *(float("nan"), float("inf"), -0.0, "", "\0", "\ud800", "\ufffe", "NaN", {"__type": "x"}),
)
_BROKEN = (
    b"",
    b"null",
    b"[]",
    b"{",
    b'"x"',
    b"{}{}",
    b"\xff",
    b"\xef\xbb\xbf{}",
    b'{"a":1,"a":2}',
    b"1e999",
    b"{'a':1}",
)


def document(chance, operation):
    """The body of a request for an operation, as bytes."""
    drawn = chance.random()
    chance.careful = False
    if drawn < 0.03:
        return chance.choice(_BROKEN)
    if drawn < 0.04:
        depth = chance.choice((100, 1_000, 20_000))
        return b'{"Title":' + b"[" * depth + b"]" * chance.choice((0, depth)) + b"}"
    chance.careful = chance.random() < 0.5
    members = _value(chance, input_shape(operation), operation)
    for _ in range(0 if chance.careful else chance.choice((0, 1, 1, 1, 2, 3))):
        members = _mutated(chance, members)
    data = json.dumps(members, ensure_ascii=chance.random() < 0.9).encode(errors="surrogatepass")
    if chance.random() < 0.05 and not chance.careful:
        place = chance.randrange(len(data) + 1)
        piece = chance.choice((b",", b"\xff", b"\\u0000", b"\\ud800", b"\0", b"1", b'"', b'{"HITId":1,'))
        data = data[:place] + piece + data[place + chance.randrange(3) :]
    return data


def _value(chance, shape, name):
    match shape.type_name:
        case "structure":
            return {
                member: _value(chance, inner, member)
                for member, inner in shape.members.items()
                if member in shape.required_members or chance.random() < (0.1 if chance.careful else 0.4)
            }
        case "list":
            return [_value(chance, shape.member, name) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
        case "map":
            return {}
        case "boolean":
            return chance.random() < 0.5
        case "integer" | "long" if chance.careful:
            return chance.choice((1, 60, 3600))
        case "integer" | "long":
            return chance.choice((0, 1, 1, 10, 30, 60, 3600, 86_400, 100, 101, -1, 2**31 - 1, 2**31, 2**63))
        case "timestamp" if chance.careful:
            return 1_893_456_000
        case "timestamp":
            return chance.choice((0, 1_700_000_000, 4e9, 1e15, -1, "2026-01-01T00:00:00Z", "2026-13-01", 1.5))
        case _:
            return _text(chance, shape, name)


def _text(chance, shape, name):
    if chance.random() < 0.06 and not chance.careful:
        return values.hostile(chance)
    if shape.enum:
        return chance.choice(shape.enum) if chance.careful or chance.random() < 0.95 else values.words(chance)
    if name in markup.BY_NAME:
        return markup.document(chance, markup.BY_NAME[name])
    if name in ("WorkerId", "WorkerIds"):
        return values.one_of(*values.WORKERS)(chance)
    if name in ("Reward", "BonusAmount"):
        return values.amount(chance)
    if name == "NextToken":
        return chance.choice(("p1", "AAAA", "3FUZZNEXTTOKEN", "3FUZZNEXTTOKENx", "\u00e9", "A" * 2_000))
    if name == "HITLayoutId":
        return values.identifier(chance, "Layout")
    if name.endswith("Id"):
        return values.identifier(chance, name.removesuffix("Id").removeprefix("Parent"))
    return values.words(chance)


def _mutated(chance, value):
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(sorted(value))
        match chance.randrange(4):
            case 0:
                return {name: inner for name, inner in value.items() if name != key}
            case 1:
                return {**value, chance.choice(("x", "", "__proto__", key.lower())): value[key]}
            case _:
                return {**value, key: _mutated(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        if chance.random() < 0.2:
            return value * chance.choice((2, 60))
        return [*value[:place], _mutated(chance, value[place]), *value[place + 1 :]]
    return chance.choice(_ODD)
