"""One scenario, played through old programs' ways of asking and through boto3, ends in one state."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner
from sqlalchemy import select

from clients import wire
from clients.boto2 import LEFT, MTurkRequestError, Price, boto, connect, qualification, question
from clients.people import People
from mturk_gateway.__main__ import main
from mturk_gateway.admin import change_terms, pay_in
from mturk_gateway.clock import wall_clock
from mturk_gateway.marketplace.tables import events, hit_types, notification_settings, requesters
from mturk_translators.xml import parse
from support import get, modern_client, texts

pytestmark = LEFT

PAGE = question.ExternalQuestion("https://example.com/birds?a=1&b=2", 600)
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
    "Question": PAGE.get_as_xml(),
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
    Step("RevokeQualification", {"QualificationTypeId": "$skill", "SubjectId": "$fourth", "Reason": "took owls for cats"}),
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
            "Question": PAGE.get_as_xml(),
            "LifetimeInSeconds": 3600,
            "MaxAssignments": 3,
            "RequesterAnnotation": "the main one",
        },
        name="main",
    ),
    *(Step("CreateHIT", {**ALONE, "Title": title}, name=title) for title in ("ends", "goes", "withdrawn", "moves")),
    Step(
        "CreateHIT",
        {**ALONE, "Title": "no lifetime", "LifetimeInSeconds": 1},
        refused="AWS.ParameterOutOfRange",
    ),
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


class Refused(Exception):
    """An operation was refused; the text is the code."""


@dataclass(frozen=True)
class Spelling:
    """How a client writes structures, lists and truth."""

    structure: str = ".1"
    base: int = 1
    single: bool = False
    true: str = "true"
    false: str = "false"

    def pairs(self, given, path=""):
        """Parameters as flat pairs. `single` says that a list of one value stands there like the value itself."""
        for name, value in given.items():
            yield from self._value(path + name, value)

    def _value(self, name, value):
        if isinstance(value, dict):
            yield from self.pairs(value, f"{name}{self.structure}.")
        elif isinstance(value, list):
            for number, item in enumerate(value):
                one = self.single and len(value) == 1
                path = name if one else f"{name}.{number + (1 if isinstance(item, dict) else self.base)}"
                yield from self.pairs(item, f"{path}.") if isinstance(item, dict) else [(path, str(item))]
        else:
            yield name, {True: self.true, False: self.false}[value] if isinstance(value, bool) else str(value)


def made_by(root, operation):
    """The ID of what was made, from an answer. Raises Refused."""
    for code in texts(root, "Code"):
        raise Refused(code)
    assert texts(root, "IsValid") == ["True"]
    return next(iter(texts(root, MADE[operation])), "") if operation in MADE else ""


class SignedUrls:
    """GET requests that `mturk-gateway sign` has signed, as anybody can paste them."""

    def __init__(self, gateway, requester):
        self._words = ["--profile", requester.profile, "--data", str(gateway.settings.data), "--endpoint", gateway.url]

    def play(self, operation, given):
        query = wire.encoded([("Operation", operation), *Spelling().pairs(given)])
        signed = CliRunner().invoke(main, ["sign", query, *self._words], catch_exceptions=False)
        return made_by(parse(get(signed.output.strip()).content), operation)


def written(client, spelling):
    """The requests of a client program, in its own form and spelling."""

    class Written:
        def __init__(self, gateway, requester):
            self._gateway, self._requester = gateway, requester

        def play(self, operation, given):
            request = client(self._requester, operation, *spelling.pairs(given))
            return made_by(wire.Exchange(self._gateway.url, request).root, operation)

    return Written


class Boto2:
    """The methods of boto 2."""

    def __init__(self, gateway, requester):
        self._conn = connect(gateway, requester)

    def play(self, operation, given):
        try:
            answer = BOTO2[operation](self._conn, **given)
        except MTurkRequestError as error:
            raise Refused(error.error_code) from None
        return getattr(answer[0], MADE[operation]) if operation in MADE else ""


def with_boto_properties(given):
    """Parameters of HITs and their types by the names of boto's arguments."""
    names = {
        "Title": "title",
        "Description": "description",
        "Keywords": "keywords",
        "AssignmentDurationInSeconds": "duration",
        "AutoApprovalDelayInSeconds": "approval_delay",
        "LifetimeInSeconds": "lifetime",
        "MaxAssignments": "max_assignments",
        "RequesterAnnotation": "annotation",
        "HITTypeId": "hit_type",
    }
    named = {names[name]: value for name, value in given.items() if name in names}
    return named | ({"reward": Price(float(given["Reward"]["Amount"]))} if "Reward" in given else {})


def boto_requirements(wanted):
    made = qualification.Qualifications()
    for requirement in wanted:
        if "LocaleValue" in requirement:
            (locale,) = requirement["LocaleValue"]
            made.add(qualification.LocaleRequirement(requirement["Comparator"], locale["Country"]))
        else:
            made.add(
                qualification.Requirement(
                    requirement["QualificationTypeId"], requirement["Comparator"], requirement["IntegerValue"]
                )
            )
    return made


def boto_register_hit_type(conn, QualificationRequirement=(), **given):
    wanted = boto_requirements(QualificationRequirement) if QualificationRequirement else None
    return conn.register_hit_type(**with_boto_properties(given), qual_req=wanted)


def boto_create_hit(conn, Question, **given):
    assert PAGE.get_as_xml() == Question
    return conn.create_hit(question=PAGE, **with_boto_properties(given))


def boto_create_qualification_type(conn, Name, Description, QualificationTypeStatus, **more):
    names = {"Keywords": "keywords", "AutoGranted": "auto_granted", "AutoGrantedValue": "auto_granted_value"}
    named = {names[name]: value for name, value in more.items()}
    return conn.create_qualification_type(Name, Description, QualificationTypeStatus, **named)


BOTO2: dict[str, Callable[..., Any]] = {
    "CreateQualificationType": boto_create_qualification_type,
    "UpdateQualificationType": lambda conn, QualificationTypeId, Description: conn.update_qualification_type(
        QualificationTypeId, description=Description
    ),
    "DisposeQualificationType": lambda conn, QualificationTypeId: conn.dispose_qualification_type(QualificationTypeId),
    "AssignQualification": lambda conn, QualificationTypeId, WorkerId, IntegerValue, SendNotification: (
        conn.assign_qualification(QualificationTypeId, WorkerId, IntegerValue, SendNotification)
    ),
    "UpdateQualificationScore": lambda conn, QualificationTypeId, SubjectId, IntegerValue: (
        conn.update_qualification_score(QualificationTypeId, SubjectId, IntegerValue)
    ),
    "GrantQualification": lambda conn, QualificationRequestId, IntegerValue: conn.grant_qualification(
        QualificationRequestId, IntegerValue
    ),
    "RevokeQualification": lambda conn, QualificationTypeId, SubjectId, Reason: conn.revoke_qualification(
        SubjectId, QualificationTypeId, Reason
    ),
    "RegisterHITType": boto_register_hit_type,
    "SetHITTypeNotification": lambda conn, HITTypeId, Notification, Active: conn.set_email_notification(
        HITTypeId, Notification["Destination"], Notification["EventType"]
    ),
    "CreateHIT": boto_create_hit,
    "GetHIT": lambda conn, HITId: conn.get_hit(HITId),
    "ApproveAssignment": lambda conn, AssignmentId, RequesterFeedback=None: conn.approve_assignment(
        AssignmentId, RequesterFeedback
    ),
    "RejectAssignment": lambda conn, AssignmentId, RequesterFeedback: conn.reject_assignment(
        AssignmentId, RequesterFeedback
    ),
    "ApproveRejectedAssignment": lambda conn, AssignmentId, RequesterFeedback: conn.approve_rejected_assignment(
        AssignmentId, RequesterFeedback
    ),
    "GrantBonus": lambda conn, WorkerId, AssignmentId, BonusAmount, Reason: conn.grant_bonus(
        WorkerId, AssignmentId, Price(float(BonusAmount["Amount"])), Reason
    ),
    "ExtendHIT": lambda conn, HITId, MaxAssignmentsIncrement=None, ExpirationIncrementInSeconds=None: conn.extend_hit(
        HITId, MaxAssignmentsIncrement, ExpirationIncrementInSeconds
    ),
    "ForceExpireHIT": lambda conn, HITId: conn.expire_hit(HITId),
    "SetHITAsReviewing": lambda conn, HITId: conn.set_reviewing(HITId),
    "DisposeHIT": lambda conn, HITId: conn.dispose_hit(HITId),
    "DisableHIT": lambda conn, HITId: conn.disable_hit(HITId),
    "ChangeHITTypeOfHIT": lambda conn, HITId, HITTypeId: conn.change_hit_type_of_hit(HITId, HITTypeId),
    "BlockWorker": lambda conn, WorkerId, Reason: conn.block_worker(WorkerId, Reason),
    "UnblockWorker": lambda conn, WorkerId, Reason: conn.unblock_worker(WorkerId, Reason),
    "NotifyWorkers": lambda conn, Subject, MessageText, WorkerId: conn.notify_workers(WorkerId, Subject, MessageText),
}


class Boto3:
    """The modern API, as a program written today asks for the same."""

    def __init__(self, gateway, requester):
        self._gateway, self._requester = gateway, requester

    def play(self, operation, given):
        with modern_client(self._gateway.url, self._requester) as client:
            try:
                return BOTO3[operation](client, **given) or ""
            except ClientError as error:
                raise Refused(error.response["TurkErrorCode"]) from None


def modern_properties(given):
    renamed = {**given}
    if "Reward" in given:
        renamed["Reward"] = given["Reward"]["Amount"]
    if "QualificationRequirement" in given:
        names = {"IntegerValue": "IntegerValues", "LocaleValue": "LocaleValues"}
        renamed["QualificationRequirements"] = [
            {names.get(name, name): value for name, value in requirement.items()}
            for requirement in renamed.pop("QualificationRequirement")
        ]
    return renamed


def modern_create_hit(client, **given):
    create = client.create_hit_with_hit_type if "HITTypeId" in given else client.create_hit
    return create(**modern_properties(given))["HIT"]["HITId"]


def modern_set_notification(client, HITTypeId, Notification, Active):
    specification = {**Notification, "Version": "2014-08-15", "EventTypes": Notification["EventType"]}
    del specification["EventType"]
    client.update_notification_settings(HITTypeId=HITTypeId, Notification=specification, Active=Active)


def modern_extend_hit(client, HITId, MaxAssignmentsIncrement=None, ExpirationIncrementInSeconds=None):
    if MaxAssignmentsIncrement:
        client.create_additional_assignments_for_hit(
            HITId=HITId, NumberOfAdditionalAssignments=MaxAssignmentsIncrement
        )
    if ExpirationIncrementInSeconds:
        ends = client.get_hit(HITId=HITId)["HIT"]["Expiration"]
        client.update_expiration_for_hit(HITId=HITId, ExpireAt=ends + timedelta(seconds=ExpirationIncrementInSeconds))


def modern_disable_hit(client, HITId):
    client.update_expiration_for_hit(HITId=HITId, ExpireAt=0)
    for assignment in client.list_assignments_for_hit(HITId=HITId, AssignmentStatuses=["Submitted"])["Assignments"]:
        client.approve_assignment(AssignmentId=assignment["AssignmentId"])
    client.delete_hit(HITId=HITId)


def modern_score(client, QualificationTypeId, SubjectId, IntegerValue):
    client.associate_qualification_with_worker(
        QualificationTypeId=QualificationTypeId,
        WorkerId=SubjectId,
        IntegerValue=IntegerValue,
        SendNotification=False,
    )


def nothing(function):
    """A call whose reply tells nothing that is needed."""

    def call(client, **given):
        getattr(client, function)(**given)

    return call


BOTO3: dict[str, Callable[..., Any]] = {
    "CreateQualificationType": lambda client, **given: client.create_qualification_type(**given)["QualificationType"][
        "QualificationTypeId"
    ],
    "UpdateQualificationType": nothing("update_qualification_type"),
    "DisposeQualificationType": nothing("delete_qualification_type"),
    "AssignQualification": nothing("associate_qualification_with_worker"),
    "UpdateQualificationScore": modern_score,
    "GrantQualification": nothing("accept_qualification_request"),
    "RevokeQualification": lambda client, QualificationTypeId, SubjectId, Reason: nothing(
        "disassociate_qualification_from_worker"
    )(client, QualificationTypeId=QualificationTypeId, WorkerId=SubjectId, Reason=Reason),
    "RegisterHITType": lambda client, **given: client.create_hit_type(**modern_properties(given))["HITTypeId"],
    "SetHITTypeNotification": modern_set_notification,
    "CreateHIT": modern_create_hit,
    "GetHIT": nothing("get_hit"),
    "ApproveAssignment": nothing("approve_assignment"),
    "RejectAssignment": nothing("reject_assignment"),
    "ApproveRejectedAssignment": lambda client, **given: nothing("approve_assignment")(
        client, **given, OverrideRejection=True
    ),
    "GrantBonus": lambda client, BonusAmount, **given: nothing("send_bonus")(
        client, BonusAmount=BonusAmount["Amount"], **given
    ),
    "ExtendHIT": modern_extend_hit,
    "ForceExpireHIT": lambda client, HITId: nothing("update_expiration_for_hit")(client, HITId=HITId, ExpireAt=0),
    "SetHITAsReviewing": lambda client, HITId: nothing("update_hit_review_status")(client, HITId=HITId, Revert=False),
    "DisposeHIT": nothing("delete_hit"),
    "DisableHIT": modern_disable_hit,
    "ChangeHITTypeOfHIT": nothing("update_hit_type_of_hit"),
    "BlockWorker": nothing("create_worker_block"),
    "UnblockWorker": nothing("delete_worker_block"),
    "NotifyWorkers": lambda client, WorkerId, **given: nothing("notify_workers")(client, WorkerIds=WorkerId, **given),
}


class Played:
    """The scenario, played in one way by a requester of its own, with workers of their own."""

    def __init__(self, gateway, way, name):
        self.gateway, self.people = gateway, People(gateway)
        self.requester = gateway.add_requester(f"three ways {name}")
        marketplace = gateway.house.marketplace
        change_terms(marketplace, self.requester.profile, prepaid=True)
        pay_in(marketplace, self.requester.profile, "20.00", wall_clock())
        self.ids = {worker: f"A{n}{re.sub('[^A-Z0-9]', '', name.upper())}" for n, worker in enumerate(WORKERS)}
        self.refusals = []
        player = way(gateway, self.requester)
        for step in SCENARIO:
            self._play(player, step)

    def _play(self, player, step):
        if isinstance(step, Work):
            self.ids[step.name] = self.people.work(self.ids[step.hit], self.ids[step.worker], q1=f"of {step.name}")
        elif isinstance(step, Asking):
            self.ids[step.name] = self.people.ask_for(self.ids[step.qualification], self.ids[step.worker])
        elif step.refused:
            with pytest.raises(Refused, match=f"^{re.escape(step.refused)}$"):
                player.play(step.operation, self._filled(step.given))
        else:
            made = player.play(step.operation, self._filled(step.given))
            if step.name:
                self.ids[step.name] = made

    def _filled(self, given):
        if isinstance(given, str) and given.startswith("$"):
            return self.ids[given[1:]]
        if isinstance(given, dict):
            return {name: self._filled(value) for name, value in given.items()}
        return [self._filled(value) for value in given] if isinstance(given, list) else given

    def state(self):
        """Everything that boto3 and the workers see, and what was recorded, with names in place of IDs and times."""
        with modern_client(self.gateway.url, self.requester) as client:
            seen = self._seen(client)
        seen |= {worker: self._worker(self.ids[worker]) for worker in WORKERS}
        with self.gateway.house.marketplace.reading() as connection:
            owner = select(requesters.c.id).where(requesters.c.name == self.requester.profile).scalar_subquery()
            happened = select(events.c.type, events.c.hit_id, events.c.assignment_id, events.c.worker_id)
            seen["events"] = [tuple(row) for row in connection.execute(
                happened.where(events.c.requester_id == owner).order_by(events.c.number)
            )]  # fmt: skip
            told = select(notification_settings).join(hit_types).where(hit_types.c.requester_id == owner)
            seen["told"] = [tuple(row) for row in connection.execute(told)]
        return self._named(seen)

    def _seen(self, client):
        hits = client.list_hits(MaxResults=100)["HITs"]
        types = client.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True, MaxResults=100)
        skill = self.ids["skill"]
        return {
            "balance": client.get_account_balance()["AvailableBalance"],
            "hits": in_order(hits, "Title"),
            "assignments": {
                hit["Title"]: in_order(
                    client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"], "Answer"
                )
                for hit in hits
            },
            "bonuses": {
                hit["Title"]: client.list_bonus_payments(HITId=hit["HITId"])["BonusPayments"] for hit in hits
            },
            "reviewing": client.list_reviewable_hits(Status="Reviewing")["HITs"],
            "reviewable": client.list_reviewable_hits(Status="Reviewable")["HITs"],
            "types": in_order(types["QualificationTypes"], "Name"),
            "skilled": {
                status: in_order(
                    client.list_workers_with_qualification_type(QualificationTypeId=skill, Status=status)[
                        "Qualifications"
                    ],
                    "WorkerId",
                )
                for status in ("Granted", "Revoked")
            },
            "requests": client.list_qualification_requests()["QualificationRequests"],
            "blocks": client.list_worker_blocks()["WorkerBlocks"],
        }

    def _worker(self, worker):
        """Without the order of what happened in one second."""
        return {what: sorted(self.people.do(what, "--worker", worker).splitlines()) for what in (
            "tasks", "messages", "qualifications",
        )}  # fmt: skip

    def _named(self, value):
        if isinstance(value, dict):
            return {self._named(name): self._named(item) for name, item in told_apart(value).items()}
        if isinstance(value, list | tuple):
            return [self._named(item) for item in value]
        if isinstance(value, datetime):
            return "a time"
        if not isinstance(value, str):
            return value
        for name, identifier in self.ids.items():
            value = value.replace(identifier, f"<{name}>")
        value = value.replace(self.requester.profile, "<requester>")
        value = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d( UTC|Z)", "a time", value)
        return re.sub(r"\b3[A-Z0-9]{29}\b", "some id", value)


def told_apart(item):
    """A row with the lengths of time in it, which must be the same, beside the times, which are not."""
    spans = {
        "lasts": ("CreationTime", "Expiration", 60),
        "is decided on after": ("SubmitTime", "AutoApprovalTime", 1),
    }
    lengths = {
        name: (item[end] - item[begin]).total_seconds() // grain
        for name, (begin, end, grain) in spans.items()
        if begin in item and end in item
    }
    return {**item, **lengths}


def in_order(rows, key):
    return sorted(rows, key=lambda row: str(row[key]))


WAYS = {
    "boto 2": Boto2,
    "signed URLs": SignedUrls,
    "rturk": written(wire.rturk, Spelling(structure="", base=0)),
    "MTurkR": written(wire.mturkr, Spelling(true="TRUE", false="FALSE")),
    "Perl": written(wire.perl, Spelling()),
    "php-mturk-api": written(wire.php_mturk_api, Spelling(single=True, true="1", false="0")),
}
"""Every way but boto3's, with which they are compared."""


@pytest.fixture(scope="module")
def modern_state(gateway):
    return Played(gateway, Boto3, "boto3").state()


@pytest.fixture(autouse=True)
def _collected():
    """What boto leaves behind is collected here, and not in the middle of somebody else's test."""
    yield
    gc.collect()


@pytest.mark.parametrize("name", WAYS)
def test_a_scenario_ends_in_the_same_state_as_through_boto3(gateway, modern_state, name):
    state = Played(gateway, WAYS[name], name).state()

    for part, expected in modern_state.items():
        assert state[part] == expected, part
    assert state == modern_state


def test_the_state_is_the_one_that_the_scenario_tells(modern_state):
    """So that it is not nothing that is compared."""
    hits = {hit["Title"]: hit for hit in modern_state["hits"]}
    assert {title: hit["HITStatus"] for title, hit in hits.items()} == {
        "Name the birds": "Assignable",
        "Name the trees": "Assignable",
        "ends": "Reviewing",
    }
    assert (hits["Name the birds"]["MaxAssignments"], hits["Name the birds"]["lasts"]) == (5, 180)
    decided = modern_state["assignments"]["Name the birds"]
    assert [(one["AssignmentStatus"], one["RequesterFeedback"]) for one in decided] == [
        ("Approved", "an owl after all"),
        ("Approved", "thanks"),
    ]
    assert [bonus["BonusAmount"] for bonus in modern_state["bonuses"]["Name the birds"]] == ["0.50"]
    assert [block["WorkerId"] for block in modern_state["blocks"]] == ["<third>"]
    assert [(held["WorkerId"], held["IntegerValue"]) for held in modern_state["skilled"]["Granted"]] == [
        ("<first>", 91),
        ("<second>", 33),
    ]
    assert [held["WorkerId"] for held in modern_state["skilled"]["Revoked"]] == ["<fourth>"]
    assert [one["WorkerId"] for one in modern_state["requests"]] == ["<third>"]
    assert [qualification["Name"] for qualification in modern_state["types"]] == ["Knows birds"]
    assert any("More of them + 1" in line for line in modern_state["second"]["messages"])
    # 20.00 without three HITs that are left, what was paid for two that are gone, and the bonus.
    assert float(modern_state["balance"]) < 20
