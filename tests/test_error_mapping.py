"""What each error of the modern API is to legacy clients: its code, its message, and the place where it stands.

The tables are those of legacy-common 9 and 9.1, written down once more, so that the gateway's own is held against them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from documented import (
    AVAILABLE,
    FORMS,
    INVALID,
    MISSING,
    MTURK,
    NOT_MARKUP,
    RANGE,
    good_request,
    operation_of,
    result_of,
)
from golden import NOW, REQUEST_ID, stage
from marketplace.test_error_catalogue import codes_in_sources, filled, types_in_sources
from mturk_translators.faults import ModernError, legacy_fault
from mturk_translators.xml import parse
from support import one, signed_query, texts

STAMP = " (1624047673969)"
"""The time that the service puts behind its messages."""
NOT_AUTHORIZED = "AWS.NotAuthorized"
AWAY = "ServiceUnavailable"

IDS = {
    "hit": "3HIT",
    "hit_type": "3TYPE",
    "submitted": "3WORK",
    "kind": "3KIND",
    "accepted": "3REQUEST",
    "layout": "3LAYOUT",
}


class Answered(NamedTuple):
    """An error as a legacy client finds it: HTTP status, place, code, message, and pairs of keys and values."""

    status: int
    place: str
    code: str
    message: str
    data: tuple[tuple[str, str], ...] = ()


def read(answer, operation):
    """Where and how an answer says that there was an error."""
    root = parse(answer.document)
    said = answer.status, one(root, "Code"), one(root, "Message")
    data = tuple(zip(texts(root, "Key"), texts(root, "Value"), strict=True))
    match [child.tag for child in root]:
        case ["OperationRequest", result] if result == result_of(operation) and root.tag == f"{operation}Response":
            assert [[child.tag for child in part] for part in (root[0], root[1], root[1][0])] == [
                ["RequestId"],
                ["Request"],
                ["IsValid", "Errors"],
            ]
            assert one(root, "IsValid") == "False"
            place = "request"
        case ["OperationRequest"] if root.tag == f"{operation}Response":
            assert [child.tag for child in root[0]] == ["RequestId", "Errors"]
            place = "whole"
        case ["Errors", "RequestID"] if root.tag == "Response":
            place = "front"
        case other:
            place = f"nowhere: {other}"
    return Answered(said[0], place, *said[1:], data)


@dataclass
class Played:
    """A request before an upstream that gives these replies, the last of them for ever."""

    operation: str
    pairs: dict[str, str]
    replies: list[Any]
    now: float = NOW

    @property
    def facts(self):
        return {"replies": [*self.replies, *self.replies[-1:] * 12], "request_id": REQUEST_ID}

    def body(self, requester):
        return signed_query(requester, self.operation, *filled(self.pairs, IDS).items(), now=self.now).encode()


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("stage")) as opened:

        def run(operation, pairs, *replies):
            answer, calls = opened.play(Played(operation, pairs, replies))
            assert calls
            return read(answer, operation)

        yield run


def error(type_, message, code=None, status=400):
    """A modern error on the wire: the service's own families spell Message with a capital."""
    own = type_ in ("RequestError", "ParameterValidationError", "ServiceFault")
    body = {"__type": type_, "Message" if own else "message": message, **({"TurkErrorCode": code} if code else {})}
    return {"status": status, "error": body}


# Types.


class Row(NamedTuple):
    """A modern error and what it is to legacy clients; the gateway's own messages are not compared."""

    error: dict[str, Any]
    status: int
    place: str
    code: str


def in_request(type_, message, code, given=None, **how):
    return Row(error(type_, message, given, **how), 200, "request", code)


def refused_whole(type_, status):
    return Row(error(type_, "No.", status=status), 200, "whole", NOT_AUTHORIZED)


def away(type_, status, code=None):
    return Row(error(type_, "Not now.", code, status), 503, "front", AWAY)


def _violation(value, member, must):
    return f"1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: Member must {must}"


TYPES = {
    "RequestError": in_request("RequestError", "No." + STAMP, MTURK + "AnythingNew", MTURK + "AnythingNew"),
    "RequestError without code": in_request("RequestError", "No." + STAMP, INVALID),
    "ParameterValidationError": in_request("ParameterValidationError", "No." + STAMP, RANGE, RANGE),
    "ParameterValidationError about a range": in_request(
        "ParameterValidationError",
        "The value -380572 is invalid for ExpirationIncrementInSeconds. Valid values range from 60 to 31536000."
        + STAMP,
        RANGE,
    ),
    "ParameterValidationError about XML": in_request(
        "ParameterValidationError", "There was an error parsing the XML question or answer data." + STAMP, NOT_MARKUP
    ),
    "ParameterValidationError otherwise": in_request(
        "ParameterValidationError", 'The value "X" is not valid for the parameter WorkerId.' + STAMP, INVALID
    ),
    "ValidationException about null": in_request(
        "ValidationException", _violation("null", "hITId", "not be null"), MISSING
    ),
    "ValidationException about a value": in_request(
        "ValidationException", "Member must have value greater than or equal to 1", RANGE
    ),
    "ValidationException otherwise": in_request(
        "ValidationException", _violation("'x'", "hITId", "satisfy regular expression pattern: ^[A-Z0-9]+$"), INVALID
    ),
    "SerializationException": in_request("SerializationException", "The body is not a JSON document", INVALID),
    "UnknownOperationException": in_request(
        "UnknownOperationException", "The requested operation is not offered.", "AWS.InvalidOperationParameter"
    ),
    "nothing known": in_request("BrandNewException", "What?", INVALID),
    "ThrottlingException": away("ThrottlingException", 400),
    "ServiceFault": away("ServiceFault", 500, "AWS.ServiceUnavailable"),
    "ServiceFault with another code": away("ServiceFault", 500, MTURK + "HITDoesNotExist"),
    "nothing known, failing": away("BrandNewFailure", 502),
    **{
        type_: refused_whole(type_, status)
        for type_, status in (
            ("AccessDeniedException", 400),
            ("ExpiredTokenException", 403),
            ("IncompleteSignatureException", 400),
            ("InvalidSignatureException", 403),
            ("MissingAuthenticationTokenException", 403),
            ("UnrecognizedClientException", 403),
        )
    },
}
"""By type, and by message where that decides (legacy-common 9.1)."""

CALLING = [form for form in FORMS if AVAILABLE[operation_of(form)].modern_calls]
KINDS = {"one call": "GetHIT", "pages": "SearchHITs", "flow": "CreateHIT", "undertaking": "ExtendHIT"}


def request_for(form):
    """A request that has to ask the upstream."""
    pairs = good_request(form)
    if "Notification.Transport" in pairs:
        pairs |= {"Notification.Transport": "SQS", "Notification.Destination": "https://queue.example.com/1/q"}
    return pairs


def said(row, found):
    """What a row makes of a finding, whose message is the row's own if it passes through."""
    message = row.error["error"].get("Message", row.error["error"].get("message"))
    return Answered(row.status, row.place, row.code, message if row.place == "request" else found.message, found.data)


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_of_error_has_its_code_message_and_place(play, kind):
    found, expected = {}, {}
    for name, row in TYPES.items():
        found[name] = play(KINDS[kind], request_for(KINDS[kind]), row.error)
        expected[name] = said(row, found[name])

    assert found == expected


@pytest.mark.parametrize("form", CALLING)
def test_each_operation_says_each_kind_of_error_in_its_place(play, form):
    operation, found, expected = operation_of(form), {}, {}
    for name in ("RequestError", "ParameterValidationError otherwise", "ServiceFault", "AccessDeniedException"):
        found[name] = play(operation, request_for(form), TYPES[name].error)
        expected[name] = said(TYPES[name], found[name])

    assert found == expected


@pytest.mark.parametrize(
    "reply",
    [
        "no JSON",
        "[]",
        "null",
        {"status": 400, "error": {}},
        {"status": 403, "error": {"Message": "Forbidden"}},
        {"status": 504, "error": {"Message": "Gateway Timeout"}},
    ],
)
def test_what_is_no_answer_of_the_service_is_an_outage(play, reply):
    found = play("GetHIT", request_for("GetHIT"), reply)

    assert found[:3] == (503, "front", AWAY)


# Codes.


class Met(NamedTuple):
    """An operation that meets an error, the message of that, and the pairs of keys and values that clients get."""

    form: str
    message: str
    data: tuple[tuple[str, str], ...] = ()
    then: tuple[dict[str, Any], ...] = ()
    more: dict[str, str] = {}  # noqa: RUF012  # never changed


HIT, WORK, KIND, REQUEST = (
    ("HITId", "3HIT"),
    ("AssignmentId", "3WORK"),
    ("QualificationTypeId", "3KIND"),
    ("QualificationRequestId", "3REQUEST"),
)
ONLY_IN = "This operation can be called with a status of: {}"
TOLD_NO_MORE = "Something that only another upstream says."


def state(current, expected):
    return ("CurrentState", current), ("ExpectedStates", expected)


CODES = {
    "HITDoesNotExist": [
        Met(form, "Hit 3HIT does not exist.", (HIT,)) for form in ("GetHIT", "DisposeHIT", "GetAssignmentsForHIT")
    ],
    "AssignmentDoesNotExist": [
        Met(form, "Assignment 3WORK does not exist.", (WORK,))
        for form in ("GetAssignment", "ApproveAssignment", "GrantBonus")
    ],
    "QualificationTypeDoesNotExist": [
        Met("GetQualificationType", "QualificationType 3KIND does not exist.", (KIND,)),
        Met("GetHITsForQualificationType", "QualificationType 3KIND does not exist.", (KIND,)),
        # Which of the requirements it was, the message says.
        Met("RegisterHITType", "QualificationType 3KIND does not exist."),
    ],
    "QualificationDoesNotExist": [
        Met(form, "You requested a Qualification that does not exist.")
        for form in ("GetQualificationScore", "RevokeQualification", "UpdateQualificationScore")
    ],
    "QualificationRequestDoesNotExist": [
        Met(form, "QualificationRequest 3REQUEST does not exist.", (REQUEST,))
        for form in ("GrantQualification", "RejectQualificationRequest")
    ],
    "HITLayoutDoesNotExist": [Met("CreateHIT", "HITLayout 3LAYOUT does not exist.")],
    "InvalidHITState": [
        Met(
            form,
            "This HIT is currently in the state 'Reviewable'.  " + ONLY_IN.format("Reviewing, Assignable"),
            (HIT, *state("Reviewable", "Reviewing,Assignable")),
        )
        for form in ("DisposeHIT", "SetHITAsReviewing")
    ],
    "InvalidAssignmentState": [
        Met(
            form,
            ONLY_IN.format("Submitted"),
            (WORK, *state("Approved", "Submitted")),
            ({"Assignment": {"AssignmentId": "3WORK", "AssignmentStatus": "Approved"}},),
        )
        for form in ("ApproveAssignment", "RejectAssignment")
    ],
    "InvalidQualificationTypeState": [
        Met(form, ONLY_IN.format("Active,Inactive"), (KIND, *state("Disposing", "Active,Inactive")))
        for form in ("DisposeQualificationType", "UpdateQualificationType")
    ],
    "InvalidQualificationState": [
        Met(form, ONLY_IN.format("Granted"), (KIND, *state("Revoked", "Granted")))
        for form in ("RevokeQualification", "UpdateQualificationScore")
    ],
    "InvalidQualificationRequestState": [
        Met(form, ONLY_IN.format("Submitted"), (REQUEST, ("ExpectedStates", "Submitted")))
        for form in ("GrantQualification", "RejectQualificationRequest")
    ],
    "HitAlreadyExists": [
        Met(form, 'The HIT with ID "3OLD" already exists.', more={"UniqueRequestToken": "once"})
        for form in ("CreateHIT", "CreateHIT of a type")
    ],
    "DuplicateRequest": [
        Met("GrantBonus", "The request has been carried out. RequestId: 1", more={"UniqueRequestToken": "once"})
    ],
    "QualificationTypeAlreadyExists": [
        Met(
            "CreateQualificationType",
            "You have already created a QualificationType with this name.",
            (KIND,),
            ({"QualificationTypes": [{"QualificationTypeId": "3KIND", "Name": "Careful people"}]},),
        )
    ],
    "QualificationAlreadyExists": [Met("AssignQualification", TOLD_NO_MORE)],
    "AssignmentAlreadyExists": [Met("ApproveAssignment", TOLD_NO_MORE, (WORK,))],
    "InsufficientFunds": [
        Met(form, "This Requester has insufficient funds in their account to complete this transaction.")
        for form in ("CreateHIT", "ExtendHIT", "ApproveAssignment", "GrantBonus")
    ],
    "InvalidMaximumAssignmentsIncrease": [Met("ExtendHIT", "A HIT cannot be extended to 10 or more.")],
    "HITTooOldForExtension": [Met("ExtendHIT", TOLD_NO_MORE)],
    "InvalidTransportEndpoint": [Met("SendTestEventNotification", "The destination cannot be used.")],
    "XMLParseError": [
        Met(form, "There was an error parsing the XML.") for form in ("CreateHIT", "CreateQualificationType")
    ],
    "XHTMLParseError": [Met("CreateHIT", "There was an error parsing the XHTML data.")],
    "InvalidParameterValue": [Met(form, "Not valid.") for form in ("ChangeHITTypeOfHIT", "GrantBonus")],
    **{
        code: [Met("GetHIT", TOLD_NO_MORE)]
        for code in (
            "PermissionDenied",
            "PermissionDeniedException",
            "DoesNotMeetRequirements",
            "HITAlreadyPassedReview",
            "ExceedsMaxAssignmentsPerWorker",
            "QualificationTypeRetryDelayNotElapsed",
            "QualificationTypeDoesNotAllowRetake",
            "NoHITsAvailableInGroupException",
            "NoMoreWorkableHITsInGroupException",
            "NoHITsAvailableForIterator",
        )
    },
}
"""Each code under AWS.MechanicalTurk, by who meets it (operations-index 2)."""

ELSEWHERE = {"AWS.ParameterOutOfRange": "request", "AWS.ServiceUnavailable": "front"}
"""The codes that lie elsewhere, and their places; they are met above."""


@pytest.mark.parametrize("code", CODES)
def test_each_code_is_passed_on_with_its_message_and_its_data(play, code):
    found, expected = {}, {}
    for met in CODES[code]:
        if operation_of(met.form) in AVAILABLE:
            refused = error("RequestError", met.message + STAMP, MTURK + code)
            pairs = {**request_for(met.form), **met.more}
            # A call that could not have been carried out is not made again, so what else is asked comes next.
            found[met.form] = play(operation_of(met.form), pairs, refused, *(met.then or (refused,)))
            expected[met.form] = Answered(200, "request", MTURK + code, met.message + STAMP, met.data)

    assert found
    assert found == expected


def test_the_table_has_each_code_that_the_marketplace_gives():
    assert codes_in_sources() <= {MTURK + code for code in CODES} | ELSEWHERE.keys()


def test_the_table_has_each_type_that_the_marketplace_gives():
    assert types_in_sources() <= {row.error["error"]["__type"] for row in TYPES.values()}
    assert {row.place for row in TYPES.values() if row.code == RANGE} == {ELSEWHERE["AWS.ParameterOutOfRange"]}
    assert TYPES["ServiceFault"].place == ELSEWHERE["AWS.ServiceUnavailable"]


def test_state_of_an_assignment_that_nobody_can_tell_is_left_out(play):
    refused = error("RequestError", ONLY_IN.format("Submitted") + STAMP, MTURK + "InvalidAssignmentState")
    found = play("ApproveAssignment", request_for("ApproveAssignment"), refused)

    assert found.data == (WORK, ("ExpectedStates", "Submitted"))


def test_a_message_with_the_suffix_of_the_sandbox_is_passed_on_as_it_is(play):
    message = "Hit 3HIT does not exist. (1624047673969 s)"
    found = play("GetHIT", request_for("GetHIT"), error("RequestError", message, MTURK + "HITDoesNotExist"))

    assert found.message == message


def test_what_the_gateway_says_itself_gets_the_suffix_once(play):
    found = play("GetHIT", request_for("GetHIT"), TYPES["AccessDeniedException"].error)

    assert re.fullmatch(r"The identity [^()]* \(\d{13}\)", found.message)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("It is odd. (1)", "It is odd. One is done. (1)"),
        ("It is odd (1 s)", "It is odd. One is done. (1 s)"),
        ("Why?", "Why? One is done."),
    ],
)
def test_what_had_been_done_before_an_error_is_a_sentence_of_its_own(message, told):
    error = ModernError("RequestError", message, "AWS.MechanicalTurk.Odd")
    assert legacy_fault(error, {}).message == message
    error.so_far = "One is done."
    assert legacy_fault(error, {}).message == told
