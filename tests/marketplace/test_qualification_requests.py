"""Asking for qualifications, taking tests, and the requester's decision (modern-mturk 4.3)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select, update

from mturk_gateway.marketplace.services.qualifying import requesting
from mturk_gateway.marketplace.services.timers import settle
from mturk_gateway.marketplace.services.working import worker_qualifications
from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.marketplace.tables import qualification_requests, qualification_types

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
TEST = (
    f'<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd">'
    "<Question><QuestionIdentifier>q</QuestionIdentifier><IsRequired>true</IsRequired>"
    "<QuestionContent><Text>Which?</Text></QuestionContent><AnswerSpecification><SelectionAnswer><Selections>"
    "<Selection><SelectionIdentifier>a</SelectionIdentifier><Text>A</Text></Selection>"
    "<Selection><SelectionIdentifier>b</SelectionIdentifier><Text>B</Text></Selection>"
    "</Selections></SelectionAnswer></AnswerSpecification></Question></QuestionForm>"
)
KEY = (
    f'<AnswerKey xmlns="{SCHEMAS}/2005-10-01/AnswerKey.xsd">'
    "<Question><QuestionIdentifier>q</QuestionIdentifier><AnswerOption><SelectionIdentifier>a</SelectionIdentifier>"
    "<AnswerScore>5</AnswerScore></AnswerOption><DefaultScore>-2</DefaultScore></Question></AnswerKey>"
)
TESTED = {"Test": TEST, "TestDurationInSeconds": 60}
RIGHT, WRONG = (("q", "a"),), (("q", "b"),)
ANSWERS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    f'<QuestionFormAnswers xmlns="{SCHEMAS}/2005-10-01/QuestionFormAnswers.xsd">\n'
    "<Answer>\n<QuestionIdentifier>q</QuestionIdentifier>\n<SelectionIdentifier>a</SelectionIdentifier>\n</Answer>\n"
    "</QuestionFormAnswers>\n"
)
NOT_PENDING = (
    400,
    "RequestError",
    "AWS.MechanicalTurk.InvalidQualificationRequestState",
    "This operation can be called with a status of: Submitted (1700000000000)",
)
HELD = "You already have this qualification."
ASKED = "You have already requested this qualification."
ONCE = "This qualification can be requested only once."


class Worker:
    """One who asks for qualifications at the house's time."""

    def __init__(self, house, identifier="A1"):
        self.house = house
        self.identifier = identifier

    def ask(self, kind):
        with self.house.database.writing() as connection:
            return requesting.request_qualification(connection, kind, self.identifier, self.house.clock.now)

    def hand_in(self, asked, answers=RIGHT):
        with self.house.database.writing() as connection:
            return requesting.submit_test(connection, asked.request_id, answers, self.house.clock.now)

    def refused(self, action, *arguments):
        with pytest.raises(WorkerRefused) as caught:
            action(*arguments)
        return str(caught.value)


@pytest.fixture
def worker(house):
    return Worker(house)


def create(client, name="Careful", **options):
    values = {"Name": name, "Description": "D", "QualificationTypeStatus": "Active", **options}
    return client.create_qualification_type(**values)["QualificationType"]["QualificationTypeId"]


def score(client, kind, worker="A1"):
    return client.get_qualification_score(QualificationTypeId=kind, WorkerId=worker)["Qualification"]["IntegerValue"]


def pending(client, **options):
    pages = client.get_paginator("list_qualification_requests").paginate(**options, PaginationConfig={"PageSize": 2})
    return [request for page in pages for request in page["QualificationRequests"]]


def ids(requests):
    return [request["QualificationRequestId"] for request in requests]


def accept(client, asked, **options):
    reply = client.accept_qualification_request(QualificationRequestId=asked.request_id, **options)
    assert reply.keys() == {"ResponseMetadata"}


def reject(client, asked, **options):
    reply = client.reject_qualification_request(QualificationRequestId=asked.request_id, **options)
    assert reply.keys() == {"ResponseMetadata"}


def test_without_a_test_the_requester_decides(client, worker):
    kind = create(client)
    asked = worker.ask(kind)

    assert asked.status == "Pending"
    assert pending(client) == [
        {
            "QualificationRequestId": asked.request_id,
            "QualificationTypeId": kind,
            "WorkerId": "A1",
            "SubmitTime": datetime.fromtimestamp(1_700_000_000, UTC),
        }
    ]
    accept(client, asked, IntegerValue=0)
    assert (score(client, kind), pending(client)) == (0, [])


def test_an_accepted_request_grants_1_unless_told(client, worker):
    kind = create(client)
    accept(client, worker.ask(kind))

    assert score(client, kind) == 1


def test_a_rejected_request_changes_nothing_that_is_held(client, worker):
    kind = create(client)
    asked = worker.ask(kind)
    client.associate_qualification_with_worker(QualificationTypeId=kind, WorkerId="A1", IntegerValue=4)
    assert ids(pending(client)) == [asked.request_id]
    reject(client, asked, Reason="no")

    assert (score(client, kind), pending(client)) == (4, [])


def test_a_decided_request_cannot_be_decided_again(client, failure, worker):
    accepted, rejected = worker.ask(create(client, "one")), worker.ask(create(client, "two"))
    granted = worker.ask(create(client, "three", AutoGranted=True))
    accept(client, accepted)
    reject(client, rejected)

    for asked in (accepted, rejected, granted):
        for decide in (client.accept_qualification_request, client.reject_qualification_request):
            assert failure(decide, QualificationRequestId=asked.request_id) == NOT_PENDING


def test_only_ones_own_submitted_requests_exist(house, client, failure, worker):
    testing, asked = worker.ask(create(client, **TESTED)), worker.ask(create(client, "Other"))
    bob = house.client("bob")

    for owner, identifier in ((client, testing.request_id), (client, "no such/id"), (bob, asked.request_id)):
        for decide in (owner.accept_qualification_request, owner.reject_qualification_request):
            assert failure(decide, QualificationRequestId=identifier) == (
                400,
                "RequestError",
                "AWS.MechanicalTurk.QualificationRequestDoesNotExist",
                f"QualificationRequest {identifier} does not exist. (1700000000000)",
            )
    assert pending(bob) == []
    assert ids(pending(client)) == [asked.request_id]


def test_requests_are_listed_newest_first_for_all_types_or_one(house, client, clock, failure):
    one, two = create(client, "one"), create(client, "two", **TESTED)
    asked = []
    for number, kind in enumerate((one, two, one, one)):
        asked.append(Worker(house, f"A{number}").ask(kind))
        clock.advance(1)
    Worker(house, "A1").hand_in(asked[1])

    newest = [asked[position].request_id for position in (1, 3, 2, 0)]
    assert ids(pending(client)) == newest
    assert ids(pending(client, QualificationTypeId=one)) == newest[1:]
    assert ids(pending(client, QualificationTypeId=two)) == newest[:1]
    assert client.list_qualification_requests()["NumResults"] == 4
    assert failure(house.client("bob").list_qualification_requests, QualificationTypeId=one)[2:] == (
        "AWS.MechanicalTurk.QualificationTypeDoesNotExist",
        f"QualificationType {one} does not exist. (1700000004000)",
    )


def test_an_auto_granted_qualification_is_there_at_once_and_no_request_is_listed(client, worker):
    kind = create(client, AutoGranted=True, AutoGrantedValue=7)

    assert worker.ask(kind).status == "Granted"
    assert (score(client, kind), pending(client)) == (7, [])


def test_a_key_grants_whatever_the_score_and_no_request_is_listed(house, client):
    kind = create(client, **TESTED, AnswerKey=KEY)
    for name, answers in (("A1", RIGHT), ("A2", WRONG)):
        worker = Worker(house, name)
        asked = worker.ask(kind)
        assert (asked.status, pending(client)) == ("Testing", [])
        assert worker.hand_in(asked, answers).status == "Granted"

    assert (score(client, kind, "A1"), score(client, kind, "A2"), pending(client)) == (5, -2, [])


def test_without_a_key_the_requester_gets_the_test_and_the_answers(client, clock, worker):
    kind = create(client, **TESTED)
    asked = worker.ask(kind)
    clock.advance(50)

    assert worker.hand_in(asked).status == "Pending"
    assert pending(client) == [
        {
            "QualificationRequestId": asked.request_id,
            "QualificationTypeId": kind,
            "WorkerId": "A1",
            "Test": TEST,
            "Answer": ANSWERS,
            "SubmitTime": datetime.fromtimestamp(1_700_000_050, UTC),
        }
    ]


def test_answers_are_checked_and_may_be_corrected(client, worker):
    kind = create(client, **TESTED, AnswerKey=KEY)
    asked = worker.ask(kind)

    assert worker.refused(worker.hand_in, asked, ()) == "The question 'q' must be answered."
    assert "There is no question 'r'." in worker.refused(worker.hand_in, asked, (*RIGHT, ("r", "x")))
    worker.hand_in(asked)
    assert worker.refused(worker.hand_in, asked, WRONG) == "This test is not open."
    assert score(client, kind) == 5


def test_answers_may_arrive_ten_seconds_late_and_then_it_is_over(house, client, clock):
    kind = create(client, **TESTED, AnswerKey=KEY)
    late, too_late = Worker(house, "A1"), Worker(house, "A2")
    asked = [worker.ask(kind) for worker in (late, too_late)]
    assert [outcome.due for outcome in asked] == [1_700_000_070] * 2
    clock.advance(69)
    late.hand_in(asked[0])
    clock.advance(1)

    assert too_late.refused(too_late.hand_in, asked[1]) == "The time for this test is over."
    assert (score(client, kind, "A1"), score(client, kind, "A2")) == (5, -2)


def test_a_test_that_is_not_handed_in_counts_as_without_answers_when_its_time_is_over(client, clock, worker):
    asked = worker.ask(create(client, **TESTED))
    clock.advance(69)
    assert pending(client) == []
    clock.advance(1000)

    (request,) = pending(client)
    assert (request["QualificationRequestId"], request["SubmitTime"].timestamp()) == (asked.request_id, 1_700_000_070)
    assert "<Answer>" not in request["Answer"]
    accept(client, asked)


def test_a_worker_cannot_outwait_a_test_to_begin_it_again(client, clock, worker):
    kind = create(client, **TESTED)
    worker.ask(kind)
    assert worker.refused(worker.ask, kind) == ASKED
    clock.advance(70)

    assert worker.refused(worker.ask, kind) == ASKED
    other = create(client, "scored", **TESTED, AnswerKey=KEY)
    worker.ask(other)
    clock.advance(70)
    assert worker.refused(worker.ask, other) == HELD


def test_the_test_is_the_one_that_the_worker_was_given(client, clock, worker):
    """With another test, the key in use is for questions that this worker was not asked."""
    kind = create(client, **TESTED, AnswerKey=KEY)
    asked = worker.ask(kind)
    other = TEST.replace("Which?", "Which of them?")
    client.update_qualification_type(
        QualificationTypeId=kind, Test=other, TestDurationInSeconds=10, AnswerKey=KEY.replace(">5<", ">6<")
    )
    clock.advance(60)

    assert worker.hand_in(asked).status == "Pending"
    assert pending(client)[0]["Test"] == TEST


def test_a_key_that_came_later_scores_the_same_test(client, worker):
    kind = create(client, **TESTED)
    asked = worker.ask(kind)
    client.update_qualification_type(QualificationTypeId=kind, **TESTED, AnswerKey=KEY)

    assert worker.hand_in(asked).status == "Granted"


def test_documents_that_were_stored_before_they_were_read_do_no_harm(house, client, worker):
    faulty, unscored = create(client, "faulty", **TESTED), create(client, "unscored", **TESTED, AnswerKey=KEY)
    with house.database.writing() as connection:
        for kind, changes in ((faulty, {"test": "<a/>"}), (unscored, {"answer_key": "<a/>"})):
            connection.execute(update(qualification_types).where(qualification_types.c.id == kind).values(changes))

    assert worker.refused(worker.ask, faulty) == (
        "The test for this qualification is faulty. Its requester has to replace it."
    )
    assert worker.hand_in(worker.ask(unscored)).status == "Pending"


def test_without_a_retry_delay_there_is_one_request_ever(client, clock, worker):
    rejected, revoked, given = (create(client, name) for name in ("rejected", "revoked", "given"))
    asked = worker.ask(rejected)
    assert worker.refused(worker.ask, rejected) == ASKED
    reject(client, asked)
    clock.advance(10**8)
    assert worker.refused(worker.ask, rejected) == ONCE
    accept(client, worker.ask(revoked))
    assert worker.refused(worker.ask, revoked) == HELD
    client.disassociate_qualification_from_worker(QualificationTypeId=revoked, WorkerId="A1")
    assert worker.refused(worker.ask, revoked) == ONCE
    client.associate_qualification_with_worker(QualificationTypeId=given, WorkerId="A1")
    assert worker.refused(worker.ask, given) == HELD


def test_with_a_retry_delay_one_may_ask_again_when_it_has_passed_since_the_last_request(client, clock, worker):
    kind = create(client, **TESTED, AnswerKey=KEY, RetryDelayInSeconds=100)
    worker.hand_in(worker.ask(kind), WRONG)
    clock.advance(99)
    assert worker.refused(worker.ask, kind) == "You can request this qualification again in 1 seconds."
    clock.advance(1)
    assert score(client, kind) == -2
    worker.hand_in(worker.ask(kind))

    assert score(client, kind) == 5
    assert worker.refused(worker.ask, kind) == "You can request this qualification again in 100 seconds."


def test_retries_can_be_allowed_later(client, worker):
    kind = create(client)
    reject(client, worker.ask(kind))
    client.update_qualification_type(QualificationTypeId=kind, RetryDelayInSeconds=0)

    assert worker.ask(kind).status == "Pending"
    assert worker.refused(worker.ask, kind) == ASKED


def test_an_open_request_is_the_last_among_those_of_a_second_in_whatever_order_they_are_found(house, client, worker):
    kind = create(client, RetryDelayInSeconds=0)
    asked = worker.ask(kind)
    with house.database.writing() as connection:
        row = connection.execute(select(qualification_requests)).mappings().one()
        connection.execute(insert(qualification_requests), {**row, "id": "3REJECTED", "status": "Rejected"})

    assert worker.refused(worker.ask, kind) == ASKED
    assert ids(pending(client)) == [asked.request_id]


def test_asking_again_does_not_bring_back_the_value_that_is_granted_to_all(client, worker):
    kind = create(client, AutoGranted=True, RetryDelayInSeconds=0)
    worker.ask(kind)
    client.associate_qualification_with_worker(QualificationTypeId=kind, WorkerId="A1", IntegerValue=-9)

    assert worker.refused(worker.ask, kind) == HELD
    client.disassociate_qualification_from_worker(QualificationTypeId=kind, WorkerId="A1")
    assert worker.ask(kind).status == "Granted"


def test_inactive_deleted_amazons_and_unknown_types_cannot_be_requested(client, worker):
    off, gone = create(client, "off", QualificationTypeStatus="Inactive"), create(client, "gone")
    client.delete_qualification_type(QualificationTypeId=gone)

    assert worker.refused(worker.ask, off) == "This qualification cannot be requested at present."
    for kind in (gone, "00000000000000000071", "3NOSUCH"):
        assert worker.refused(worker.ask, kind) == "There is no such qualification."


def test_with_a_type_go_the_requests_for_it(house, client, failure, worker):
    kind, other = create(client, **TESTED), create(client, "other")
    testing, kept = worker.ask(kind), worker.ask(other)
    waiting = Worker(house, "A2").ask(kind)
    Worker(house, "A2").hand_in(waiting)
    client.delete_qualification_type(QualificationTypeId=kind)

    assert ids(pending(client)) == [kept.request_id]
    assert failure(client.accept_qualification_request, QualificationRequestId=waiting.request_id) == NOT_PENDING
    assert worker.refused(worker.hand_in, testing) == "This test is not open."
    house.clock.advance(10_000)
    assert ids(pending(client)) == [kept.request_id]


def test_a_worker_sees_what_is_held_what_was_asked_for_and_what_is_offered(house, client, clock, worker):
    granted, rejected, testing, again = (
        create(client, name, **options)
        for name, options in (
            ("granted", {"AutoGranted": True, "AutoGrantedValue": 3}),
            ("rejected", {}),
            ("testing", TESTED),
            ("again", {"RetryDelayInSeconds": 5}),
        )
    )
    create(client, "off", QualificationTypeStatus="Inactive")
    client.delete_qualification_type(QualificationTypeId=create(client, "gone"))
    create(house.client("sandy", sandbox=True), "elsewhere")
    fresh = create(house.client("bob"), "fresh", **TESTED)
    revoked = create(client, "revoked")
    worker.ask(granted)
    refused, begun = worker.ask(rejected), worker.ask(testing)
    reject(client, refused, Reason="too hasty")
    tried = worker.ask(again)
    reject(client, tried)
    clock.advance(5)
    client.associate_qualification_with_worker(QualificationTypeId=revoked, WorkerId="A1", IntegerValue=2)
    client.disassociate_qualification_from_worker(QualificationTypeId=revoked, WorkerId="A1", Reason="sleepy")

    with house.database.reading() as connection:
        held = worker_qualifications.holdings(connection, "A1")
        asked = worker_qualifications.asked_for(connection, "A1")
        offers = worker_qualifications.offers(connection, "A1", clock.now, sandbox=False)
        elsewhere = worker_qualifications.offers(connection, "A1", clock.now, sandbox=True)
    assert held == [
        (revoked, "revoked", "Revoked", 2, 1_700_000_005, "sleepy"),
        (granted, "granted", "Granted", 3, 1_700_000_000, None),
    ]
    assert sorted(asked) == sorted(
        [
            (refused.request_id, rejected, "rejected", "Rejected", 1_700_000_000, None, "too hasty"),
            (begun.request_id, testing, "testing", "Testing", 1_700_000_000, 1_700_000_070, None),
            (tried.request_id, again, "again", "Rejected", 1_700_000_000, None, None),
        ]
    )
    assert sorted(offers) == sorted(
        [
            (again, "again", "D", "alice", False),
            (fresh, "fresh", "D", "bob", True),
            (revoked, "revoked", "D", "alice", False),
        ]
    )
    assert [offer.name for offer in elsewhere] == ["elsewhere"]


def test_what_is_offered_can_be_asked_for_and_nothing_else(house, client, clock):
    """The list and the rule agree, also for requests of the same second."""
    worker = Worker(house)
    kinds = [
        create(client, "once"),
        create(client, "often", RetryDelayInSeconds=0),
        create(client, "seldom", RetryDelayInSeconds=30),
        create(client, "free", AutoGranted=True),
        create(client, "test", **TESTED, RetryDelayInSeconds=0),
    ]
    for round_ in range(8):
        with house.database.writing() as connection:
            settle(connection, clock.now)
            offered = {
                offer.type_id for offer in worker_qualifications.offers(connection, "A1", clock.now, sandbox=False)
            }
        for kind in kinds:
            if kind in offered:
                asked = worker.ask(kind)
                if asked.status == "Pending":
                    reject(client, asked)
            else:
                assert worker.refused(worker.ask, kind)
        clock.advance(round_ % 2 * 40)
