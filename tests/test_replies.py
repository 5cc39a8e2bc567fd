"""Replies of the modern API: read as botocore reads them, for every operation of its model."""

from __future__ import annotations

import json

import botocore.session
import pytest
from botocore.parsers import JSONParser
from botocore.utils import parse_timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mturk_gateway.replies import ReplyParser

MODEL = botocore.session.get_session().get_service_model("mturk")
SHAPES = {name: MODEL.operation_model(name).output_shape for name in MODEL.operation_names}
LISTED = SHAPES["ListHITs"]

BOTOCORE = JSONParser()
OURS = ReplyParser()

TIMES = st.one_of(
    st.integers(0, 2**32),
    st.floats(0, 2**32),
    st.sampled_from(
        ["2017-07-14T02:40:00Z", "2017-07-14T02:40:00.5+02:00", "1500000000.25", "Fri, 14 Jul 2017 02:40:00 GMT"]
    ),
)

SCALARS = {
    "string": st.text(max_size=5) | st.just("null"),
    "integer": st.integers(-(2**31), 2**31),
    "long": st.integers(-(2**63), 2**63),
    "boolean": st.booleans(),
    "timestamp": TIMES,
}


def wire(shape):
    """What may come for a shape: members absent or null, lists with nulls in them."""
    if shape.type_name == "structure":
        members = {name: st.none() | wire(member) for name, member in shape.members.items()}
        return st.fixed_dictionaries({}, optional=members)
    if shape.type_name == "list":
        return st.lists(st.none() | wire(shape.member), max_size=3)
    return SCALARS[shape.type_name]


def told(value, shape):
    """What our parser gave, with every time as botocore gives it."""
    if value is None:
        return None
    if shape.type_name == "structure":
        return {name: told(inner, shape.members[name]) for name, inner in value.items()}
    if shape.type_name == "list":
        return [told(inner, shape.member) for inner in value]
    return parse_timestamp(value) if isinstance(value, int | float) and shape.type_name == "timestamp" else value


HEADERS = {"x-amzn-RequestId": "1234", "Content-Type": "application/x-amz-json-1.1", "X-Other": "Kept As It Is"}


def response(body, status=200, headers=HEADERS):
    return {
        "status_code": status,
        "headers": botocore.awsrequest.HeadersDict(headers),
        "body": body,
        "context": {"operation_name": "X"},
    }


@pytest.mark.parametrize("operation", sorted(SHAPES))
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_every_reply_is_read_as_botocore_reads_it(operation, data):
    shape = SHAPES[operation]
    given_ = response(json.dumps(data.draw(wire(shape))).encode())

    ours = OURS.parse(given_, shape)

    metadata = ours.pop("ResponseMetadata")
    expected = BOTOCORE.parse(given_, shape)
    assert metadata == expected.pop("ResponseMetadata")
    assert told(ours, shape) == expected


def outcome(parser, given_, shape):
    try:
        return parser.parse(given_, shape)
    except Exception as error:  # noqa: BLE001  # whatever it is, it must be the same
        return type(error)


BODIES = [
    b"",
    b"{}",
    b'{"HITs": null}',
    b'{"HITs": [null]}',
    b'{"HITs": [{"CreationTime": "soon"}]}',
    b'{"HITs": [{"CreationTime": {}}]}',
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:30]))
def test_odd_replies_are_met_as_botocore_meets_them(body):
    assert outcome(OURS, response(body), LISTED) == outcome(BOTOCORE, response(body), LISTED)


NO_REPLIES = [
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"5",
    b"<html>",
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b'{"HITs": [',
    b'{"NumResults": ' + b"9" * 10_000 + b"}",
    b'{"HITs":' * 20_000,
]


@pytest.mark.parametrize("body", NO_REPLIES, ids=lambda body: repr(body[:30]))
def test_what_is_no_reply_is_no_success(body):
    """To botocore some of them say nothing, which is what most writes are answered with."""
    assert issubclass(outcome(OURS, response(body), LISTED), ValueError)


@pytest.mark.parametrize("status", [300, 301, 400, 403, 500, 503])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad Gateway</html>",
        b"[]",
        b'{"__type": "com.amazonaws.mturk#RequestError", "Message": "No.", "TurkErrorCode": "AWS.X"}',
    ],
)
def test_errors_are_botocores(status, body):
    for shape in (LISTED, MODEL.shape_for_error_code("RequestError")):
        given_ = response(body, status)
        assert outcome(OURS, given_, shape) == outcome(BOTOCORE, given_, shape)


def test_a_number_stays_one_and_what_the_model_does_not_know_stays():
    body = {"HITs": [{"HITId": "3A", "CreationTime": 1_500_000_000.5, "Novelty": {"X": None}}], "Kind": 1}

    reply = OURS.parse(response(json.dumps(body).encode(), headers={}), LISTED)

    assert reply.pop("ResponseMetadata") == {"HTTPStatusCode": 200, "HTTPHeaders": {}}
    assert reply == {"HITs": [{"HITId": "3A", "CreationTime": 1_500_000_000.5, "Novelty": {}}], "Kind": 1}
