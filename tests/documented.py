"""What is documented of each operation's parameters: kinds, bounds, what is needed, and a good request.

It is written down once more here, so that tests do not take the word of the entries that they test. In values, `<name>`
stands for the ID that a test has for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mturk_translators.operation import When
from mturk_translators.operations import OPERATIONS
from support import QUESTION

MTURK = "AWS.MechanicalTurk."
INVALID = MTURK + "InvalidParameterValue"
RANGE = "AWS.ParameterOutOfRange"
MISSING = "AWS.MissingParameters"
NOT_MARKUP = MTURK + "XMLParseError"

AVAILABLE = OPERATIONS

RESULTS = {
    **dict.fromkeys(("CreateHIT", "GetHIT"), "HIT"),
    **dict.fromkeys(("GetRequesterStatistic", "GetRequesterWorkerStatistic"), "GetStatisticResult"),
    **dict.fromkeys(
        ("CreateQualificationType", "GetQualificationType", "UpdateQualificationType"), "QualificationType"
    ),
    "GetQualificationScore": "Qualification",
    "Help": "Information",
}
"""The result elements that are not `<Operation>Result` (legacy-common 7.1)."""


def result_of(operation):
    """The name of an operation's result element."""
    return RESULTS.get(operation, f"{operation}Result")


class Wrong(NamedTuple):
    """A value that must be refused, with which code, and what the message must hold.

    `early` says that the gateway refuses it itself, without asking the upstream anything.
    """

    value: str
    code: str
    told: str
    early: bool = True


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, in which `n` stands for an index, a good value, and values that are none.

    `company` are the parameters that must go with it. The operation cannot be without one that is `needed`, nor its
    structure without one that is needed `inside`.
    """

    name: str
    good: str
    wrong: tuple[Wrong, ...]
    needed: bool = False
    inside: bool = False
    company: Mapping[str, str] = field(default_factory=dict)

    @property
    def sent(self):
        """The name as it is sent."""
        return self.name.replace(".n", ".1")


def _parameter(name, good, wrong, **how):
    return Parameter(name, good, tuple(wrong), **how)


def _last(name):
    """What a message calls a parameter, at least."""
    return name.removesuffix(".n").rpartition(".")[2]


def number(name, good, low, high=None, **how):
    """A whole number; without `high` only what no modern number can be is too large."""
    told = _last(name)
    beyond = [] if high is None else [str(high + 1)]
    return _parameter(
        name,
        good,
        [
            *(Wrong(value, INVALID, told) for value in ("green", "5.0", "1e3", "5 5", "0x5", "\u0665", "--5")),
            *(Wrong(value, RANGE, told) for value in (str(low - 1), *beyond, "-" + "9" * 30)),
            *(Wrong("1" + "0" * 400, RANGE, told) for _ in range(high is not None)),
        ],
        **how,
    )


def score(name, **how):
    """The value of a qualification."""
    return number(name, "7", -(2**31), 2**31 - 1, **how)


def text(name, good="Words", most=None, *, least=1, clean=False, early=False, **how):
    """Text, perhaps with a limit of characters; who checks that, the gateway or the upstream, is left open."""
    told = _last(name)
    wrong = []
    if most:
        wrong.append(Wrong("é" * (most + 1), INVALID, told, early))
    if least > 1:
        wrong.append(Wrong("x" * (least - 1), INVALID, told, early))
    if clean:
        wrong += [Wrong(f"a{sign}b", INVALID, told, early) for sign in "\0\x08\x0b\x0c\x0e\x1f"]
    return _parameter(name, good, wrong, **how)


def word(name, *words, **how):
    """One of a few words, in their spelling."""
    told = _last(name)
    bad = ("Nonsense", words[0].swapcase(), f"{words[0]} {words[0]}")
    return _parameter(name, words[0], [Wrong(value, INVALID, told) for value in bad], **how)


def truth(name, **how):
    """A truth value."""
    return _parameter(name, "true", [Wrong(value, INVALID, _last(name)) for value in ("maybe", "2", "yes")], **how)


def money(name, *, positive=False, needed=False):
    """An amount of US dollars, in two parameters."""
    bad = ("0.005", "-1", "+1", "1e2", "$1", "1,000.00", ".", "NaN", *(("0", "0.00") if positive else ()))
    amount = f"{name}.Amount"
    return (
        _parameter(amount, "0.05", [Wrong(value, INVALID, "Amount") for value in bad], needed=needed),
        _parameter(
            f"{name}.CurrencyCode",
            "USD",
            [Wrong(value, INVALID, "CurrencyCode") for value in ("EUR", "usd")],
            company={amount: "0.05"},
        ),
    )


MALFORMED = ("foo", "3no such", "3A\n", "../../etc/passwd", "' OR 1=1 --", "A" * 65, "\u0663", "<a/>")


def identifier(name, good, code, told="{}", **how):
    """An ID: a malformed one is answered like one that names nothing. In `told`, `{}` stands for the ID."""
    return _parameter(name, good, [Wrong(value, code, told.format(value)) for value in MALFORMED], **how)


def hit(**how):
    return identifier("HITId", "<hit>", MTURK + "HITDoesNotExist", "Hit {} does not exist.", **how)


def assignment(**how):
    told = "Assignment {} does not exist."
    return identifier("AssignmentId", "<submitted>", MTURK + "AssignmentDoesNotExist", told, **how)


def hit_type(**how):
    told = 'The value "{}" is not valid for the parameter HITTypeId.'
    return identifier("HITTypeId", "<hit_type>", INVALID, told, **how)


def kind(**how):
    told = "QualificationType {} does not exist."
    return identifier("QualificationTypeId", "<kind>", MTURK + "QualificationTypeDoesNotExist", told, **how)


def request():
    told = "QualificationRequest {} does not exist."
    code = MTURK + "QualificationRequestDoesNotExist"
    return identifier("QualificationRequestId", "<accepted>", code, told, needed=True)


def worker(**how):
    """Malformed it is an invalid value, for nobody can say whom it was meant to name; AWorker1 is malformed too."""
    made = identifier("WorkerId", "A1WORKER", INVALID, "WorkerId", **how)
    more = [Wrong(value, INVALID, "WorkerId") for value in ("1WORKER", "A", "a1worker")]
    return _parameter(made.name, made.good, [*made.wrong, *more], **how)


def subject():
    code, told = MTURK + "QualificationDoesNotExist", "You requested a Qualification that does not exist."
    return identifier("SubjectId", "A1WORKER", code, told, needed=True)


def document(name, good, **how):
    """XML of one of the data schemas."""
    bad = ("who what?", "<a>", "<a/><b/>", good[:-1], good.replace("xmlns=", "xmlns:x="))
    return _parameter(name, good, [Wrong(value, NOT_MARKUP, "XML", early=False) for value in bad], **how)


def pages(largest=100):
    return number("PageNumber", "1", 1), number("PageSize", "10", 1, largest)


def sorting(*properties):
    return word("SortProperty", *properties), word("SortDirection", "Ascending", "Descending")


def requirement(name, kind_of=number, *bounds, company=(), **how):
    """A parameter of a qualification requirement, which must name a type and a comparator."""
    path = "QualificationRequirement.1."
    others = {f"{path}QualificationTypeId": "<kind>", f"{path}Comparator": "EqualTo", **dict(company)}
    full = f"QualificationRequirement.n.{name}"
    others.pop(full.replace(".n", ".1"), None)
    return kind_of(full, *bounds, company=others, **how)


SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
FORM = (
    f'<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd"><Question><QuestionIdentifier>q</QuestionIdentifier>'
    "<QuestionContent><Text>?</Text></QuestionContent><AnswerSpecification><FreeTextAnswer/></AnswerSpecification>"
    "</Question></QuestionForm>"
)
ANSWER_KEY = (
    f'<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd"><Question><QuestionIdentifier>q</QuestionIdentifier>'
    "<AnswerOption><SelectionIdentifier>a</SelectionIdentifier><AnswerScore>1</AnswerScore></AnswerOption></Question>"
    "</AnswerKey>"
)

YEAR = 31_536_000
LOCALE = "00000000000000000071"
COMPARATORS = (
    "LessThan", "LessThanOrEqualTo", "GreaterThan", "GreaterThanOrEqualTo", "EqualTo", "NotEqualTo",
    "Exists", "DoesNotExist", "In", "NotIn",
)  # fmt: skip
EVENTS = (
    "AssignmentAccepted", "AssignmentAbandoned", "AssignmentReturned", "AssignmentSubmitted", "AssignmentApproved",
    "AssignmentRejected", "AssignmentAutoApproved", "HITCreated", "HITExtended", "HITDisposed", "HITReviewable",
    "HITExpired",
)  # fmt: skip

_LOCALE = {
    "QualificationRequirement.1.QualificationTypeId": LOCALE,
    "QualificationRequirement.1.LocaleValue.1.Country": "US",
    "QualificationRequirement.1.LocaleValue.1.Subdivision": "CA",
}
HIT_TYPE = (
    text("Title", "Birds", 128, needed=True),
    text("Description", "Name them", 2000, needed=True),
    *money("Reward", needed=True),
    number("AssignmentDurationInSeconds", "60", 30, YEAR, needed=True),
    text("Keywords", "birds, names", 1000),
    number("AutoApprovalDelayInSeconds", "60", 0, 2_592_000),
    requirement("QualificationTypeId", text, "<kind>", inside=True),
    requirement("Comparator", word, *COMPARATORS, inside=True),
    requirement("IntegerValue.n", score),
    requirement("LocaleValue.n.Country", text, "US", 2, least=2, early=True, company=_LOCALE, inside=True),
    requirement("LocaleValue.n.Subdivision", text, "CA", 2, least=2, early=True, company=_LOCALE),
    requirement("RequiredToPreview", truth, company={"QualificationRequirement.1.Comparator": "Exists"}),
)


def _policy(name, policy, key):
    path = f"{name}."
    named, parameter = {f"{path}PolicyName": policy}, {f"{path}Parameter.1.Key": key}
    entry = {f"{path}Parameter.1.MapEntry.1.Key": "q1"}
    return (
        text(f"{name}.PolicyName", policy, company=parameter, inside=True),
        text(f"{name}.Parameter.n.Key", key, company=named),
        text(f"{name}.Parameter.n.Value.n", "q1", company={**named, **parameter}),
        text(f"{name}.Parameter.n.MapEntry.n.Key", "q1", company={**named, **parameter}),
        text(f"{name}.Parameter.n.MapEntry.n.Value.n", "a", company={**named, **parameter, **entry}),
    )


TOKEN = text("UniqueRequestToken", "once", 64)
HIT_PLACE = (
    text("RequesterAnnotation", "mine", 255),
    number("MaxAssignments", "3", 1, 1_000_000_000),
    document("Question", QUESTION),
    identifier("HITLayoutId", "<layout>", MTURK + "HITLayoutDoesNotExist", "HITLayout {} does not exist."),
    text("HITLayoutParameter.n.Name", "who", company={"HITLayoutParameter.1.Value": "you"}, inside=True),
    text("HITLayoutParameter.n.Value", "you", company={"HITLayoutParameter.1.Name": "who"}, inside=True),
    TOKEN,
    *_policy("AssignmentReviewPolicy", "ScoreMyKnownAnswers/2011-09-01", "AnswerKey"),
    *_policy("HITReviewPolicy", "SimplePlurality/2011-09-01", "QuestionIds"),
)
FEEDBACK = text("RequesterFeedback", "Well done", 1024, clean=True, early=True)
_TESTED = {"Test": FORM, "TestDurationInSeconds": "60"}
TYPE_CHANGES = (
    word("QualificationTypeStatus", "Active", "Inactive"),
    number("RetryDelayInSeconds", "60", 0),
    document("Test", FORM, company={"TestDurationInSeconds": "60"}),
    document("AnswerKey", ANSWER_KEY, company=_TESTED),
    number("TestDurationInSeconds", "60", 1, company={"Test": FORM}),
    truth("AutoGranted"),
    score("AutoGrantedValue"),
)


_NOTIFICATION = {
    "Notification.Destination": "https://example.com/",
    "Notification.Transport": "REST",
    "Notification.Version": "2006-05-05",
    "Notification.EventType.1": "HITExpired",
}


def _notification(**how):
    def made(kind_of, name, *values, **more):
        company = {key: value for key, value in _NOTIFICATION.items() if not key.startswith(f"Notification.{name}")}
        return kind_of(f"Notification.{name}", *values, company=company, inside=True, **more, **how)

    return (
        made(text, "Destination", "https://example.com/"),
        made(word, "Transport", "REST", "SOAP", "Email", "SQS"),
        made(text, "Version", "2006-05-05"),
    )


_OF_EVENTS = {key: value for key, value in _NOTIFICATION.items() if "EventType" not in key}

LONG_STATISTICS = (
    "NumberAssignmentsApproved", "NumberAssignmentsPending", "NumberAssignmentsRejected", "NumberAssignmentsAbandoned",
    "NumberHITsCreated", "NumberHITsCompleted", "NumberHITsAssignable", "NumberHITsReviewable",
)  # fmt: skip
RETIRED = ("NumberAssignmentsAvailable", "NumberAssignmentsAccepted", "NumberAssignmentsReturned")


def _statistic(*names, retired=()):
    statistic = word("Statistic", *names, needed=True)
    refused = [Wrong(name, INVALID, "This statistic is no longer supported.") for name in retired]
    return (
        _parameter("Statistic", names[0], [*statistic.wrong, *refused], needed=True),
        word("TimePeriod", "OneDay", "SevenDays", "ThirtyDays", "LifeToDate", needed=True),
        number("Count", "2", 1),
    )


_HIT_SORTS = ("Title", "Reward", "Expiration", "CreationTime", "Enumeration")

PARAMETERS = {
    "ApproveAssignment": (assignment(needed=True), FEEDBACK),
    "ApproveRejectedAssignment": (assignment(needed=True), FEEDBACK),
    "AssignQualification": (
        kind(needed=True),
        worker(needed=True),
        score("IntegerValue"),
        truth("SendNotification"),
    ),
    "BlockWorker": (worker(needed=True), text("Reason", needed=True)),
    "ChangeHITTypeOfHIT": (hit(needed=True), hit_type(needed=True)),
    "CreateHIT": (
        *HIT_TYPE,
        *HIT_PLACE,
        number("LifetimeInSeconds", "60", 30, YEAR, needed=True),
    ),
    "CreateHIT of a type": (hit_type(), *HIT_PLACE, number("LifetimeInSeconds", "60", 30, YEAR)),
    "CreateQualificationType": (
        text("Name", "Careful people", needed=True),
        text("Description", "They look twice", 2000, needed=True),
        text("Keywords", "care", 1000),
        *TYPE_CHANGES,
    ),
    "DisableHIT": (hit(needed=True),),
    "DisposeHIT": (hit(needed=True),),
    "DisposeQualificationType": (kind(needed=True),),
    "ExtendHIT": (
        hit(needed=True),
        number("MaxAssignmentsIncrement", "1", 1, 1_000_000_000),
        number("ExpirationIncrementInSeconds", "3600", 60, YEAR),
        TOKEN,
    ),
    "ForceExpireHIT": (hit(needed=True),),
    "GetAccountBalance": (),
    "GetAssignment": (assignment(needed=True),),
    "GetAssignmentsForHIT": (
        hit(needed=True),
        word("AssignmentStatus", "Submitted", "Approved", "Rejected"),
        *sorting("AcceptTime", "SubmitTime", "AssignmentStatus", "Answer"),
        *pages(),
    ),
    "GetBlockedWorkers": pages(65_535),
    "GetBonusPayments": (hit(), assignment(), *pages()),
    "GetFileUploadURL": (assignment(needed=True), text("QuestionIdentifier", "q", needed=True)),
    "GetHIT": (hit(needed=True),),
    "GetHITsForQualificationType": (kind(needed=True), *pages()),
    "GetQualificationRequests": (kind(), text("SortProperty"), sorting("SubmitTime")[1], *pages()),
    "GetQualificationScore": (kind(needed=True), subject()),
    "GetQualificationType": (kind(needed=True),),
    "GetQualificationsForQualificationType": (kind(needed=True), word("Status", "Granted", "Revoked"), *pages()),
    "GetRequesterStatistic": _statistic(*LONG_STATISTICS, retired=RETIRED),
    "GetRequesterWorkerStatistic": (worker(needed=True), *_statistic("NumberAssignmentsApproved")),
    "GetReviewResultsForHIT": (
        hit(needed=True),
        word("PolicyLevel", "HIT", "Assignment"),
        assignment(),
        truth("RetrieveActions"),
        truth("RetrieveResults"),
        *pages(65_535),
    ),
    "GetReviewableHITs": (
        hit_type(),
        word("Status", "Reviewable", "Reviewing"),
        *sorting(*_HIT_SORTS),
        *pages(),
    ),
    "GrantBonus": (
        worker(needed=True),
        *money("BonusAmount", positive=True, needed=True),
        assignment(needed=True),
        text("Reason", needed=True),
        TOKEN,
    ),
    "GrantQualification": (request(), score("IntegerValue")),
    "Help": (
        _parameter(
            "About.n", "GetHIT", [Wrong(value, INVALID, "About") for value in ("GetHut", "gethit")], needed=True
        ),
        word("HelpType", "Operation", "ResponseGroup"),
    ),
    "NotifyWorkers": (
        text("Subject", "News", 200, needed=True),
        text("MessageText", "There is work", 4096, needed=True),
        text("WorkerId.n", "A1WORKER", needed=True),
    ),
    "RegisterHITType": HIT_TYPE,
    "RejectAssignment": (assignment(needed=True), FEEDBACK),
    "RejectQualificationRequest": (request(), text("Reason")),
    "RevokeQualification": (subject(), kind(needed=True), text("Reason")),
    "SearchHITs": (*sorting(*_HIT_SORTS), *pages()),
    "SearchQualificationTypes": (
        text("Query"),
        truth("MustBeRequestable"),
        truth("MustBeOwnedByCaller"),
        *sorting("Name"),
        *pages(),
    ),
    "SendTestEventNotification": (
        *_notification(needed=True),
        word("Notification.EventType.n", *EVENTS, "Ping", company=_OF_EVENTS),
        word("TestEventType", *EVENTS, "Ping"),
    ),
    "SetHITAsReviewing": (hit(needed=True), truth("Revert")),
    "SetHITTypeNotification": (
        hit_type(needed=True),
        *_notification(),
        word("Notification.EventType.n", *EVENTS, company=_OF_EVENTS, inside=True),
        truth("Active"),
    ),
    "UnblockWorker": (worker(needed=True), text("Reason")),
    "UpdateQualificationScore": (kind(needed=True), subject(), score("IntegerValue", needed=True)),
    "UpdateQualificationType": (kind(needed=True), text("Description", "They look twice", 2000), *TYPE_CHANGES),
}
"""By operation; CreateHIT has two forms, of which the parameters differ."""

ALWAYS = {
    "CreateHIT": {"Question": QUESTION},
    "CreateHIT of a type": {"HITTypeId": "<hit_type>", "Question": QUESTION},
    "ExtendHIT": {"MaxAssignmentsIncrement": "1"},
    "GetBonusPayments": {"HITId": "<hit>"},
    "SetHITTypeNotification": {"Active": "true"},
}
"""What a request cannot be without although no single parameter is needed."""

EXCLUDED = {"HITLayoutId": "Question", "HITLayoutParameter": "Question"}
"""Parameters that exclude others of a good request."""


def operation_of(form):
    """The operation that a form of request belongs to."""
    return form.partition(" ")[0]


FORMS = [form for form in PARAMETERS if operation_of(form) in AVAILABLE]


def good_request(form, *, without="", having=None):
    """The parameters of a request that has nothing wrong with it.

    Without a parameter that it would have, or having another one, with the company that this needs.
    """
    request = dict(ALWAYS.get(form, {}))
    for parameter in PARAMETERS[form]:
        if parameter.needed:
            request[parameter.sent] = parameter.good
    if having:
        request.pop(EXCLUDED.get(having.name.partition(".")[0]), None)
        request.update(having.company)
        if having.name.startswith("HITLayoutParameter"):
            request["HITLayoutId"] = "<layout>"
        request[having.sent] = having.good
    request.pop(without, None)
    return request


def parameters_of(entry):
    """The names of the parameters that an entry takes, as Help tells them."""
    every = [
        part
        for taken in entry.takes
        for part in ((*taken.then, *taken.otherwise) if isinstance(taken, When) else (taken,))
    ]
    return {name for part in (*every, *entry.paging) for name, _ in part.parameters()}


def code_in(body):
    """The TurkErrorCode of a modern error's body, which boto3 keeps from its users for most types."""
    return json.loads(body).get("TurkErrorCode")
