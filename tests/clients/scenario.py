"""A scenario of the requester's life, as data: what is asked for by the names of the legacy API."""

from __future__ import annotations

from typing import Any, NamedTuple

QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://example.com/birds?a=1&amp;b=2</ExternalURL>'
    "<FrameHeight>600</FrameHeight></ExternalQuestion>"
)
MTURK = "AWS.MechanicalTurk."


class Step(NamedTuple):
    """An operation of the legacy API. `$name` in a value stands for what an earlier step of that name made."""

    operation: str
    given: dict[str, Any]
    name: str = ""
    refused: str = ""


class Work(NamedTuple):
    """A worker takes a HIT and submits an answer: an assignment."""

    worker: str
    hit: str
    name: str


class Asking(NamedTuple):
    """A worker asks for a qualification: a request."""

    worker: str
    qualification: str
    name: str


def filled(given, ids):
    """Values with the IDs that things have by their names."""
    if isinstance(given, str) and given.startswith("$"):
        return ids[given[1:]]
    if isinstance(given, dict):
        return {name: filled(value, ids) for name, value in given.items()}
    return [filled(value, ids) for value in given] if isinstance(given, list) else given


def reward(amount):
    return {"Amount": amount, "CurrencyCode": "USD"}


SKILL = {"QualificationTypeId": "$skill", "Comparator": "In", "IntegerValue": [33, 91]}
LOCALE = {"QualificationTypeId": "00000000000000000071", "Comparator": "EqualTo", "LocaleValue": [{"Country": "US"}]}
ALONE = {
    "Description": "Which ones?",
    "Keywords": "birds, trees",
    "Reward": reward("0.05"),
    "AssignmentDurationInSeconds": 300,
    "LifetimeInSeconds": 86_400,
    "MaxAssignments": 1,
    "Question": QUESTION,
}
"""A HIT with properties of its own, but for its title."""

SCENARIO = [
    # Who is able to.
    Step(
        "CreateQualificationType",
        {"Name": "Knows birds", "Description": "d", "Keywords": "birds", "QualificationTypeStatus": "Active"},
        name="skill",
    ),
    Step("UpdateQualificationType", {"QualificationTypeId": "$skill", "Description": "By their song & look"}),
    Step(
        "CreateQualificationType",
        {
            "Name": "Likes birds",
            "Description": "d",
            "QualificationTypeStatus": "Active",
            "AutoGranted": True,
            "AutoGrantedValue": 7,
        },
        name="gift",
    ),
    Step(
        "CreateQualificationType",
        {"Name": "Knows birds", "Description": "again", "QualificationTypeStatus": "Active"},
        refused=MTURK + "QualificationTypeAlreadyExists",
    ),
    Step(
        "AssignQualification",
        {"QualificationTypeId": "$skill", "WorkerId": "$first", "IntegerValue": 80, "SendNotification": False},
    ),
    Step("UpdateQualificationScore", {"QualificationTypeId": "$skill", "SubjectId": "$first", "IntegerValue": 91}),
    Asking("second", "skill", name="request"),
    Step("GrantQualification", {"QualificationRequestId": "$request", "IntegerValue": 33}),
    Asking("third", "gift", name="granted"),
    Asking("third", "skill", name="open request"),
    Step(
        "AssignQualification",
        {"QualificationTypeId": "$skill", "WorkerId": "$fourth", "IntegerValue": 1, "SendNotification": True},
    ),
    Step(
        "RevokeQualification", {"QualificationTypeId": "$skill", "SubjectId": "$fourth", "Reason": "took owls for cats"}
    ),
    # What is to be done.
    Step(
        "RegisterHITType",
        {
            "Title": "Name the birds",
            "Description": "Which ones?",
            "Keywords": "birds, names",
            "Reward": reward("0.25"),
            "AssignmentDurationInSeconds": 600,
            "AutoApprovalDelayInSeconds": 172_800,
            "QualificationRequirement": [SKILL, LOCALE],
        },
        name="type",
    ),
    Step(
        "SetHITTypeNotification",
        {
            "HITTypeId": "$type",
            "Notification": {
                "Destination": "me@example.com",
                "Transport": "Email",
                "Version": "2006-05-05",
                "EventType": ["HITReviewable", "AssignmentSubmitted"],
            },
            "Active": True,
        },
    ),
    Step(
        "CreateHIT",
        {
            "HITTypeId": "$type",
            "Question": QUESTION,
            "LifetimeInSeconds": 3600,
            "MaxAssignments": 3,
            "RequesterAnnotation": "the main one",
        },
        name="main",
    ),
    *(Step("CreateHIT", {**ALONE, "Title": title}, name=title) for title in ("ends", "goes", "withdrawn", "moves")),
    # Work and what it is found to be.
    Work("first", "main", name="good"),
    Work("second", "main", name="doubtful"),
    Step("ApproveAssignment", {"AssignmentId": "$good", "RequesterFeedback": "thanks"}),
    Step("ApproveAssignment", {"AssignmentId": "$good"}, refused=MTURK + "InvalidAssignmentState"),
    Step("RejectAssignment", {"AssignmentId": "$doubtful", "RequesterFeedback": "a cat"}),
    Step("ApproveRejectedAssignment", {"AssignmentId": "$doubtful", "RequesterFeedback": "an owl after all"}),
    Step(
        "GrantBonus",
        {"WorkerId": "$first", "AssignmentId": "$good", "BonusAmount": reward("0.5"), "Reason": "their Latin names"},
    ),
    # How HITs change and end.
    Step("ExtendHIT", {"HITId": "$main", "MaxAssignmentsIncrement": 2}),
    Step("ExtendHIT", {"HITId": "$main", "ExpirationIncrementInSeconds": 7200}),
    Step("DisposeHIT", {"HITId": "$main"}, refused=MTURK + "InvalidHITState"),
    Step("ForceExpireHIT", {"HITId": "$ends"}),
    Step("SetHITAsReviewing", {"HITId": "$ends"}),
    Work("first", "goes", name="last"),
    Step("DisposeHIT", {"HITId": "$goes"}, refused=MTURK + "InvalidHITState"),
    Step("ApproveAssignment", {"AssignmentId": "$last"}),
    Step("DisposeHIT", {"HITId": "$goes"}),
    Step("GetHIT", {"HITId": "3NOSUCHHIT"}, refused=MTURK + "HITDoesNotExist"),
    Work("second", "withdrawn", name="unseen"),
    Step("ExtendHIT", {"HITId": "$withdrawn", "MaxAssignmentsIncrement": 1}),
    Step("DisableHIT", {"HITId": "$withdrawn"}),
    Step(
        "RegisterHITType",
        {
            "Title": "Name the trees",
            "Description": "Which ones?",
            "Reward": reward("0.05"),
            "AssignmentDurationInSeconds": 60,
        },
        name="other type",
    ),
    Step("ChangeHITTypeOfHIT", {"HITId": "$moves", "HITTypeId": "$other type"}),
    # Workers.
    Step("BlockWorker", {"WorkerId": "$third", "Reason": "sent cats"}),
    Step("BlockWorker", {"WorkerId": "$fourth", "Reason": "sent cats"}),
    Step("UnblockWorker", {"WorkerId": "$fourth", "Reason": "said sorry"}),
    Step("NotifyWorkers", {"Subject": "Birds", "MessageText": "More of them + 1", "WorkerId": ["$first", "$second"]}),
    Step("DisposeQualificationType", {"QualificationTypeId": "$gift"}),
]
WORKERS = ("first", "second", "third", "fourth")
MADE = {"CreateQualificationType": "QualificationTypeId", "RegisterHITType": "HITTypeId", "CreateHIT": "HITId"}
"""What an operation makes, by the name of its ID."""
