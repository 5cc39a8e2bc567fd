"""More assignments, another type (modern-mturk 4.1)."""

from __future__ import annotations

import pytest

HIT_STATE = "AWS.MechanicalTurk.InvalidHITState"
WRONG_VALUE = "AWS.MechanicalTurk.InvalidParameterValue"


def read(client, hit):
    return client.get_hit(HITId=hit["HITId"])["HIT"]


def add(client, hit, number, **further):
    return client.create_additional_assignments_for_hit(
        HITId=hit["HITId"], NumberOfAdditionalAssignments=number, **further
    )


def dispose(client, hit):
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    client.delete_hit(HITId=hit["HITId"])


def test_a_hit_that_gets_more_assignments_can_be_worked_on_again(house, client):
    hit = house.create_hit(client)
    house.work(hit)
    client.update_hit_review_status(HITId=hit["HITId"])
    assert add(client, hit, 2).keys() == {"ResponseMetadata"}

    grown = read(client, hit)
    assert (grown["HITStatus"], grown["MaxAssignments"], grown["NumberOfAssignmentsAvailable"]) == ("Assignable", 3, 2)
    for worker in ("A2", "A3"):
        house.work(hit, worker)
    assert read(client, hit)["HITStatus"] == "Reviewable"


def test_more_assignments_do_not_give_more_time(house, client, clock):
    hit = house.create_hit(client)
    clock.advance(3600)
    client.update_hit_review_status(HITId=hit["HITId"])
    add(client, hit, 1)

    assert read(client, hit)["HITStatus"] == "Reviewing"
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=clock.now + 60)
    assert read(client, hit)["HITStatus"] == "Assignable"


@pytest.mark.parametrize(("before", "number"), [(1, 9), (9, 1), (5, 100)])
def test_a_small_hit_stays_small(house, client, failure, before, number):
    hit = house.create_hit(client, MaxAssignments=before)

    assert failure(add, client=client, hit=hit, number=number) == (
        400,
        "RequestError",
        "AWS.MechanicalTurk.InvalidMaximumAssignmentsIncrease",
        "A HIT that was created with fewer than 10 assignments cannot be extended to 10 or more. (1700000000000)",
    )
    assert read(client, hit)["MaxAssignments"] == before


def test_a_large_hit_may_grow_by_any_number(house, client):
    hit = house.create_hit(client, MaxAssignments=10)
    add(client, hit, 90)

    assert read(client, hit)["MaxAssignments"] == 100


@pytest.mark.parametrize(
    ("number", "name", "shown"),
    [
        (0, "NumberOfAdditionalAssignments", 0),
        (1_000_000_001, "NumberOfAdditionalAssignments", 1_000_000_001),
        (1_000_000_000, "MaxAssignments", 1_000_000_001),
    ],
)
def test_the_number_of_assignments_has_limits(house, client, failure, number, name, shown):
    hit = house.create_hit(client)

    assert failure(add, client=client, hit=hit, number=number) == (
        400,
        "ParameterValidationError",
        "AWS.ParameterOutOfRange",
        f"The value {shown} is invalid for {name}. Valid values range from 1 to 1000000000. (1700000000000)",
    )


def test_a_token_adds_assignments_once_and_is_known_after_a_restart(house, client, failure):
    hit = house.create_hit(client)
    first = add(client, hit, 1, UniqueRequestToken="once")["ResponseMetadata"]["RequestId"]
    house.restart()
    client = house.client()
    kind, code, message = failure(add, client=client, hit=hit, number=1, UniqueRequestToken="once")[1:]

    assert (kind, code) == ("RequestError", "AWS.MechanicalTurk.DuplicateRequest")
    assert first in message
    assert read(client, hit)["MaxAssignments"] == 2


def test_a_hit_takes_the_values_of_another_type(house, client, clock):
    hit = house.create_hit(client, MaxAssignments=2)
    begun = house.accept(hit)
    other = client.create_hit_type(
        Title="Count the lines",
        Description="Other",
        Reward="0.05",
        AssignmentDurationInSeconds=60,
        AutoApprovalDelayInSeconds=30,
        Keywords="k",
    )["HITTypeId"]
    client.update_hit_type_of_hit(HITId=hit["HITId"], HITTypeId=other)

    changed = read(client, hit)
    assert (changed["HITTypeId"], changed["Title"], changed["Keywords"]) == (other, "Count the lines", "k")
    assert changed["HITGroupId"] != hit["HITGroupId"]
    clock.advance(300)
    house.submit(begun)
    clock.advance(30)
    assert client.get_assignment(AssignmentId=begun)["Assignment"]["AssignmentStatus"] == "Approved"


def test_the_other_type_must_be_ones_own_and_pay_the_same(house, client, failure):
    hit = house.create_hit(client)
    values = {"Title": "T", "Description": "D", "AssignmentDurationInSeconds": 60}
    dearer = client.create_hit_type(**values, Reward="0.06")["HITTypeId"]
    of_bob = house.client("bob").create_hit_type(**values, Reward="0.05")["HITTypeId"]

    assert failure(client.update_hit_type_of_hit, HITId=hit["HITId"], HITTypeId=dearer) == (
        400,
        "RequestError",
        WRONG_VALUE,
        "The new HITType must have the same Reward as the HIT. (1700000000000)",
    )
    for unknown in (of_bob, "3NOSUCH"):
        assert failure(client.update_hit_type_of_hit, HITId=hit["HITId"], HITTypeId=unknown) == (
            400,
            "ParameterValidationError",
            WRONG_VALUE,
            f'The value "{unknown}" is not valid for the parameter HITTypeId. (1700000000000)',
        )


def test_a_type_that_requires_what_is_inactive_is_for_no_new_hit(house, client, failure):
    kind = {"Name": "K", "Description": "D", "QualificationTypeStatus": "Active"}
    required = client.create_qualification_type(**kind)["QualificationType"]["QualificationTypeId"]
    values = {"Title": "T", "Description": "D", "Reward": "0.05", "AssignmentDurationInSeconds": 60}
    requirement = {"QualificationTypeId": required, "Comparator": "Exists"}
    hit_type = client.create_hit_type(**values, QualificationRequirements=[requirement])["HITTypeId"]
    hit = house.create_hit(client)
    client.update_qualification_type(QualificationTypeId=required, QualificationTypeStatus="Inactive")
    expected = (400, "RequestError", "AWS.MechanicalTurk.InvalidQualificationTypeState")

    made = {"HITTypeId": hit_type, "LifetimeInSeconds": 60, "Question": house.question}
    assert failure(client.create_hit_with_hit_type, **made)[:3] == expected
    assert failure(client.update_hit_type_of_hit, HITId=hit["HITId"], HITTypeId=hit_type)[:3] == expected


def test_nothing_grows_or_changes_once_disposed(house, client, failure):
    hit = house.create_hit(client)
    dispose(client, hit)
    expected = (
        400,
        "RequestError",
        HIT_STATE,
        (
            "This HIT is currently in the state 'Disposed'.  "
            "This operation can be called with a status of: Assignable, Unassignable, Reviewable, Reviewing "
            "(1700000000000)"
        ),
    )

    assert failure(add, client=client, hit=hit, number=1) == expected
    assert failure(client.update_hit_type_of_hit, HITId=hit["HITId"], HITTypeId=hit["HITTypeId"]) == expected
    assert failure(client.update_expiration_for_hit, HITId=hit["HITId"], ExpireAt=1_800_000_000) == expected


def test_ending_what_was_disposed_of_succeeds_and_changes_nothing(house, client, clock):
    """Dallinger ends a HIT before it deletes it, and expects that one that is gone fails at the second step only."""
    hit = house.create_hit(client)
    dispose(client, hit)
    before = read(client, hit)
    clock.advance(10)

    assert client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0).keys() == {"ResponseMetadata"}
    assert read(client, hit) == before


def test_the_hits_of_others_do_not_exist(house, client, failure):
    hit = house.create_hit(house.client("bob"))

    for call, further in (
        (client.create_additional_assignments_for_hit, {"NumberOfAdditionalAssignments": 1}),
        (client.update_hit_type_of_hit, {"HITTypeId": hit["HITTypeId"]}),
    ):
        assert failure(call, HITId=hit["HITId"], **further)[2] == "AWS.MechanicalTurk.HITDoesNotExist"
