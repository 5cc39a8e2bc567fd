"""What happens by itself, computed from stored times (modern-mturk 3.3)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mturk_gateway.marketplace.services.working.workers import WorkerRefused


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def hit_of(client, hit):
    found = client.get_hit(HITId=hit["HITId"])["HIT"]
    return found["HITStatus"], found["NumberOfAssignmentsPending"], found["NumberOfAssignmentsAvailable"]


def test_work_not_submitted_by_its_deadline_is_abandoned_and_frees_the_slot(house, client, clock, failure):
    """Which shows ten seconds later, because until then a submission may be on its way."""
    hit = house.create_hit(client)
    abandoned = house.accept(hit, "A1")
    clock.advance(609)
    assert hit_of(client, hit) == ("Unassignable", 1, 0)
    clock.advance(1)

    assert hit_of(client, hit) == ("Assignable", 0, 1)
    assert failure(client.get_assignment, AssignmentId=abandoned)[2] == "AWS.MechanicalTurk.AssignmentDoesNotExist"
    again = house.accept(hit, "A1")
    assert abandoned != again
    with pytest.raises(WorkerRefused):
        house.submit(abandoned)


def test_the_slot_of_an_overdue_worker_is_free_without_anybody_looking_first(house, client, clock):
    hit = house.create_hit(client)
    house.accept(hit, "A1")
    clock.advance(610)

    assert house.accept(hit, "A2")


def test_a_submission_nobody_decides_is_approved_when_its_delay_is_over(house, client, clock):
    hit = house.create_hit(client, AutoApprovalDelayInSeconds=100, MaxAssignments=3)
    waiting, decided = house.work(hit, "A1"), house.work(hit, "A2")
    client.reject_assignment(AssignmentId=decided, RequesterFeedback="no")
    clock.advance(99)
    assert client.get_assignment(AssignmentId=waiting)["Assignment"]["AssignmentStatus"] == "Submitted"
    clock.advance(100_000)
    found = client.get_assignment(AssignmentId=waiting)

    assert ("Approved", moment(1_700_000_100)) == (
        found["Assignment"]["AssignmentStatus"],
        found["Assignment"]["ApprovalTime"],
    )
    assert "RequesterFeedback" not in found["Assignment"]
    assert found["HIT"]["NumberOfAssignmentsCompleted"] == 2
    assert client.get_assignment(AssignmentId=decided)["Assignment"]["AssignmentStatus"] == "Rejected"


def test_a_delay_of_zero_approves_at_once(house, client):
    hit = house.create_hit(client, AutoApprovalDelayInSeconds=0)
    found = client.get_assignment(AssignmentId=house.work(hit))

    assert ("Approved", found["Assignment"]["SubmitTime"]) == (
        found["Assignment"]["AssignmentStatus"],
        found["Assignment"]["ApprovalTime"],
    )


def test_what_fell_due_while_the_server_was_down_has_happened_when_it_is_back(house, client, clock):
    hit = house.create_hit(client, AutoApprovalDelayInSeconds=1000, MaxAssignments=3, LifetimeInSeconds=100)
    submitted = house.work(hit, "A1")
    house.accept(hit, "A2")
    house.stop()
    clock.advance(5000)
    house.start()
    client = house.client()

    assert hit_of(client, hit) == ("Reviewable", 0, 2)
    assert client.get_assignment(AssignmentId=submitted)["Assignment"]["AssignmentStatus"] == "Approved"


def test_listings_and_writes_settle_too(house, client, clock):
    hit = house.create_hit(client, MaxAssignments=1, LifetimeInSeconds=100)
    house.accept(hit)
    clock.advance(610)

    assert [{"HITId": hit["HITId"]}] == client.list_reviewable_hits()["HITs"]
    client.delete_hit(HITId=hit["HITId"])
    assert hit_of(client, hit)[0] == "Disposed"
