"""The short version of `make fuzz`: some inputs of each area, the same each time, and every one that was wrong once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fuzzing.areas import AREAS
from fuzzing.oracles import WrongError, check_modern, check_no_leak, check_xml
from fuzzing.running import attempt
from mturk_translators.document import front_refusal
from mturk_translators.faults import internal_error

CASES = {file.stem: json.loads(file.read_text()) for file in sorted(Path(__file__).parent.glob("fuzzing/cases/*.json"))}
INPUTS = {"signatures": 400, "queries": 150, "documents": 80, "bodies": 400}
SERVED = {"connections": 60, "operations": 30, "marketplace": 60, "modern front": 20}


@pytest.fixture(scope="module")
def world():
    """One gateway for all inputs of areas that are served; in the end its books are checked."""
    with AREAS["operations"].opened() as opened:
        yield opened


@pytest.fixture
def place(request, name):
    """What the area of a name is checked in."""
    if AREAS[name].served:
        yield request.getfixturevalue("world")
    else:
        with AREAS[name].opened() as opened:
            yield opened


@pytest.mark.parametrize("name", [*INPUTS, *SERVED])
def test_whatever_is_sent_is_answered_soon_in_its_protocol_and_tells_no_secrets(name, place):
    area = AREAS[name]
    for number in range({**INPUTS, **SERVED}[name]):
        wrong, _ = attempt(area, place, area.input(name, 7, number))
        assert wrong is None, f"seed 7, number {number}"


@pytest.mark.parametrize(("name", "case"), [(case["area"], case) for case in CASES.values()], ids=CASES)
def test_what_was_wrong_once_is_not_wrong_again(name, case, place):
    wrong, _ = attempt(AREAS[name], place, case["input"].encode("latin-1"))

    assert wrong is None, case["wrong"]


REFUSAL = front_refusal("01234567-89ab-4cde-8f01-23456789abcd", internal_error())


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (500, REFUSAL),
        (200, REFUSAL.replace(b"AWS.InternalError", b"InvalidRequest")),
        (400, b"Bad Request"),
        (400, REFUSAL.replace(b"AWS.InternalError", b"InvalidRequest").replace(b"><Error>", b"> <Error>")),
        (200, b'<?xml version="1.0"?>\n<GetHITResponse><OperationRequest/><HIT/></GetHITResponse>\n'),
    ],
)
def test_the_judge_of_answers_knows_a_bad_one(status, document):
    """A fuzzer that finds nothing proves something only if it could have found it."""
    with pytest.raises(WrongError):
        check_xml(status, document)


def test_the_judge_of_answers_knows_leaks_and_failures_of_ours():
    with pytest.raises(WrongError):
        check_modern(500, b'{"__type": "ServiceFault", "Message": "x"}')
    with pytest.raises(WrongError):
        check_no_leak(b"Traceback (most recent call last)")
    with pytest.raises(WrongError):
        check_no_leak(b"the secret", "secret")
