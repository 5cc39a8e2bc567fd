"""Each error that the marketplace can give: provoked through a real client, and compared whole (modern-mturk 1.3, 4).

A situation is one call that must be refused. Refused calls change nothing, so most of them are made one after another
in one world that holds something in each state. At the end the sources are searched for errors that have no situation.
"""

from __future__ import annotations

import ast
import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from botocore import xform_name

import mturk_gateway.marketplace
from marketplace.conftest import HIT_TYPE, QUESTION, SCHEMAS
from mturk_gateway import sigv4
from mturk_gateway.marketplace.requesters import get_requester, set_terms
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.publishing.hit_layouts import keep_layout
from mturk_gateway.marketplace.services.qualifying import requesting
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.marketplace.terms import Terms

CODES = frozenset(
    {
        *("HITDoesNotExist", "AssignmentDoesNotExist", "QualificationTypeDoesNotExist", "QualificationDoesNotExist"),
        *("QualificationRequestDoesNotExist", "HITLayoutDoesNotExist"),
        *("InvalidHITState", "InvalidAssignmentState", "InvalidQualificationTypeState", "InvalidQualificationState"),
        *("InvalidQualificationRequestState", "HITAlreadyPassedReview"),
        *(
            "HitAlreadyExists",
            "QualificationTypeAlreadyExists",
            "QualificationAlreadyExists",
            "AssignmentAlreadyExists",
        ),
        *("InvalidMaximumAssignmentsIncrease", "HITTooOldForExtension", "DuplicateRequest", "InsufficientFunds"),
        *("PermissionDeniedException", "DoesNotMeetRequirements", "ExceedsMaxAssignmentsPerWorker"),
        *("QualificationTypeRetryDelayNotElapsed", "QualificationTypeDoesNotAllowRetake"),
        *("XMLParseError", "XHTMLParseError", "InvalidTransportEndpoint", "InvalidParameterValue"),
    }
)
"""The catalogue of 1.3, as far as it lies under AWS.MechanicalTurk."""

FURTHER_CODES = frozenset(
    {"AWS.NotAuthorized", "AWS.BadCredentialSupplied", "AWS.BadClaimsSupplied", "AWS.MissingParameters"}
    | {"AWS.ParameterOutOfRange", "AWS.ServiceUnavailable"}
)
TYPES = frozenset(
    {"RequestError", "ParameterValidationError", "ValidationException", "ThrottlingException", "ServiceFault"}
    | {"UnrecognizedClientException", "InvalidSignatureException", "MissingAuthenticationTokenException"}
    | {"IncompleteSignatureException", "AccessDeniedException", "ExpiredTokenException"}
    | {"UnknownOperationException", "SerializationException"}
)
"""The six families of 1.3."""

MESSAGES_NEVER_GIVEN = {
    "the document holds half of a surrogate pair, which is no character": "no text with one passes the JSON reader"
}

SUFFIXED = {"RequestError", "ParameterValidationError", "ServiceFault"}
YEAR = 31_536_000
MONTH = 30 * 86_400
NOBODY = "3NOSUCH"
LOCALE = "00000000000000000071"
ADULT = "00000000000000000060"
MASTERS = {False: "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", True: "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"}
LAYOUT, BOBS_LAYOUT = "3LAYOUT", "3BOBSLAYOUT"
TARGET = "MTurkRequesterServiceV20170117.GetAccountBalance"


class Expected(NamedTuple):
    """An error. The message has no suffix; "…" in it stands for words of the parser, of which there must be some."""

    status: int
    type: str
    code: str | None
    message: str


class Situation(NamedTuple):
    """A call that is refused. "<name>" in parameters and message is that of the world; `raw` is not sent by boto3."""

    operation: str
    parameters: dict | bytes
    expected: Expected
    who: str = "alice"
    raw: bool = False


def refused(code, message):
    return Expected(400, "RequestError", f"AWS.MechanicalTurk.{code}", message)


def unacceptable(message, code="AWS.MechanicalTurk.InvalidParameterValue"):
    return Expected(400, "ParameterValidationError", code, message)


def not_valid(value, parameter):
    return unacceptable(f'The value "{value}" is not valid for the parameter {parameter}.')


def out_of_range(parameter, value, lowest, highest):
    message = f"The value {value} is invalid for {parameter}. Valid values range from {lowest} to {highest}."
    return unacceptable(message, "AWS.ParameterOutOfRange")


def too_long(parameter, size, most, unit="characters"):
    return unacceptable(
        f"The value of the parameter {parameter} is too long. It has {size} {unit}; {most} are allowed."
    )


def bad_xml(details):
    return unacceptable(
        "There was an error parsing the XML question or answer data in your request.  Please make sure the data is "
        f"well-formed and validates against the appropriate schema. Details: {details}",
        "AWS.MechanicalTurk.XMLParseError",
    )


def bad_xhtml(details):
    return unacceptable(
        "There was an error parsing the XHTML data in your request.  Please make sure the data is "
        f"well-formed and validates against the appropriate schema. Details: {details}",
        "AWS.MechanicalTurk.XHTMLParseError",
    )


def violation(*sentences):
    said = [
        f"Value {value} at '{member}' failed to satisfy constraint: Member must {must}"
        for value, member, must in sentences
    ]
    count = "1 validation error" if len(said) == 1 else f"{len(said)} validation errors"
    return Expected(400, "ValidationException", None, f"{count} detected: {'; '.join(said)}")


def not_readable(message):
    return Expected(400, "SerializationException", None, message)


def missing(kind, identifier):
    called = "Hit" if kind == "HIT" else kind
    return refused(f"{kind}DoesNotExist", f"{called} {identifier} does not exist.")


def only_in(kind, states):
    return refused(f"Invalid{kind}State", f"This operation can be called with a status of: {states}")


def hit_is(state, *allowed):
    return refused(
        "InvalidHITState",
        f"This HIT is currently in the state '{state}'.  "
        f"This operation can be called with a status of: {', '.join(allowed)}",
    )


def form(answer="<FreeTextAnswer/>", content="<Text>?</Text>", times=1):
    question = (
        f"<Question><QuestionIdentifier>q</QuestionIdentifier><QuestionContent>{content}</QuestionContent>"
        f"<AnswerSpecification>{answer}</AnswerSpecification></Question>"
    )
    return f'<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd">{question * times}</QuestionForm>'


def formatted(xhtml):
    return form(content=f"<FormattedContent><![CDATA[{xhtml}]]></FormattedContent>")


def constrained(constraint):
    return form(f"<FreeTextAnswer><Constraints>{constraint}</Constraints></FreeTextAnswer>")


def choosing(*identifiers, counts=""):
    choices = "".join(
        f"<Selection><SelectionIdentifier>{name}</SelectionIdentifier><Text>?</Text></Selection>"
        for name in identifiers
    )
    return form(f"<SelectionAnswer>{counts}<Selections>{choices}</Selections></SelectionAnswer>")


def uploading(smallest, largest):
    return form(
        f"<FileUploadAnswer><MaxFileSizeInBytes>{largest}</MaxFileSizeInBytes>"
        f"<MinFileSizeInBytes>{smallest}</MinFileSizeInBytes></FileUploadAnswer>"
    )


def key(mapping="", times=1):
    question = (
        "<Question><QuestionIdentifier>q</QuestionIdentifier><AnswerOption><SelectionIdentifier>a"
        "</SelectionIdentifier><AnswerScore>1</AnswerScore></AnswerOption></Question>"
    )
    mapped = f"<QualificationValueMapping>{mapping}</QualificationValueMapping>" if mapping else ""
    return f'<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd">{question * times}{mapped}</AnswerKey>'


HTML = (
    f'<HTMLQuestion xmlns="{SCHEMAS}/2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[<p>?</p>]]></HTMLContent>'
    "<FrameHeight>0</FrameHeight></HTMLQuestion>"
)
RANGE = (
    "<RangeMapping><SummedScoreRange><InclusiveLowerBound>2</InclusiveLowerBound><InclusiveUpperBound>1"
    "</InclusiveUpperBound><QualificationValue>1</QualificationValue></SummedScoreRange>"
    "<OutOfRangeQualificationValue>0</OutOfRangeQualificationValue></RangeMapping>"
)
NOT_A_QUESTION = "ExternalQuestion, HTMLQuestion, QuestionForm"

HIT = {**HIT_TYPE, "LifetimeInSeconds": 3600, "Question": QUESTION}
OF_TYPE = {"HITTypeId": "<hit_type>", "LifetimeInSeconds": 3600, "Question": QUESTION}
FROM_LAYOUT = {**HIT_TYPE, "LifetimeInSeconds": 3600, "HITLayoutId": LAYOUT}
KIND = {"Name": "New", "Description": "D", "QualificationTypeStatus": "Active"}
BONUS = {"WorkerId": "A1WORKER", "BonusAmount": "0.05", "AssignmentId": "<submitted>", "Reason": "R"}
MESSAGE = {"Subject": "S", "MessageText": "T", "WorkerIds": ["A1WORKER"]}
SETTINGS = {
    "Destination": "https://example.org/",
    "Transport": "SNS",
    "Version": "2014-08-15",
    "EventTypes": ["HITExpired"],
}
TESTED = {"Test": form(), "TestDurationInSeconds": 60}

NOT_OFFERED = Expected(
    400, "UnknownOperationException", None, "The requested operation is not offered by this service."
)

SITUATIONS: dict[str, Situation] = {}


def add(operation, what, parameters, expected, **options):
    name = f"{operation}: {what}"
    assert name not in SITUATIONS, name
    SITUATIONS[name] = Situation(operation, parameters, expected, **options)


# What does not exist, or belongs to bob.

for operation, others in {
    "GetHIT": {},
    "DeleteHIT": {},
    "ListAssignmentsForHIT": {},
    "ListBonusPayments": {},
    "ListReviewPolicyResultsForHIT": {},
    "UpdateHITReviewStatus": {},
    "UpdateExpirationForHIT": {"ExpireAt": 0},
    "UpdateHITTypeOfHIT": {"HITTypeId": "<hit_type>"},
    "CreateAdditionalAssignmentsForHIT": {"NumberOfAdditionalAssignments": 1},
}.items():
    for identifier in (NOBODY, "<bobs_hit>"):
        add(operation, f"HIT {identifier}", {"HITId": identifier, **others}, missing("HIT", identifier))

for operation, others in {
    "GetAssignment": {},
    "ApproveAssignment": {},
    "RejectAssignment": {"RequesterFeedback": ""},
    "ListBonusPayments": {},
    "SendBonus": {"WorkerId": "A1WORKER", "BonusAmount": "1", "Reason": "R"},
    "GetFileUploadURL": {"QuestionIdentifier": "q"},
}.items():
    for identifier in (NOBODY, "<bobs_work>", "<returned>", "<abandoned>"):
        add(
            operation,
            f"assignment {identifier}",
            {"AssignmentId": identifier, **others},
            missing("Assignment", identifier),
        )

OF_OWN_TYPES = {
    "UpdateQualificationType": {},
    "DeleteQualificationType": {},
    "ListWorkersWithQualificationType": {},
    "ListQualificationRequests": {},
    "AssociateQualificationWithWorker": {"WorkerId": "A1WORKER"},
    "DisassociateQualificationFromWorker": {"WorkerId": "A1WORKER"},
}
OF_TYPES = {
    **OF_OWN_TYPES,
    "GetQualificationType": {},
    "ListHITsForQualificationType": {},
    "GetQualificationScore": {"WorkerId": "A1WORKER"},
}
for operation, others in OF_TYPES.items():
    own = (ADULT,) if operation in OF_OWN_TYPES else ()
    for identifier in (NOBODY, "<bobs_kind>", "<masters_elsewhere>", *own):
        add(
            operation,
            f"type {identifier}",
            {"QualificationTypeId": identifier, **others},
            missing("QualificationType", identifier),
        )
    add(
        operation,
        "type <deleted>",
        {"QualificationTypeId": "<deleted>", **others},
        only_in("QualificationType", "Active,Inactive"),
    )

for operation in ("AcceptQualificationRequest", "RejectQualificationRequest"):
    for identifier in ("no such/id", "<bobs_request>", "<testing>"):
        add(
            operation,
            f"request {identifier}",
            {"QualificationRequestId": identifier},
            missing("QualificationRequest", identifier),
        )
    for identifier in ("<accepted>", "<turned_down>", "<at_once>"):
        add(
            operation,
            f"request {identifier}",
            {"QualificationRequestId": identifier},
            only_in("QualificationRequest", "Submitted"),
        )

for operation, parameters in {
    "CreateHITWithHITType": OF_TYPE,
    "UpdateHITTypeOfHIT": {"HITId": "<hit>"},
    "UpdateNotificationSettings": {"Active": True},
}.items():
    for identifier in (NOBODY, "<bobs_hit_type>", "<deleted_hit_type>"):
        add(
            operation,
            f"HIT type {identifier}",
            {**parameters, "HITTypeId": identifier},
            not_valid(identifier, "HITTypeId"),
        )

for identifier in (NOBODY, BOBS_LAYOUT):
    for operation, parameters in (("CreateHIT", HIT_TYPE), ("CreateHITWithHITType", {"HITTypeId": "<hit_type>"})):
        add(
            operation,
            f"layout {identifier}",
            {**parameters, "LifetimeInSeconds": 3600, "HITLayoutId": identifier},
            missing("HITLayout", identifier),
        )

for worker, expected in {
    "A2WORKER": only_in("Qualification", "Granted"),
    "A3WORKER": refused("QualificationDoesNotExist", "You requested a Qualification that does not exist."),
}.items():
    for operation in ("GetQualificationScore", "DisassociateQualificationFromWorker"):
        parameters = {"QualificationTypeId": "<kind>", "WorkerId": worker}
        add(operation, f"of {worker}", parameters, expected)
add(
    "GetQualificationScore",
    "of Amazon's own types",
    {"QualificationTypeId": ADULT, "WorkerId": "A1WORKER"},
    refused("QualificationDoesNotExist", "You requested a Qualification that does not exist."),
)
add(
    "ListBonusPayments",
    "assignment of another HIT",
    {"HITId": "<hit>", "AssignmentId": "<submitted>"},
    missing("Assignment", "<submitted>"),
)
add("ListBonusPayments", "of nothing", {}, unacceptable("One of the parameters HITId and AssignmentId must be given."))
add(
    "GetFileUploadURL",
    "question without a file",
    {"AssignmentId": "<submitted>", "QuestionIdentifier": "photo"},
    not_valid("photo", "QuestionIdentifier"),
)

# HITs and their states.

for state in ("Assignable", "Unassignable", "Reviewable", "Reviewing", "Disposed"):
    add("DeleteHIT", state, {"HITId": f"<{state}>"}, hit_is(state, "Reviewing", "Reviewable"))
    if state != "Reviewable":
        parameters = {"HITId": f"<{state}>"}
        add("UpdateHITReviewStatus", state, parameters, hit_is(state, "Reviewable"))
    if state != "Reviewing":
        parameters = {"HITId": f"<{state}>", "Revert": True}
        add("UpdateHITReviewStatus", f"{state}, back", parameters, hit_is(state, "Reviewing"))

for operation, others in {
    "UpdateExpirationForHIT": {"ExpireAt": "<long_after_its_end>"},
    "UpdateHITTypeOfHIT": {"HITTypeId": "<hit_type>"},
    "CreateAdditionalAssignmentsForHIT": {"NumberOfAdditionalAssignments": 1},
}.items():
    add(
        operation,
        "Disposed",
        {"HITId": "<Disposed>", **others},
        hit_is("Disposed", "Assignable", "Unassignable", "Reviewable", "Reviewing"),
    )

add(
    "UpdateHITTypeOfHIT",
    "another reward",
    {"HITId": "<hit>", "HITTypeId": "<dear_hit_type>"},
    refused("InvalidParameterValue", "The new HITType must have the same Reward as the HIT."),
)
# An expired HIT is extended from now on, any other from its expiration.
for name, hit, moment, increment in (
    ("earlier", "<hit>", "<long_before_its_end>", -380_572),
    ("too little later", "<hit>", "<just_after_its_end>", 59),
    ("too much later", "<hit>", "<long_after_its_end>", YEAR + 1),
    ("too little later, expired", "<expired>", "<soon>", 59),
):
    add(
        "UpdateExpirationForHIT",
        name,
        {"HITId": hit, "ExpireAt": moment},
        out_of_range("ExpirationIncrementInSeconds", increment, 60, YEAR),
    )
for number, name, shown in (
    (0, "NumberOfAdditionalAssignments", 0),
    (-1, "NumberOfAdditionalAssignments", -1),
    (10**9, "MaxAssignments", 10**9 + 1),
):
    add(
        "CreateAdditionalAssignmentsForHIT",
        f"{number}",
        {"HITId": "<hit>", "NumberOfAdditionalAssignments": number},
        out_of_range(name, shown, 1, 10**9),
    )
for number in (1, 100):
    add(
        "CreateAdditionalAssignmentsForHIT",
        f"nine and {number}",
        {"HITId": "<of_nine>", "NumberOfAdditionalAssignments": number},
        refused(
            "InvalidMaximumAssignmentsIncrease",
            "A HIT that was created with fewer than 10 assignments cannot be extended to 10 or more.",
        ),
    )

# Assignments and their states.

for operation, others in {"ApproveAssignment": {}, "RejectAssignment": {"RequesterFeedback": "F"}}.items():
    for state in ("held", "approved", "rejected"):
        add(operation, state, {"AssignmentId": f"<{state}>", **others}, only_in("Assignment", "Submitted"))
for state in ("held", "approved", "rejected_long_ago", "rejected_and_disposed"):
    add(
        "ApproveAssignment",
        f"{state}, with OverrideRejection",
        {"AssignmentId": f"<{state}>", "OverrideRejection": True},
        only_in("Assignment", "Submitted"),
    )
for operation, others in {"GetAssignment": {}, "GetFileUploadURL": {"QuestionIdentifier": "q"}}.items():
    add(operation, "held", {"AssignmentId": "<held>", **others}, only_in("Assignment", "Reviewable,Approved,Rejected"))
for operation, parameters in {"SendBonus": BONUS, "ListBonusPayments": {}}.items():
    add(operation, "held", {**parameters, "AssignmentId": "<held>"}, missing("Assignment", "<held>"))
for worker in ("A3WORKER", "ANOBODY"):
    add("SendBonus", f"to {worker}", {**BONUS, "WorkerId": worker}, not_valid(worker, "WorkerId"))

# Money, tokens, duplicates.

for name, operation, parameters in (
    ("a reward with its fee", "CreateHIT", HIT),
    ("a reward with its fee", "CreateHITWithHITType", {**OF_TYPE, "HITTypeId": "<poor_hit_type>"}),
    (
        "another reward",
        "CreateAdditionalAssignmentsForHIT",
        {"HITId": "<poor_hit>", "NumberOfAdditionalAssignments": 1},
    ),
    ("a bonus with its fee", "SendBonus", {**BONUS, "AssignmentId": "<poor_work>"}),
    ("a reward taken back", "ApproveAssignment", {"AssignmentId": "<poor_work>", "OverrideRejection": True}),
):
    add(
        operation,
        f"no money for {name}",
        parameters,
        refused(
            "InsufficientFunds",
            "This Requester has insufficient funds in their account to complete this transaction. "
            "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs.",
        ),
        who="poor",
    )
for operation, parameters in {
    "CreateHIT": {**HIT, "Reward": "9" * 15},
    "SendBonus": {**BONUS, "BonusAmount": "9" * 15},
}.items():
    add(operation, "too much", parameters, unacceptable("The amount of money is too large."))
for amount in ("0", "0.00", "0."):
    add(
        "SendBonus",
        amount,
        {**BONUS, "BonusAmount": amount},
        unacceptable("The value of the parameter BonusAmount must be greater than 0."),
    )
for operation, parameters in {"CreateHIT": HIT, "CreateHITWithHITType": OF_TYPE}.items():
    for token, hit in (("first", "<made_first>"), ("second", "<made_second>")):
        add(
            operation,
            f"token {token}",
            {**parameters, "UniqueRequestToken": token},
            refused("HitAlreadyExists", f'The HIT with ID "{hit}" already exists.'),
        )
for operation, parameters, request in (
    ("SendBonus", BONUS, "<bonus_request>"),
    (
        "CreateAdditionalAssignmentsForHIT",
        {"HITId": "<of_nine>", "NumberOfAdditionalAssignments": 1},
        "<growth_request>",
    ),
):
    add(
        operation,
        "used token",
        {**parameters, "UniqueRequestToken": "first"},
        refused(
            "DuplicateRequest",
            f'The request with the UniqueRequestToken "first" has already been carried out. RequestId: {request}',
        ),
    )
add(
    "CreateQualificationType",
    "name",
    {**KIND, "Name": "Careful"},
    refused(
        "QualificationTypeAlreadyExists",
        "You have already created a QualificationType with this name. A QualificationType's name must be unique among "
        "all of the QualificationTypes created by the same user.",
    ),
)
add(
    "CreateWorkerBlock",
    "too many",
    {"WorkerId": "ANEW", "Reason": "R"},
    refused("InvalidParameterValue", "At most 100000 Workers can be blocked."),
    who="strict",
)

# Ranges and lengths.

TYPE_RANGES = {"AssignmentDurationInSeconds": (30, YEAR), "AutoApprovalDelayInSeconds": (0, MONTH)}
HIT_RANGES = {"LifetimeInSeconds": (30, YEAR), "MaxAssignments": (1, 10**9)}
TEST_RANGES = {"RetryDelayInSeconds": (0, 2**31 - 1), "TestDurationInSeconds": (1, YEAR)}
TYPE_LENGTHS = {"Title": 128, "Description": 2000, "Keywords": 1000}

for operation, parameters, ranges, lengths in (
    ("CreateHITType", HIT_TYPE, TYPE_RANGES, TYPE_LENGTHS),
    ("CreateHIT", HIT, {**TYPE_RANGES, **HIT_RANGES}, {**TYPE_LENGTHS, "RequesterAnnotation": 255}),
    ("CreateHITWithHITType", OF_TYPE, HIT_RANGES, {"RequesterAnnotation": 255}),
    ("CreateQualificationType", KIND, TEST_RANGES, {"Description": 2000, "Keywords": 1000}),
    ("UpdateQualificationType", {"QualificationTypeId": "<kind>"}, TEST_RANGES, {"Description": 2000}),
):
    for name, (lowest, highest) in ranges.items():
        for value in (lowest - 1, highest + 1):
            expected = out_of_range(name, value, lowest, highest)
            add(operation, f"{name} {value}", {**parameters, name: value}, expected)
    for name, most in lengths.items():
        expected = too_long(name, most + 1, most)
        add(operation, f"{name} too long", {**parameters, name: "é" * (most + 1)}, expected)

for name, value, expected in (
    ("Subject", "é" * 201, too_long("Subject", 201, 200)),
    ("MessageText", "é" * 4097, too_long("MessageText", 4097, 4096)),
    ("WorkerIds", [f"A{number}" for number in range(101)], too_long("WorkerIds", 101, 100, "values")),
):
    add("NotifyWorkers", f"{name} too long", {**MESSAGE, name: value}, expected)

# Page tokens.

for operation, parameters in {
    "ListHITs": {},
    "ListReviewableHITs": {},
    "ListHITsForQualificationType": {"QualificationTypeId": "<kind>"},
    "ListAssignmentsForHIT": {"HITId": "<hit>"},
    "ListBonusPayments": {"HITId": "<hit>"},
    "ListQualificationTypes": {"MustBeRequestable": True},
    "ListQualificationRequests": {},
    "ListWorkersWithQualificationType": {"QualificationTypeId": "<kind>"},
    "ListWorkerBlocks": {},
    "ListReviewPolicyResultsForHIT": {"HITId": "<hit>"},
}.items():
    # The good ones are for lists of other operations, filters or requesters.
    for token in ("p1:forged", "<other_token>", "<bobs_token>"):
        add(
            operation,
            f"token {token}",
            {**parameters, "NextToken": token},
            refused("InvalidParameterValue", "The value of the parameter NextToken is not valid."),
        )

# Questions, tests and answer keys.

for operation, parameters in {"CreateHIT": HIT_TYPE, "CreateHITWithHITType": {"HITTypeId": "<hit_type>"}}.items():
    for name, both in {"both": {"Question": QUESTION, "HITLayoutId": LAYOUT}, "neither": {}}.items():
        add(
            operation,
            f"{name} of question and layout",
            {**parameters, "LifetimeInSeconds": 3600, **both},
            unacceptable("Exactly one of the parameters Question and HITLayoutId must be given."),
        )
add(
    "CreateHIT",
    "a value of a layout twice",
    {**FROM_LAYOUT, "HITLayoutParameters": [{"Name": "who", "Value": value} for value in "ab"]},
    unacceptable("The HITLayoutParameter who is given more than once."),
)
for name, value, details in (
    ("long", "x" * 65_536, "the layout has 65543 characters with its values; 65535 bytes are allowed"),
    ("not XML", "\x01", "…"),
):
    add(
        "CreateHIT",
        f"a {name} value of a layout",
        {**FROM_LAYOUT, "HITLayoutParameters": [{"Name": "who", "Value": value}]},
        bad_xml(details),
    )

OF_FORMS = {
    "not XML": ("no markup", bad_xml("…")),
    "not closed": (form()[:-1], bad_xml("…")),
    "document type": ("<!DOCTYPE x><x/>", bad_xml("a document type declaration is not allowed")),
    "against the schema": (form(answer="<FreeText/>"), bad_xml("…")),
    "too long": (form() + "\n" * 65_536, bad_xml(f"the document has {len(form()) + 65_536} bytes; 65535 are allowed")),
    "same question": (form(times=2), bad_xml("the QuestionIdentifier 'q' is not unique")),
    "same choice": (choosing("a", "a"), bad_xml("the SelectionIdentifier 'a' is not unique")),
    "crossed values": (
        constrained('<IsNumeric minValue="2" maxValue="1"/>'),
        bad_xml("of minValue and maxValue, 2 is greater than 1"),
    ),
    "crossed lengths": (
        constrained('<Length minLength="2" maxLength="1"/>'),
        bad_xml("of minLength and maxLength, 2 is greater than 1"),
    ),
    "crossed counts": (
        choosing(
            *("a", "b"), counts="<MinSelectionCount>2</MinSelectionCount><MaxSelectionCount>1</MaxSelectionCount>"
        ),
        bad_xml("of MinSelectionCount and MaxSelectionCount, 2 is greater than 1"),
    ),
    "crossed sizes": (uploading(2, 1), bad_xml("of MinFileSizeInBytes and MaxFileSizeInBytes, 2 is greater than 1")),
    "XHTML not closed": (formatted("<p>"), bad_xhtml("…")),
    "XHTML with a script": (
        formatted("<script></script>"),
        bad_xhtml("the element script is not allowed in FormattedContent"),
    ),
}
QUESTIONS = {
    **OF_FORMS,
    "unknown root": (
        "<x xmlns='y'/>",
        bad_xml(f"the root element x in the namespace 'y' is not one of: {NOT_A_QUESTION}"),
    ),
    "no address": (
        QUESTION.replace("https://example.org", "example.org"),
        bad_xml("the ExternalURL 'example.org/?a=1&b=2' is not an absolute http or https address"),
    ),
}
TESTS = {
    **OF_FORMS,
    "page elsewhere": (
        QUESTION,
        bad_xml(
            "the root element ExternalQuestion in the namespace "
            f"'{SCHEMAS}/2006-07-14/ExternalQuestion.xsd' is not one of: QuestionForm"
        ),
    ),
    "page": (
        HTML,
        bad_xml(
            f"the root element HTMLQuestion in the namespace '{SCHEMAS}/2011-11-11/HTMLQuestion.xsd' "
            "is not one of: QuestionForm"
        ),
    ),
    "file": (uploading(1, 2), bad_xml("a qualification test may not hold a FileUploadAnswer")),
}
KEYS = {
    "not XML": ("no markup", bad_xml("…")),
    "against the schema": (key().replace("AnswerScore", "Score"), bad_xml("…")),
    "too long": (key() + "\n" * 65_536, bad_xml(f"the document has {len(key()) + 65_536} bytes; 65535 are allowed")),
    "unknown root": ("<x/>", bad_xml("the root element x in the namespace '' is not one of: AnswerKey")),
    "same question": (key(times=2), bad_xml("the QuestionIdentifier 'q' is not unique")),
    "infinite": (
        key("<ScaleMapping><SummedScoreMultiplier>INF</SummedScoreMultiplier></ScaleMapping>"),
        bad_xml("the SummedScoreMultiplier is not a finite number"),
    ),
    "crossed bounds": (key(RANGE), bad_xml("of InclusiveLowerBound and InclusiveUpperBound, 2 is greater than 1")),
}
for operation, parameters, documents in (
    ("CreateHIT", HIT, {"Question": QUESTIONS}),
    ("CreateHITWithHITType", OF_TYPE, {"Question": QUESTIONS}),
    ("CreateQualificationType", {**KIND, **TESTED}, {"Test": TESTS, "AnswerKey": KEYS}),
    ("UpdateQualificationType", {"QualificationTypeId": "<kind>", **TESTED}, {"Test": TESTS, "AnswerKey": KEYS}),
):
    for member, wrong in documents.items():
        for name, (document, expected) in wrong.items():
            add(operation, f"{member}, {name}", {**parameters, member: document}, expected)

# Qualification types.

for operation, parameters in {
    "CreateQualificationType": KIND,
    "UpdateQualificationType": {"QualificationTypeId": "<kind>"},
}.items():
    for name, given, message in (
        ("Test alone", {"Test": form()}, "The parameter TestDurationInSeconds is required when Test is given."),
        ("AnswerKey alone", {"AnswerKey": key()}, "The parameter AnswerKey can only be given together with Test."),
        (
            "both Test and AutoGranted",
            {**TESTED, "AutoGranted": True},
            "A QualificationType with a Test cannot be AutoGranted.",
        ),
    ):
        add(operation, name, {**parameters, **given}, unacceptable(message))
for name, given, message in (
    (
        "TestDurationInSeconds alone",
        {"TestDurationInSeconds": 60},
        "The parameter TestDurationInSeconds can only be changed together with Test.",
    ),
    ("AutoGranted of a tested one", {"AutoGranted": True}, "A QualificationType with a Test cannot be AutoGranted."),
):
    add("UpdateQualificationType", name, {"QualificationTypeId": "<tested>", **given}, unacceptable(message))

# Qualification requirements.


def required(kind="<kind>", comparator="Exists", **values):
    return {"QualificationTypeId": kind, "Comparator": comparator, **values}


US = {"Country": "US"}
REQUIREMENTS = {
    "eleven": ([required()] * 11, unacceptable("A HIT type can have at most 10 qualification requirements.")),
    "long id": ([required("é" * 128)], unacceptable("A QualificationTypeId can have at most 255 bytes.")),
    "values for Exists": (
        [required(IntegerValues=[1])],
        unacceptable("The comparator Exists takes neither IntegerValues nor LocaleValues."),
    ),
    "locales for DoesNotExist": (
        [required(comparator="DoesNotExist", LocaleValues=[US])],
        unacceptable("The comparator DoesNotExist takes neither IntegerValues nor LocaleValues."),
    ),
    "order of locales": (
        [required(LOCALE, "LessThan", LocaleValues=[US])],
        unacceptable("The comparator LessThan cannot be used with LocaleValues."),
    ),
    "two locales": (
        [required(LOCALE, "EqualTo", LocaleValues=[US, US])],
        unacceptable("The comparator EqualTo takes exactly one of LocaleValues."),
    ),
    "31 locales": (
        [required(LOCALE, "In", LocaleValues=[US] * 31)],
        unacceptable("The comparator In takes from 1 to 30 LocaleValues."),
    ),
    "number and locale": (
        [required(LOCALE, "In", LocaleValues=[US], IntegerValues=[1])],
        unacceptable("IntegerValues cannot be used with the qualification type of locales."),
    ),
    "locale elsewhere": (
        [required(comparator="In", LocaleValues=[US])],
        unacceptable(f"LocaleValues can only be used with the qualification type {LOCALE}."),
    ),
    "no number": (
        [required(comparator="GreaterThan")],
        unacceptable("The comparator GreaterThan takes exactly one of IntegerValues."),
    ),
    "two numbers": (
        [required(comparator="NotEqualTo", IntegerValues=[1, 2])],
        unacceptable("The comparator NotEqualTo takes exactly one of IntegerValues."),
    ),
    "16 numbers": (
        [required(comparator="NotIn", IntegerValues=[1] * 16)],
        unacceptable("The comparator NotIn takes from 1 to 15 IntegerValues."),
    ),
    "unknown": ([required(NOBODY)], missing("QualificationType", NOBODY)),
    "bob's": ([required("<bobs_kind>")], missing("QualificationType", "<bobs_kind>")),
    "of the other realm": ([required("<masters_elsewhere>")], missing("QualificationType", "<masters_elsewhere>")),
    "inactive": ([required("<inactive>")], only_in("QualificationType", "Active")),
    "deleted": ([required("<deleted>")], only_in("QualificationType", "Active,Inactive")),
}
for operation, parameters in {"CreateHITType": HIT_TYPE, "CreateHIT": HIT}.items():
    for name, (requirements, expected) in REQUIREMENTS.items():
        add(operation, f"requirement, {name}", {**parameters, "QualificationRequirements": requirements}, expected)

# Review policies.

KNOWN, PLURALITY = "ScoreMyKnownAnswers/2011-09-01", "SimplePlurality/2011-09-01"
ANSWERS = {"Key": "AnswerKey", "MapEntries": [{"Key": "q", "Values": ["1"]}]}


def known(*parameters, name=KNOWN, answers=ANSWERS):
    return {"AssignmentReviewPolicy": {"PolicyName": name, "Parameters": [answers, *parameters]}}


def plurality(questions="q", name=PLURALITY, **others):
    needed = {"QuestionIds": questions, "QuestionAgreementThreshold": "50", "DisregardAssignmentIfRejected": "F"}
    parameters = [values(key, value) for key, value in {**needed, **others}.items() if value is not None]
    return {"HITReviewPolicy": {"PolicyName": name, "Parameters": parameters}}


def values(name, *given):
    return {"Key": name, "Values": list(given)}


POLICIES = {
    "unknown": (known(name="Mine"), not_valid("Mine", "AssignmentReviewPolicy")),
    "of a HIT for assignments": (known(name=PLURALITY), not_valid(PLURALITY, "AssignmentReviewPolicy")),
    "of assignments for a HIT": (plurality(name=KNOWN), not_valid(KNOWN, "HITReviewPolicy")),
    "unknown parameter": (
        known(values("Mine", "1")),
        unacceptable(f'The review policy {KNOWN} has no parameter "Mine".'),
    ),
    "parameter twice": (
        known(ANSWERS),
        unacceptable(f"The parameter AnswerKey of the review policy {KNOWN} is given twice."),
    ),
    "no map": (
        known(answers=values("AnswerKey", "1")),
        unacceptable("The parameter AnswerKey takes MapEntries, each with a Key of its own."),
    ),
    "map": (
        known({**ANSWERS, "Key": "ApproveReason"}),
        unacceptable("The parameter ApproveReason takes Values, and no MapEntries."),
    ),
    "two values": (
        known(values("RejectReason", "a", "b")),
        unacceptable("The parameter RejectReason takes one value."),
    ),
    "too long": (
        known(values("RejectReason", "x" * 65_536)),
        unacceptable(f"The review policy {KNOWN} is too long; 65535 bytes of JSON are allowed."),
    ),
    "no number": (plurality(QuestionAgreementThreshold="half"), not_valid("half", "QuestionAgreementThreshold")),
    "neither T nor F": (plurality(DisregardAssignmentIfRejected="0"), not_valid("0", "DisregardAssignmentIfRejected")),
    "no question": (plurality(" , "), unacceptable("The parameter QuestionIds must name a question.")),
    "without AnswerKey": (
        known(answers=values("ApproveReason", "a")),
        unacceptable(f"The review policy {KNOWN} needs the parameter AnswerKey."),
    ),
    **{
        f"without {name}": (
            plurality(**{name: None}),
            unacceptable(f"The review policy {PLURALITY} needs the parameter {name}."),
        )
        for name in ("QuestionAgreementThreshold", "DisregardAssignmentIfRejected")
    },
    **{
        f"extension without {name}": (
            plurality(
                ExtendIfHITAgreementScoreIsLessThan="50",
                **{"ExtendMaximumAssignments": "3", "ExtendMinimumTimeInSeconds": "60", name: None},
            ),
            unacceptable(f"The review policy {PLURALITY} needs the parameter {name}."),
        )
        for name in ("ExtendMaximumAssignments", "ExtendMinimumTimeInSeconds")
    },
    **{
        f"{name} {value}": (known(values(name, str(value))), out_of_range(name, value, lowest, highest))
        for name, lowest, highest in (
            ("ApproveIfKnownAnswerScoreIsAtLeast", 0, 101),
            ("RejectIfKnownAnswerScoreIsLessThan", 0, 101),
            ("ExtendIfKnownAnswerScoreIsLessThan", 0, 101),
            ("ExtendMaximumAssignments", 2, 25),
            ("ExtendMinimumTimeInSeconds", 60, YEAR),
        )
        for value in (lowest - 1, highest + 1)
    },
    **{
        f"ExtendIfHITAgreementScoreIsLessThan {value}": (
            plurality(
                ExtendIfHITAgreementScoreIsLessThan=str(value),
                ExtendMaximumAssignments="3",
                ExtendMinimumTimeInSeconds="60",
            ),
            out_of_range("ExtendIfHITAgreementScoreIsLessThan", value, 1, 100),
        )
        for value in (0, 101)
    },
}
for operation, parameters in {"CreateHIT": HIT, "CreateHITWithHITType": OF_TYPE}.items():
    for name, (policy, expected) in POLICIES.items():
        add(operation, f"review policy, {name}", {**parameters, **policy}, expected)

# Notifications.

add(
    "UpdateNotificationSettings",
    "nothing",
    {"HITTypeId": "<hit_type>"},
    unacceptable("At least one of the parameters Notification and Active must be given."),
)
add(
    "UpdateNotificationSettings",
    "Active without settings",
    {"HITTypeId": "<hit_type>", "Active": True},
    unacceptable("The parameter Active needs a Notification, which this HIT type does not have yet."),
)
add(
    "UpdateNotificationSettings",
    "Ping",
    {"HITTypeId": "<hit_type>", "Notification": {**SETTINGS, "EventTypes": ["Ping"]}},
    not_valid("Ping", "EventTypes"),
)
for operation, parameters in {
    "UpdateNotificationSettings": {"HITTypeId": "<hit_type>"},
    "SendTestEventNotification": {"TestEventType": "Ping"},
}.items():
    for name, value, expected in (
        ("Version", "2006-05-04", not_valid("2006-05-04", "Version")),
        ("EventTypes", [], unacceptable("The parameter EventTypes must have at least one value.")),
    ):
        add(operation, name, {**parameters, "Notification": {**SETTINGS, name: value}}, expected)
for transport in ("Email", "SQS", "SNS"):
    add(
        "SendTestEventNotification",
        f"{transport} to nowhere",
        {"Notification": {**SETTINGS, "Transport": transport, "Destination": "nowhere"}, "TestEventType": "Ping"},
        refused(
            "InvalidTransportEndpoint", f'The destination "nowhere" cannot be used with the transport {transport}.'
        ),
    )

# The service model. Every member of it is violated in test_model_inputs; here stands one of each kind.

WORKER_FORM = "satisfy regular expression pattern: ^A[A-Z0-9]+$"
for operation, parameters, sentence in (
    (
        "SendBonus",
        {**BONUS, "BonusAmount": "0.9752"},
        ("'0.9752'", "bonusAmount", r"satisfy regular expression pattern: ^[0-9]+(\.)?[0-9]{0,2}$"),
    ),
    ("GetHIT", {"HITId": "3hit"}, ("'3hit'", "hITId", "satisfy regular expression pattern: ^[A-Z0-9]+$")),
    ("GetHIT", {"HITId": "3" * 65}, (f"'{'3' * 65}'", "hITId", "have length less than or equal to 64")),
    ("ListHITs", {"MaxResults": 101}, ("'101'", "maxResults", "have value less than or equal to 100")),
    ("CreateWorkerBlock", {"WorkerId": "worker", "Reason": "R"}, ("'worker'", "workerId", WORKER_FORM)),
    ("DeleteWorkerBlock", {"WorkerId": "worker"}, ("'worker'", "workerId", WORKER_FORM)),
    ("NotifyWorkers", {**MESSAGE, "WorkerIds": ["A1", "a2"]}, ("'a2'", "workerIds.2.member", WORKER_FORM)),
    ("ListReviewableHITs", {"Status": "Both"}, ("'Both'", "status", "satisfy enum value set: [Reviewable, Reviewing]")),
    (
        "ListAssignmentsForHIT",
        {"HITId": "<hit>", "AssignmentStatuses": ["Accepted"]},
        ("'Accepted'", "assignmentStatuses.1.member", "satisfy enum value set: [Submitted, Approved, Rejected]"),
    ),
    (
        "CreateHIT",
        {**HIT, "UniqueRequestToken": "t" * 65},
        (f"'{'t' * 65}'", "uniqueRequestToken", "have length less than or equal to 64"),
    ),
):
    add(operation, f"{sentence[1]} that must {sentence[2][:24]}", parameters, violation(sentence))
add(
    "CreateQualificationType",
    "three violations",
    {"Name": None, "QualificationTypeStatus": "Off"},
    violation(
        ("null", "name", "not be null"),
        ("null", "description", "not be null"),
        ("'Off'", "qualificationTypeStatus", "satisfy enum value set: [Active, Inactive]"),
    ),
    raw=True,
)
for operation, parameters, sentence in (
    ("SendBonus", {**BONUS, "Reason": None}, ("null", "reason", "not be null")),
    ("RejectAssignment", {"AssignmentId": "<submitted>"}, ("null", "requesterFeedback", "not be null")),
    ("ListHITs", {"MaxResults": 0}, ("'0'", "maxResults", "have value greater than or equal to 1")),
    ("ListHITs", {"NextToken": ""}, ("''", "nextToken", "have length greater than or equal to 1")),
):
    add(operation, f"{sentence[1]} that must {sentence[2]}", parameters, violation(sentence), raw=True)

# What is not JSON, or of another type.

for body, message in {
    b"{": "The body is not a JSON document",
    b"\xff": "The body is not a JSON document",
    b'{"MaxResults": NaN}': "The body is not a JSON document",
    b"[" * 100_000: "The body is not a JSON document",
    b"[]": "Unexpected field type",
    b'{"NextToken": "\\ud800"}': "A string contains a character that cannot be stored",
    b'{"NextToken": "\\u0000"}': "A string contains a character that cannot be stored",
    b'{"NextToken": 1}': "NUMBER_VALUE can not be converted to String",
    b'{"NextToken": {}}': "Start of structure or map found where not expected.",
    b'{"NextToken": []}': "Start of list found where not expected",
    b'{"MaxResults": "1"}': "STRING_VALUE can not be converted to Integer",
    b'{"MaxResults": true}': "TRUE_VALUE can not be converted to Integer",
    b'{"MaxResults": false}': "FALSE_VALUE can not be converted to Integer",
    b'{"MaxResults": 2147483648}': "NUMBER_VALUE can not be converted to Integer",
}.items():
    add("ListHITs", repr(body[:40]), body, not_readable(message), raw=True)
for operation, parameters, message in (
    ("CreateHIT", {**HIT, "LifetimeInSeconds": "1"}, "STRING_VALUE can not be converted to Long"),
    ("CreateHIT", {**HIT, "HITLayoutParameters": "a"}, "Unexpected field type"),
    ("UpdateHITReviewStatus", {"HITId": "<hit>", "Revert": 1}, "NUMBER_VALUE can not be converted to Boolean"),
    (
        "UpdateExpirationForHIT",
        {"HITId": "<hit>", "ExpireAt": "soon"},
        "STRING_VALUE can not be converted to Timestamp",
    ),
):
    add(operation, message, parameters, not_readable(message), raw=True)

for operation in ("GetReviewableHITs", "getHIT", ""):
    add(
        operation,
        "not offered",
        {},
        NOT_OFFERED,
        raw=True,
    )
add(
    "ListHITs",
    "a body that is too long",
    b" " * 1_048_577,
    Expected(413, "SerializationException", None, "The body may have at most 1048576 bytes."),
    raw=True,
)


class Player:
    """Makes calls that must fail, for requesters of one realm, and gives each error in the form of the table."""

    def __init__(self, house, failure, *, sandbox):
        self.house = house
        self.failure = failure
        self.sandbox = sandbox
        self.clients = {}

    def client(self, who):
        if who not in self.clients:
            self.clients[who] = self.house.client(who, sandbox=self.sandbox)
        return self.clients[who]

    def play(self, situation, names):
        parameters = filled(situation.parameters, names)
        if situation.raw:
            self.client(situation.who)
            return outcome(self.house.post(situation.operation, parameters, name=situation.who))
        call = getattr(self.client(situation.who), xform_name(situation.operation))
        try:
            found = self.failure(call, **parameters)
        except pytest.fail.Exception:
            # Told with all others in the end, by name.
            return ("no error",)
        check_members(json.loads(self.house.body))
        return found

    def suffixed(self, expected, names):
        """The error as it comes at the house's time in the player's realm."""
        message = filled(expected.message, names)
        if expected.type in SUFFIXED:
            message += f" ({self.house.clock.now}000 s)" if self.sandbox else f" ({self.house.clock.now}000)"
        return tuple(expected._replace(message=message))


def outcome(response):
    document = response.json()
    check_members(document)
    message = document.get("Message", document.get("message"))
    return response.status_code, document["__type"], document.get("TurkErrorCode"), message


def check_members(document):
    """The service's own families spell Message with a capital and have a code; the others do neither."""
    others = {"Message", "TurkErrorCode"} if document["__type"] in SUFFIXED else {"message"}
    assert document.keys() == {"__type", *others}


PLACE = re.compile("<([A-Za-z_]+)>")


def filled(value, names):
    """The same with the world's values in the places of their names."""
    match value:
        case dict():
            return {name: filled(item, names) for name, item in value.items()}
        case list():
            return [filled(item, names) for item in value]
        case str() if (whole := PLACE.fullmatch(value)) and whole[1] in names:
            # Not part of a text, so it may be a number.
            return names[whole[1]]
        case str():
            return PLACE.sub(lambda place: str(names.get(place[1], place[0])), value)
        case _:
            return value


def without_parsers_words(found, expected):
    """The error with "…" for what may stand there, so that the two can be compared."""
    pattern = ".+".join(map(re.escape, expected[-1].split("…")))
    return expected if found[:-1] == expected[:-1] and re.fullmatch(pattern, found[-1], re.DOTALL) else found


class World:
    """Something in each state, most of it alice's; `names` says what is what."""

    def __init__(self, house, player):
        self.house = house
        self.player = player
        self.names = {"masters_elsewhere": MASTERS[not player.sandbox]}
        self.alice, self.bob = player.client("alice"), player.client("bob")
        self.names["rejected_long_ago"] = self._reject(self.alice, self._name("expired", self._hit()))
        house.clock.advance(MONTH + 1)
        self._hits()
        self._work()
        self._qualifications()
        self._tokens()
        self._of_bob()
        self._of_others()
        # What is due is stored by the first call that comes, and none of ours shall change anything.
        self.alice.get_account_balance()

    def _name(self, name, value):
        self.names[name] = value["HITId"] if isinstance(value, dict) else value
        return value

    def _hit(self, client=None, **changes):
        return self.house.create_hit(client or self.alice, **changes)

    def _reject(self, client, hit):
        work = self.house.work(hit)
        client.reject_assignment(AssignmentId=work, RequesterFeedback="")
        return work

    def _hits(self):
        now = self.house.clock.now
        hit = self._name("hit", self._hit(LifetimeInSeconds=10 * 86_400))
        end = now + 10 * 86_400
        self.names |= {
            "hit_type": hit["HITTypeId"],
            "dear_hit_type": self.alice.create_hit_type(**{**HIT_TYPE, "Reward": "0.06"})["HITTypeId"],
            "long_before_its_end": end - 380_572,
            "just_after_its_end": end + 59,
            "long_after_its_end": end + YEAR + 1,
            "soon": now + 59,
        }
        self._name("Assignable", hit)
        self._name("of_nine", self._hit(MaxAssignments=9))
        self._name("held", self.house.accept(self._name("Unassignable", self._hit())))
        disposed = self._name("Disposed", self._hit())
        self.names["rejected_and_disposed"] = self._reject(self.alice, disposed)
        self.alice.delete_hit(HITId=disposed["HITId"])

    def _work(self):
        house = self.house
        self._name("submitted", house.work(self._name("Reviewable", self._hit())))
        reviewed = self._name("Reviewing", self._hit())
        house.work(reviewed)
        self.alice.update_hit_review_status(HITId=reviewed["HITId"])
        self.names["rejected"] = self._reject(self.alice, self._hit())
        approved = self._name("approved", house.work(self._hit()))
        self.alice.approve_assignment(AssignmentId=approved)
        self._name("abandoned", house.accept(self._hit(AssignmentDurationInSeconds=30)))
        returned = self._name("returned", house.accept(self._hit()))
        with house.database.writing() as connection:
            workers.give_back(connection, returned, house.clock.now)
        # Past the deadline of what is abandoned, grace and all, and of nothing else.
        house.clock.advance(60)
        self.names["soon"] += 60

    def _qualifications(self):
        alice = self.alice
        kinds = {
            "kind": self._kind(alice, "Careful"),
            "tested": self._kind(alice, "Tested", **TESTED),
            "inactive": self._kind(alice, "Retired", QualificationTypeStatus="Inactive"),
            "deleted": self._kind(alice, "Forgotten"),
        }
        self.names |= kinds
        requirement = {"QualificationTypeId": kinds["deleted"], "Comparator": "Exists"}
        requiring = alice.create_hit_type(**HIT_TYPE, QualificationRequirements=[requirement])
        self.names["deleted_hit_type"] = requiring["HITTypeId"]
        alice.delete_qualification_type(QualificationTypeId=kinds["deleted"])
        held = {"QualificationTypeId": kinds["kind"], "WorkerId": "A2WORKER"}
        alice.associate_qualification_with_worker(**held)
        alice.disassociate_qualification_from_worker(**held)
        self.names |= {
            "testing": self._ask(kinds["tested"]),
            "accepted": self._ask(kinds["kind"]),
            "turned_down": self._ask(self._kind(alice, "Rare")),
            "at_once": self._ask(self._kind(alice, "Free", AutoGranted=True)),
        }
        alice.accept_qualification_request(QualificationRequestId=self.names["accepted"])
        alice.reject_qualification_request(QualificationRequestId=self.names["turned_down"])

    def _kind(self, client, name, **options):
        made = client.create_qualification_type(**{**KIND, "Name": name, **options})
        return made["QualificationType"]["QualificationTypeId"]

    def _ask(self, kind):
        with self.house.database.writing() as connection:
            asked = requesting.request_qualification(connection, kind, "A1WORKER", self.house.clock.now)
        return asked.request_id

    def _tokens(self):
        alice, names = self.alice, self.names
        of_type = filled(OF_TYPE, names)
        self._name("made_first", self._hit(UniqueRequestToken="first"))
        self._name("made_second", alice.create_hit_with_hit_type(**of_type, UniqueRequestToken="second")["HIT"])
        given = alice.send_bonus(**filled(BONUS, names), UniqueRequestToken="first")
        grown = alice.create_additional_assignments_for_hit(
            HITId=self._hit()["HITId"], NumberOfAdditionalAssignments=1, UniqueRequestToken="first"
        )
        names["bonus_request"] = given["ResponseMetadata"]["RequestId"]
        names["growth_request"] = grown["ResponseMetadata"]["RequestId"]
        other = alice.list_qualification_types(MustBeRequestable=True, MustBeOwnedByCaller=True)
        names["other_token"] = other["NextToken"]

    def _of_bob(self):
        bob = self.bob
        hit = self._name("bobs_hit", self._hit(bob))
        self.names["bobs_hit_type"] = hit["HITTypeId"]
        self.names["bobs_work"] = self.house.work(hit)
        self.names["bobs_kind"] = self._kind(bob, "Careful")
        self.names["bobs_request"] = self._ask(self.names["bobs_kind"])
        self.names["bobs_token"] = bob.list_hits()["NextToken"]

    def _of_others(self):
        poor, page = self.player.client("poor"), "<p>${who}</p>"
        self.player.client("strict")
        with self.house.database.writing() as connection:
            owners = {name: get_requester(connection, name) for name in ("alice", "bob", "poor", "strict")}
            keep_layout(connection, owners["alice"], LAYOUT, page, 0, self.house.clock.now)
            keep_layout(connection, owners["bob"], BOBS_LAYOUT, page, 0, self.house.clock.now)
            set_terms(connection, owners["poor"], charged=True)
            # As many as may be.
            connection.exec_driver_sql(
                "INSERT INTO worker_blocks (requester_id, worker_id, reason, newest_first) "
                "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000) "
                "SELECT ?, 'A' || n, '', 0 FROM numbers",
                (owners["strict"].id,),
            )
        hit = self._name("poor_hit", self._hit(poor))
        self.names["poor_hit_type"] = hit["HITTypeId"]
        self.names["poor_work"] = self._reject(poor, hit)
        # Five cents are left: a reward or a bonus, but not its fee.
        with self.house.database.writing() as connection:
            owed = money.balance(connection, owners["poor"].id, "available")
            money.pay_in(connection, owners["poor"], 5 - owed, self.house.clock.now)
            set_terms(connection, owners["poor"], prepaid=True)


@pytest.fixture(params=[False, True], ids=["production", "sandbox"])
def player(request, house, failure):
    return Player(house, failure, sandbox=request.param)


def test_each_situation_has_its_error_and_changes_nothing(house, player):
    names = World(house, player).names
    found, expected = {}, {}
    with closing(sqlite3.connect(house.path)) as onlooker:
        before = onlooker.execute("PRAGMA data_version").fetchone()
        for name, situation in SITUATIONS.items():
            expected[name] = player.suffixed(situation.expected, names)
            found[name] = without_parsers_words(player.play(situation, names), expected[name])
        after = onlooker.execute("PRAGMA data_version").fetchone()

    assert {name: error for name, error in found.items() if error != expected[name]} == {}
    # The number changes when anybody else commits.
    assert after == before


# Signatures, paths and headers: requests that boto3 would not make, but for the first four.

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
BY_CLIENTS = {
    "wrong secret": Expected(403, "InvalidSignatureException", None, MISMATCH),
    "unknown key": Expected(
        403, "UnrecognizedClientException", None, "The security token included in the request is invalid."
    ),
    "clock an hour behind": Expected(
        403, "InvalidSignatureException", None, "Signature expired: … is now earlier than … less 900 seconds."
    ),
    "clock an hour ahead": Expected(
        403, "InvalidSignatureException", None, "Signature not yet current: … is still later than … plus 900 seconds."
    ),
}


def invalid(message):
    return Expected(403, "InvalidSignatureException", None, message)


def incomplete(message):
    return Expected(400, "IncompleteSignatureException", None, message)


def unsigned(name):
    """An Authorization that leaves a header out of the signed ones."""
    return lambda headers: {"Authorization": re.sub(f"(?<=[=;]){name};|;{name}(?=,)", "", headers["Authorization"])}


def rewritten(pattern, replacement):
    return lambda headers: {"Authorization": re.sub(pattern, replacement, headers["Authorization"])}


BY_HAND = {
    "no signature": (
        lambda _: {"Authorization": None},
        Expected(403, "MissingAuthenticationTokenException", None, "Missing Authentication Token"),
    ),
    "changed target": (lambda _: {"X-Amz-Target": "MTurkRequesterServiceV20170117.ListHITs"}, invalid(MISMATCH)),
    "service": (
        rewritten("mturk-requester", "mturk"),
        invalid("Credential should be scoped to correct service: 'mturk-requester'."),
    ),
    "day": (
        rewritten("/[0-9]{8}/", "/20170117/"),
        invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."),
    ),
    "target not signed": (
        unsigned("x-amz-target"),
        invalid("'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."),
    ),
    "another body": (
        lambda _: {"X-Amz-Content-SHA256": "0" * 64},
        invalid("The value of the header x-amz-content-sha256 is not the SHA-256 of the body."),
    ),
    "host not signed": (unsigned("host"), incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.")),
    "algorithm": (
        rewritten("HMAC-SHA256", "HMAC-SHA1"),
        incomplete("The request must have one Authorization header with the algorithm AWS4-HMAC-SHA256."),
    ),
    **{
        f"no {name}": (
            rewritten(f"{name}=", "Other="),
            incomplete(f"Authorization header requires '{name}' parameter."),
        )
        for name in ("Credential", "SignedHeaders", "Signature")
    },
    "a header twice": (
        rewritten("SignedHeaders=", "SignedHeaders=host;"),
        incomplete("SignedHeaders names a header twice, or too many."),
    ),
    "credential": (
        rewritten("/aws4_request", ""),
        incomplete("Credential must have the form <access key>/<yyyymmdd>/<region>/<service>/aws4_request."),
    ),
    "signature": (
        rewritten("Signature=.*", "Signature=0"),
        incomplete("Signature must be 64 hexadecimal digits in lower case."),
    ),
    "no date": (
        lambda _: {"X-Amz-Date": None},
        incomplete("Authorization header requires existence of one 'X-Amz-Date' header of the form YYYYMMDDTHHMMSSZ."),
    ),
    "no moment": (
        lambda headers: {
            "X-Amz-Date": "20261399T000000Z",
            "Authorization": re.sub("/[0-9]{8}/", "/20261399/", headers["Authorization"]),
        },
        incomplete("The header X-Amz-Date does not name a moment."),
    ),
    "other target": (
        lambda _: {"X-Amz-Target": TARGET.replace("2017", "2014")},
        NOT_OFFERED,
    ),
    "no target": (lambda _: {"X-Amz-Target": None}, NOT_OFFERED),
    "content type": (
        lambda _: {"Content-Type": "application/json"},
        NOT_OFFERED,
    ),
}
ELSEWHERE = NOT_OFFERED._replace(status=404)


def test_clients_that_sign_wrongly_are_told_how(house, player, monkeypatch):
    sandbox = player.sandbox
    found = {
        "wrong secret": player.failure(house.client(secret="wrong", sandbox=sandbox).get_account_balance),
        "unknown key": player.failure(house.client(access_key="AKIANOBODY", sandbox=sandbox).get_account_balance),
    }
    for name, error in {"clock an hour behind": -1, "clock an hour ahead": 1}.items():
        moment = datetime.now(UTC) + timedelta(hours=error)
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda moment=moment: moment)
        found[name] = player.failure(house.client().get_account_balance)

    found = {name: without_parsers_words(error, tuple(BY_CLIENTS[name])) for name, error in found.items()}
    assert found == BY_CLIENTS


def test_requests_that_boto3_would_not_make_are_told_what_is_wrong(house, player):
    player.client("alice")
    headers = house.signed("GetAccountBalance")
    found = {}
    for name, (change, _) in BY_HAND.items():
        changed = {**headers, **change(headers)}
        sent = {header: value for header, value in changed.items() if value is not None}
        found[name] = outcome(house.http.post(house.url + "/", content=b"{}", headers=sent))

    assert found == {name: expected for name, (_, expected) in BY_HAND.items()}
    assert outcome(house.http.get(house.url + "/", headers=headers)) == ELSEWHERE
    assert outcome(house.http.post(house.url + "/other", content=b"{}", headers=headers)) == ELSEWHERE


# Trouble of our own.

THROTTLED = Expected(400, "ThrottlingException", None, "Rate exceeded")
FAILED = Expected(500, "ServiceFault", "AWS.ServiceUnavailable", "The service could not complete the request.")


def test_who_asks_too_often_is_throttled(house, player):
    house.terms = Terms(rate_limit=1)
    house.restart()
    player.client("alice").get_account_balance()

    assert player.play(Situation("ListHITs", {}, THROTTLED), {}) == THROTTLED


def test_a_damaged_database_is_a_service_fault(house, player):
    client = player.client("alice")
    client.list_worker_blocks()
    with house.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE worker_blocks")

    for operation, parameters in {"ListWorkerBlocks": {}, "DeleteWorkerBlock": {"WorkerId": "A1"}}.items():
        assert player.play(Situation(operation, parameters, FAILED), {}) == player.suffixed(FAILED, {})
    client.list_hits()


def test_until_it_is_known_who_asks_a_service_fault_has_the_form_of_production(house, player):
    player.client("alice")
    with house.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE access_keys")
    found = player.play(Situation("ListHITs", {}, FAILED), {})

    player.sandbox = False
    assert found == player.suffixed(FAILED, {})


# Whether all of this is all.

TABLE = [
    *(situation.expected for situation in SITUATIONS.values()),
    *BY_CLIENTS.values(),
    *(expected for _, expected in BY_HAND.values()),
    ELSEWHERE,
    THROTTLED,
    FAILED,
]
SOURCES = [*Path(mturk_gateway.marketplace.__path__[0]).rglob("*.py"), Path(sigv4.__file__)]
MESSAGE_ARGUMENTS = (
    dict.fromkeys(
        ("parameter_error", "serialization_error", "DocumentError", "XHTMLError", "_invalid", "_incomplete"), 0
    )
    | dict.fromkeys(("request_error",), 1)
    | dict.fromkeys(("Fault", "SignatureFault"), 2)
)
"""Which argument of what makes an error is the message, or a part of it."""


def calls():
    """Every (name of the file, name of what is called, arguments) in the sources."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield path.name, node.func.id, node.args


def literal(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def codes_in_sources():
    found = set()
    for file, called, arguments in calls():
        if called in ("request_error", "does_not_exist") and file != "errors.py":
            code = literal(arguments[0])
            assert code, f"{file}: what {called} is given cannot be read here"
            found.add(f"AWS.MechanicalTurk.{code}{'DoesNotExist' if called == 'does_not_exist' else ''}")
        elif called == "Fault" and len(arguments) > 3:
            match arguments[3]:
                case ast.BinOp(left=ast.Name(id="_NAMESPACE"), right=ast.Constant(value=code)):
                    found.add(f"AWS.MechanicalTurk.{code}")
                case ast.Constant(value=code):
                    found.add(code)
                case _:
                    # request_error itself, whose callers are looked at above.
                    assert file == "errors.py"
    return found


def types_in_sources():
    found = set()
    for file, called, arguments in calls():
        if called in ("Fault", "SignatureFault"):
            kind = literal(arguments[0])
            # The server passes a SignatureFault on.
            assert kind or (file == "server.py" and ast.unparse(arguments[0]) == "refused.type"), file
            found |= {kind} - {None}
    return found


def messages_in_sources():
    """Every message that is written where its error is made, and a pattern of what may come of it."""
    for _, called, arguments in calls():
        position = MESSAGE_ARGUMENTS.get(called)
        if position is None or len(arguments) <= position:
            continue
        match arguments[position]:
            case ast.Constant(value=text):
                yield text, re.escape(text)
            case ast.JoinedStr(values=parts):
                texts = [literal(part) for part in parts]
                yield (
                    ast.unparse(arguments[position]),
                    "".join(".+" if text is None else re.escape(text) for text in texts),
                )


def test_the_table_has_each_code_that_the_sources_have_and_no_other():
    assert {error.code for error in TABLE} - {None} == codes_in_sources()


def test_the_table_has_each_type_that_the_sources_have_and_no_other():
    assert {error.type for error in TABLE} == types_in_sources()


def test_the_table_has_each_message_that_the_sources_have():
    absent = {
        text for text, pattern in messages_in_sources() if not any(re.search(pattern, error.message) for error in TABLE)
    }
    assert absent == set(MESSAGES_NEVER_GIVEN)


def test_codes_and_types_are_those_of_the_catalogue():
    known_codes = {f"AWS.MechanicalTurk.{code}" for code in CODES} | FURTHER_CODES

    assert codes_in_sources() <= known_codes
    assert types_in_sources() <= TYPES


def test_each_operation_has_a_situation():
    from mturk_gateway.marketplace.operations import OPERATIONS

    never_refused = {"GetAccountBalance"}
    assert OPERATIONS.keys() - {situation.operation for situation in SITUATIONS.values()} == never_refused
