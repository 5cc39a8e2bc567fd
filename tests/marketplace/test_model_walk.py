"""A walk over the whole service model: one long life in which everything that it knows is used and comes back.

What no life shows is listed here with the reason. Nothing else may be missing.
"""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel

from marketplace.conftest import HIT_TYPE, QUESTION, SCHEMAS
from mturk_gateway.marketplace.requesters import get_requester, set_terms
from mturk_gateway.marketplace.services.judging import uploads
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.publishing.hit_layouts import keep_layout
from mturk_gateway.marketplace.services.qualifying import requesting

MODEL = ServiceModel(Loader().load_service_model("mturk", "service-2", "2017-01-17"))
LOCALE = "00000000000000000071"
TEST = (
    f'<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd"><Question><QuestionIdentifier>q</QuestionIdentifier>'
    "<QuestionContent><Text>?</Text></QuestionContent><AnswerSpecification><FreeTextAnswer/></AnswerSpecification>"
    "</Question></QuestionForm>"
)
UPLOAD = TEST.replace(
    "<FreeTextAnswer/>",
    "<FileUploadAnswer><MaxFileSizeInBytes>9</MaxFileSizeInBytes><MinFileSizeInBytes>1</MinFileSizeInBytes>"
    "</FileUploadAnswer>",
)
KEY = (
    f'<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd"><Question><QuestionIdentifier>q</QuestionIdentifier>'
    "<AnswerOption><SelectionIdentifier>a</SelectionIdentifier><AnswerScore>1</AnswerScore></AnswerOption></Question>"
    "</AnswerKey>"
)

MEMBERS_NEVER_GIVEN = {
    ("Assignment", "Deadline"): "no recording has it, and no assignment is shown before it is submitted",
    ("Qualification", "LocaleValue"): "where a worker lives is the worker's to tell; requesters only require it",
    ("ReviewPolicy", "Parameters"): "a review report names its policy and no more",
    ("PolicyParameter", "Key"): "as above",
    ("PolicyParameter", "Values"): "as above",
    ("PolicyParameter", "MapEntries"): "as above",
    ("ParameterMapEntry", "Key"): "as above",
    ("ParameterMapEntry", "Values"): "as above",
    ("ServiceFault", "Message"): "a failure of our own; test_wire provokes one",
    ("ServiceFault", "TurkErrorCode"): "a failure of our own; test_wire provokes one",
}
VALUES_NEVER_GIVEN = {
    ("HITReviewStatus", "MarkedForReview"): "moderation by Amazon's staff, which nobody does here",
    ("HITReviewStatus", "ReviewedAppropriate"): "as above",
    ("HITReviewStatus", "ReviewedInappropriate"): "as above",
    ("NotifyWorkersFailureCode", "SoftFailure"): "messages are kept here, which never fails for the time being",
    ("ReviewActionStatus", "Intended"): "actions are carried out at once",
    ("ReviewActionStatus", "Cancelled"): "as above",
}


class Walk:
    """What has been sent and received: operations, (structure, member) and (enumeration, value) in both directions."""

    def __init__(self):
        self.succeeded = set()
        self.sent = set()
        self.received = set()

    def watch(self, client):
        client.meta.events.register("provide-client-params.mturk", self._note_request)
        client.meta.events.register("before-parse.mturk", self._note_reply)
        return client

    def _note_request(self, params, model, **_):
        self._walk(model.input_shape, params, self.sent)

    def _note_reply(self, operation_model, response_dict, **_):
        document = json.loads(response_dict["body"])
        if response_dict["status_code"] == 200:
            self.succeeded.add(operation_model.name)
            self._walk(operation_model.output_shape, document, self.received)
        elif document["__type"] in MODEL.shape_names:
            kind = document.pop("__type")
            self._walk(MODEL.shape_for(kind), document, self.received)

    def _walk(self, shape, value, seen):
        """Note what a value has; everything in it must be of the type that its shape says."""
        match shape.type_name:
            case "structure":
                assert value.keys() <= shape.members.keys()
                for name, item in value.items():
                    seen.add((shape.name, name))
                    self._walk(shape.members[name], item, seen)
            case "list":
                for item in value:
                    self._walk(shape.member, item, seen)
            case "string":
                assert isinstance(value, str)
                if shape.metadata.get("enum"):
                    seen.add((shape.name, value))
            case "boolean":
                assert isinstance(value, bool)
            case "integer" | "long":
                assert type(value) is int
            case "timestamp":
                assert seen is self.sent or type(value) is int


def shapes(shape):
    """All shapes below one, itself too."""
    yield shape
    if shape.type_name == "structure":
        for member in shape.members.values():
            yield from shapes(member)
    elif shape.type_name == "list":
        yield from shapes(shape.member)


def of_model(direction):
    """All (structure, member) and (enumeration, value) of the inputs or of the outputs."""
    members, values = set(), set()
    for name in MODEL.operation_names:
        operation = MODEL.operation_model(name)
        roots = [operation.input_shape] if direction == "input" else [operation.output_shape, *operation.error_shapes]
        for shape in (below for root in roots for below in shapes(root)):
            if shape.type_name == "structure":
                members |= {(shape.name, member) for member in shape.members}
            values |= {(shape.name, value) for value in shape.metadata.get("enum", ())}
    return members, values


@pytest.fixture
def walk(house, client, clock):
    """Everything is done that can be done."""
    walk = Walk()
    walk.watch(client)
    with house.database.writing() as connection:
        keep_layout(connection, get_requester(connection, "alice"), "3LAYOUT", "<form>${word}</form>", 0, 1)
    life = Life(house, client, clock)
    for part in (life.qualify, life.require, life.work, life.review, life.tell, life.pay, life.fail, life.list_all):
        part()
    return walk


class Life:
    """What happens, part by part."""

    def __init__(self, house, client, clock):
        self.house = house
        self.client = client
        self.clock = clock

    def as_worker(self, action, *given):
        with self.house.database.writing() as connection:
            return action(connection, *given, int(self.clock()))

    def qualify(self):
        client = self.client
        common = {"Description": "D", "QualificationTypeStatus": "Active"}
        tested = client.create_qualification_type(
            Name="Tested",
            **common,
            Keywords="k",
            RetryDelayInSeconds=60,
            Test=TEST,
            AnswerKey=KEY,
            TestDurationInSeconds=60,
            AutoGranted=False,
        )["QualificationType"]["QualificationTypeId"]
        given = client.create_qualification_type(Name="Given", **common, AutoGranted=True, AutoGrantedValue=7)
        self.given = given["QualificationType"]["QualificationTypeId"]
        client.get_qualification_type(QualificationTypeId=tested)
        self.asked = client.create_qualification_type(Name="Asked", **common)["QualificationType"][
            "QualificationTypeId"
        ]
        for worker in ("A1", "A2"):
            self.as_worker(requesting.request_qualification, self.asked, worker)
        client.update_qualification_type(
            QualificationTypeId=tested,
            Description="E",
            QualificationTypeStatus="Active",
            Test=TEST,
            TestDurationInSeconds=90,
            RetryDelayInSeconds=30,
        )
        client.update_qualification_type(QualificationTypeId=tested, QualificationTypeStatus="Inactive")
        client.update_qualification_type(
            QualificationTypeId=tested, QualificationTypeStatus="Active", Test=TEST, TestDurationInSeconds=90
        )
        asked = self.as_worker(requesting.request_qualification, tested, "A3")
        self.as_worker(requesting.submit_test, asked.request_id, [("q", "a")])
        of_tested = client.list_qualification_requests(QualificationTypeId=tested)["QualificationRequests"]
        client.reject_qualification_request(
            QualificationRequestId=of_tested[0]["QualificationRequestId"], Reason="Not yet"
        )
        client.update_qualification_type(QualificationTypeId=tested, Test=TEST, TestDurationInSeconds=90, AnswerKey=KEY)
        for request in client.list_qualification_requests()["QualificationRequests"]:
            client.accept_qualification_request(
                QualificationRequestId=request["QualificationRequestId"], IntegerValue=5
            )
        client.associate_qualification_with_worker(
            QualificationTypeId=self.asked, WorkerId="A4", IntegerValue=9, SendNotification=False
        )
        client.disassociate_qualification_from_worker(QualificationTypeId=self.asked, WorkerId="A4", Reason="r")
        client.get_qualification_score(QualificationTypeId=self.asked, WorkerId="A1")
        for status in ("Granted", "Revoked"):
            client.list_workers_with_qualification_type(QualificationTypeId=self.asked, Status=status)
        client.update_qualification_type(QualificationTypeId=self.given, AutoGranted=True, AutoGrantedValue=8)
        client.list_qualification_types(Query="as", MustBeRequestable=True, MustBeOwnedByCaller=False)

    def require(self):
        numbers = {
            "LessThan": [100],
            "LessThanOrEqualTo": [100],
            "GreaterThan": [1],
            "GreaterThanOrEqualTo": [1],
            "NotEqualTo": [100],
            "In": [5, 9],
            "NotIn": [100],
        }
        guarded = ("Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept")
        requirements = [
            {"QualificationTypeId": self.asked, "Comparator": name, "IntegerValues": values, "ActionsGuarded": action}
            for (name, values), action in zip(numbers.items(), guarded * 3, strict=False)
        ]
        requirements += [
            {"QualificationTypeId": self.given, "Comparator": "DoesNotExist", "RequiredToPreview": False},
            {"QualificationTypeId": self.asked, "Comparator": "Exists"},
            {
                "QualificationTypeId": LOCALE,
                "Comparator": "EqualTo",
                "LocaleValues": [{"Country": "US", "Subdivision": "NY"}],
            },
        ]
        self.client.create_hit(
            **HIT_TYPE,
            Keywords="dots",
            AutoApprovalDelayInSeconds=1000,
            LifetimeInSeconds=3600,
            MaxAssignments=5,
            Question=QUESTION,
            RequesterAnnotation="a",
            UniqueRequestToken="t",
            QualificationRequirements=requirements,
        )
        self.client.list_hits_for_qualification_type(QualificationTypeId=self.asked)

    def work(self):
        client, house = self.client, self.house
        made = client.create_hit_type(
            **HIT_TYPE, Keywords="other", AutoApprovalDelayInSeconds=500, QualificationRequirements=[]
        )["HITTypeId"]
        self.hit_type = made
        hit = client.create_hit_with_hit_type(
            HITTypeId=made,
            LifetimeInSeconds=3600,
            MaxAssignments=2,
            HITLayoutId="3LAYOUT",
            HITLayoutParameters=[{"Name": "word", "Value": "hello"}],
            RequesterAnnotation="b",
            UniqueRequestToken="u",
        )["HIT"]
        self.with_layout = hit
        approved, rejected = house.work(hit, "A1"), house.work(hit, "A2")
        client.list_assignments_for_hit(HITId=hit["HITId"])
        client.approve_assignment(AssignmentId=approved, RequesterFeedback="Thank you")
        client.reject_assignment(AssignmentId=rejected, RequesterFeedback="No")
        for status in ("Approved", "Rejected"):
            client.list_assignments_for_hit(HITId=hit["HITId"], AssignmentStatuses=[status, "Submitted"])
        client.approve_assignment(AssignmentId=rejected, OverrideRejection=True)
        client.get_assignment(AssignmentId=rejected)
        self.assignment = approved
        client.list_reviewable_hits(HITTypeId=made, Status="Reviewable")
        client.update_hit_review_status(HITId=hit["HITId"], Revert=False)
        client.list_reviewable_hits(Status="Reviewing")
        client.get_hit(HITId=hit["HITId"])
        client.create_additional_assignments_for_hit(
            HITId=hit["HITId"], NumberOfAdditionalAssignments=1, UniqueRequestToken="v"
        )
        house.accept(hit, "A3")
        client.get_hit(HITId=hit["HITId"])
        layout = {"HITLayoutId": "3LAYOUT", "HITLayoutParameters": []}
        other = house.create_hit(client, Title="Other", Question=None, **layout)["HITId"]
        client.update_hit_type_of_hit(HITId=other, HITTypeId=made)
        client.update_expiration_for_hit(HITId=other, ExpireAt=0)
        client.delete_hit(HITId=other)
        client.get_hit(HITId=other)

        files = house.create_hit(client, Question=UPLOAD)
        accepted = house.accept(files)
        with house.database.writing() as connection:
            uploads.store_file(connection, accepted, "q", "a.txt", b"text")
        house.submit(accepted, [])
        client.get_file_upload_url(AssignmentId=accepted, QuestionIdentifier="q")

    def review(self):
        client, house = self.client, self.house
        known = {
            "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
            "Parameters": [
                {"Key": "AnswerKey", "MapEntries": [{"Key": "q", "Values": ["right"]}]},
                {"Key": "ApproveIfKnownAnswerScoreIsAtLeast", "Values": ["100"]},
            ],
        }
        plurality = {
            "PolicyName": "SimplePlurality/2011-09-01",
            "Parameters": [
                {"Key": "QuestionIds", "Values": ["q"]},
                {"Key": "QuestionAgreementThreshold", "Values": ["50"]},
                {"Key": "DisregardAssignmentIfRejected", "Values": ["F"]},
                {"Key": "RejectIfWorkerAgreementScoreIsLessThan", "Values": ["50"]},
            ],
        }
        policies = {"AssignmentReviewPolicy": known, "HITReviewPolicy": plurality}
        hit = house.create_hit(client, MaxAssignments=3, **policies)
        for worker, answer in (("A1", "right"), ("A2", "wrong"), ("A3", "wrong")):
            house.work(hit, worker, [("q", answer)])
        asked = {"PolicyLevels": ["Assignment", "HIT"], "RetrieveActions": True, "RetrieveResults": True}
        token = {}
        while True:
            page = client.list_review_policy_results_for_hit(HITId=hit["HITId"], MaxResults=3, **asked, **token)
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        client.create_hit_with_hit_type(
            HITTypeId=self.hit_type, LifetimeInSeconds=60, Question=QUESTION, MaxAssignments=1, **policies
        )

    def tell(self):
        client = self.client
        client.create_worker_block(WorkerId="A9", Reason="r")
        client.list_worker_blocks()
        client.delete_worker_block(WorkerId="A9", Reason="r")
        client.notify_workers(Subject="S", MessageText="M", WorkerIds=["A1", "A9"])
        events = list(MODEL.shape_for("EventType").enum)
        specification = {
            "Destination": "https://example.org/hook",
            "Transport": "SNS",
            "Version": "2014-08-15",
            "EventTypes": [event for event in events if event != "Ping"],
        }
        client.update_notification_settings(HITTypeId=self.hit_type, Notification=specification, Active=True)
        for transport, destination in (("Email", "me@example.org"), ("SQS", "https://sqs.example.org/1/queue")):
            for event in events:
                client.send_test_event_notification(
                    Notification={**specification, "Transport": transport, "Destination": destination},
                    TestEventType=event,
                )

    def pay(self):
        client = self.client
        client.send_bonus(
            WorkerId="A1", BonusAmount="0.10", AssignmentId=self.assignment, Reason="r", UniqueRequestToken="w"
        )
        client.list_bonus_payments(HITId=self.with_layout["HITId"])
        client.list_bonus_payments(AssignmentId=self.assignment)
        with self.house.database.writing() as connection:
            alice = get_requester(connection, "alice")
            set_terms(connection, alice, prepaid=True)
            money.pay_in(connection, alice, 100_00, 1)
        client.get_account_balance()

    def fail(self):
        for _ in range(2):
            with suppress(ClientError):
                self.client.get_hit(HITId="3NOSUCH")

    def list_all(self):
        """Every botocore paginator, to its end."""
        hit = self.with_layout["HITId"]
        needed = {
            "ListAssignmentsForHIT": {"HITId": hit},
            "ListBonusPayments": {"HITId": hit},
            "ListHITsForQualificationType": {"QualificationTypeId": self.asked},
            "ListQualificationTypes": {"MustBeRequestable": False},
            "ListWorkersWithQualificationType": {"QualificationTypeId": self.asked},
        }
        for number in range(3):
            self.client.create_worker_block(WorkerId=f"A{number}", Reason="r")
        self.client.create_qualification_type(Name="W", Description="D", QualificationTypeStatus="Active")
        self.as_worker(requesting.request_qualification, self.asked, "A7")
        self.paged = {}
        for operation in sorted(MODEL.operation_names):
            name = xform_name(operation)
            if self.client.can_paginate(name):
                pages = self.client.get_paginator(name).paginate(
                    **needed.get(operation, {}), PaginationConfig={"PageSize": 1}
                )
                numbers = [page["NumResults"] for page in pages]
                assert numbers[-1] == 0
                assert set(numbers[:-1]) <= {1}
                self.paged[operation] = sum(numbers)
        self.client.delete_qualification_type(QualificationTypeId=self.given)
        assert len(self.paged) == 9
        assert {operation for operation, number in self.paged.items() if number < 1} == set()
        for operation, given in needed.items():
            call = getattr(self.client, xform_name(operation))
            call(**given, MaxResults=1, NextToken=call(**given, MaxResults=1)["NextToken"])


def test_everything_that_can_be_sent_is_accepted(walk):
    members, values = of_model("input")

    assert set(MODEL.operation_names) == walk.succeeded
    assert (members | values) - walk.sent == set()


def test_everything_that_can_come_back_does_or_is_listed_with_a_reason(walk):
    members, values = of_model("output")

    assert members - walk.received == set(MEMBERS_NEVER_GIVEN)
    assert values - walk.received == set(VALUES_NEVER_GIVEN)
