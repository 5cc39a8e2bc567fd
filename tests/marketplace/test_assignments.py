"""Assignments from the worker's submission to the requester's decision."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from mturk_gateway.marketplace.documents.answers import render_answers
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.marketplace.services.working.workers import WorkerRefused
from mturk_translators import xml

DAY = 86_400
STATE = "AWS.MechanicalTurk.InvalidAssignmentState"
NOT_SUBMITTED = (
    400,
    "RequestError",
    STATE,
    "This operation can be called with a status of: Submitted (1700000000000)",
)
NAMESPACE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def read(client, assignment):
    return client.get_assignment(AssignmentId=assignment)["Assignment"]


def test_a_submission_has_every_member_that_clients_use_and_its_hit(house, client, clock):
    hit = house.create_hit(client)
    identifier = house.accept(hit)
    clock.advance(90)
    house.submit(identifier, [("dots", "7")])
    found = client.get_assignment(AssignmentId=identifier)

    assert {
        "AssignmentId": identifier,
        "WorkerId": "A1WORKER",
        "HITId": hit["HITId"],
        "AssignmentStatus": "Submitted",
        "AutoApprovalTime": moment(clock.now + 30 * DAY),
        "AcceptTime": moment(clock.now - 90),
        "SubmitTime": moment(clock.now),
        "Answer": '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        f'<QuestionFormAnswers xmlns="{NAMESPACE}">\n<Answer>\n<QuestionIdentifier>dots</QuestionIdentifier>\n'
        "<FreeText>7</FreeText>\n</Answer>\n</QuestionFormAnswers>\n",
    } == found["Assignment"]
    assert (hit["HITId"], "Reviewable") == (found["HIT"]["HITId"], found["HIT"]["HITStatus"])


def test_work_in_progress_is_invisible(house, client, failure):
    hit = house.create_hit(client)
    identifier = house.accept(hit)

    assert client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"] == []
    assert failure(client.get_assignment, AssignmentId=identifier) == (
        400,
        "RequestError",
        STATE,
        "This operation can be called with a status of: Reviewable,Approved,Rejected (1700000000000)",
    )
    assert failure(client.approve_assignment, AssignmentId=identifier) == NOT_SUBMITTED


def test_assignments_are_listed_by_submission_and_filtered_by_status(house, client, clock):
    hit = house.create_hit(client, MaxAssignments=4)
    in_progress = house.accept(hit, "A0")
    third, first, second = (house.accept(hit, worker) for worker in ("A3", "A1", "A2"))
    for identifier in (first, second, third):
        clock.advance(1)
        house.submit(identifier)
    client.approve_assignment(AssignmentId=second)
    client.reject_assignment(AssignmentId=third, RequesterFeedback="no")

    def listed(*statuses):
        page = client.list_assignments_for_hit(HITId=hit["HITId"], AssignmentStatuses=list(statuses))
        return [assignment["AssignmentId"] for assignment in page["Assignments"]]

    assert [first, second, third] == listed()
    assert [first] == listed("Submitted")
    assert [second, third] == listed("Rejected", "Approved")
    assert in_progress not in listed()
    pages = client.get_paginator("list_assignments_for_hit").paginate(
        HITId=hit["HITId"], PaginationConfig={"PageSize": 2}
    )
    assert [page["NumResults"] for page in pages] == [2, 1, 0]


def test_a_decision_stores_its_time_and_feedback_and_cannot_be_repeated(house, client, failure):
    approved, rejected = (house.work(house.create_hit(client)) for _ in range(2))
    client.approve_assignment(AssignmentId=approved, RequesterFeedback="Gut, danke")
    client.reject_assignment(AssignmentId=rejected, RequesterFeedback="Nein")

    found = read(client, approved)
    assert ("Approved", moment(1_700_000_000), "Gut, danke") == (
        found["AssignmentStatus"],
        found["ApprovalTime"],
        found["RequesterFeedback"],
    )
    found = read(client, rejected)
    assert ("Rejected", moment(1_700_000_000), "Nein") == (
        found["AssignmentStatus"],
        found["RejectionTime"],
        found["RequesterFeedback"],
    )
    for identifier in (approved, rejected):
        assert failure(client.approve_assignment, AssignmentId=identifier) == NOT_SUBMITTED
        assert failure(client.reject_assignment, AssignmentId=identifier, RequesterFeedback="x") == NOT_SUBMITTED
    assert failure(client.approve_assignment, AssignmentId=approved, OverrideRejection=True) == NOT_SUBMITTED


def test_an_empty_feedback_is_none_and_a_missing_one_violates_the_model(house, client):
    identifier = house.work(house.create_hit(client))
    missing = house.post("RejectAssignment", {"AssignmentId": identifier}).json()
    client.reject_assignment(AssignmentId=identifier, RequesterFeedback="")

    assert missing["message"] == (
        "1 validation error detected: Value null at 'requesterFeedback' failed to satisfy constraint: "
        "Member must not be null"
    )
    assert "RequesterFeedback" not in read(client, identifier)


def test_a_rejection_can_be_overridden_for_30_days_after_submission(house, client, clock, failure):
    in_time, late, undone = (house.work(house.create_hit(client)) for _ in range(3))
    for identifier in (in_time, late, undone):
        client.reject_assignment(AssignmentId=identifier, RequesterFeedback="no")
    client.delete_hit(HITId=read(client, undone)["HITId"])
    clock.advance(30 * DAY)
    assert failure(client.approve_assignment, AssignmentId=undone, OverrideRejection=True)[2] == STATE
    client.approve_assignment(AssignmentId=in_time, OverrideRejection=True)
    found = client.get_assignment(AssignmentId=in_time)

    assert ("Approved", moment(1_700_000_000), moment(clock.now)) == (
        found["Assignment"]["AssignmentStatus"],
        found["Assignment"]["RejectionTime"],
        found["Assignment"]["ApprovalTime"],
    )
    assert found["HIT"]["NumberOfAssignmentsCompleted"] == 1
    clock.advance(1)
    assert failure(client.approve_assignment, AssignmentId=late, OverrideRejection=True)[2] == STATE


def test_a_worker_takes_one_assignment_of_a_hit_while_there_are_any(house, client, clock):
    hit = house.create_hit(client, MaxAssignments=2, LifetimeInSeconds=60)
    house.accept(hit, "A1")
    with pytest.raises(WorkerRefused, match="already accepted"):
        house.accept(hit, "A1")
    house.accept(hit, "A2")
    with pytest.raises(WorkerRefused, match="no more available"):
        house.accept(hit, "A3")
    with pytest.raises(WorkerRefused, match="no such HIT"):
        house.accept({"HITId": "3NOSUCH"})
    expired = house.create_hit(client, LifetimeInSeconds=60)
    clock.advance(60)
    with pytest.raises(WorkerRefused, match="no more available"):
        house.accept(expired)


@pytest.mark.parametrize("worker", ["", "A", "a1", "B1", "A1\n", "A" * 65, "Ä1"])
def test_a_worker_id_has_amazons_form(house, client, worker):
    hit = house.create_hit(client)

    with pytest.raises(WorkerRefused, match="not a worker id"):
        house.accept(hit, worker)


def test_a_submission_counts_once_and_until_the_deadline(house, client, clock):
    hit = house.create_hit(client, MaxAssignments=2, LifetimeInSeconds=60)
    first, second = house.accept(hit, "A1"), house.accept(hit, "A2")
    clock.advance(599)
    house.submit(first, [("dots", "1")])
    with pytest.raises(WorkerRefused, match="already been submitted"):
        house.submit(first, [("dots", "2")])
    clock.advance(11)
    with pytest.raises(WorkerRefused, match="is over"):
        house.submit(second)
    with pytest.raises(WorkerRefused, match="no such assignment"):
        house.submit("3NOSUCH")

    assert "<FreeText>1</FreeText>" in read(client, first)["Answer"]


def test_of_many_workers_racing_for_the_last_slot_exactly_one_gets_it(house, client):
    hit = house.create_hit(client)
    barrier = threading.Barrier(8)
    won, lost = [], []

    def race(number):
        barrier.wait()
        try:
            with house.database.writing() as connection:
                won.append(workers.accept(connection, hit["HITId"], f"A{number}", 1_700_000_000))
        except WorkerRefused:
            lost.append(number)

    racers = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    assert (len(won), len(lost)) == (1, 7)
    assert client.get_hit(HITId=hit["HITId"])["HIT"]["NumberOfAssignmentsPending"] == 1


def test_answers_keep_their_order_join_repeated_names_and_carry_any_text():
    document = render_answers([("b", "<&>\r\n€"), ("a", "1"), ("b", "bell\x07"), ("c", "")])
    root = xml.parse(document)
    tag = f"{{{NAMESPACE}}}"

    assert [(answer.find(tag + "QuestionIdentifier").text, answer.find(tag + "FreeText").text) for answer in root] == [
        ("b", "<&>\r\n€|bell"),
        ("a", "1"),
        ("c", None),
    ]


def test_no_answers_are_a_document_without_children():
    assert list(xml.parse(render_answers([]))) == []
