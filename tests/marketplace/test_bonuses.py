"""Bonuses (modern-mturk 4.2)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

WRONG_VALUE = "AWS.MechanicalTurk.InvalidParameterValue"
UNKNOWN = "AWS.MechanicalTurk.AssignmentDoesNotExist"
BONUS = {"WorkerId": "A1WORKER", "BonusAmount": "0.5", "Reason": "Thank you"}


@pytest.fixture
def work(house, client):
    return house.work(house.create_hit(client))


def test_a_bonus_is_listed_by_assignment_and_by_hit_newest_first(house, client, clock):
    hit = house.create_hit(client, MaxAssignments=2)
    first, second = house.work(hit, "A1"), house.work(hit, "A2")
    house.work(house.create_hit(client), "A3")
    assert client.send_bonus(**{**BONUS, "WorkerId": "A1"}, AssignmentId=first).keys() == {"ResponseMetadata"}
    clock.advance(1)
    client.send_bonus(WorkerId="A2", BonusAmount="12", Reason="More", AssignmentId=second)
    of_first = {
        "WorkerId": "A1",
        "BonusAmount": "0.50",
        "AssignmentId": first,
        "Reason": "Thank you",
        "GrantTime": datetime.fromtimestamp(clock.now - 1, UTC),
    }
    of_second = {
        "WorkerId": "A2",
        "BonusAmount": "12.00",
        "AssignmentId": second,
        "Reason": "More",
        "GrantTime": datetime.fromtimestamp(clock.now, UTC),
    }

    listed = client.list_bonus_payments(HITId=hit["HITId"])
    assert (listed["NumResults"], listed["BonusPayments"]) == (2, [of_second, of_first])
    assert client.list_bonus_payments(AssignmentId=first)["BonusPayments"] == [of_first]
    assert client.list_bonus_payments(AssignmentId=first, HITId=hit["HITId"])["BonusPayments"] == [of_first]


def test_pages_of_bonuses_follow_each_other(house, client):
    assignment = house.work(house.create_hit(client))
    for number in range(5):
        client.send_bonus(**{**BONUS, "Reason": str(number)}, AssignmentId=assignment)
    pages = client.get_paginator("list_bonus_payments").paginate(
        AssignmentId=assignment, PaginationConfig={"PageSize": 2}
    )

    assert sorted(bonus["Reason"] for page in pages for bonus in page["BonusPayments"]) == list("01234")


def test_a_list_of_bonuses_without_any_is_empty_and_still_there(client, work):
    reply = client.list_bonus_payments(AssignmentId=work)

    assert (reply["NumResults"], reply["BonusPayments"], "NextToken" in reply) == (0, [], False)


def test_rejected_work_can_have_a_bonus(client, work):
    client.reject_assignment(AssignmentId=work, RequesterFeedback="no")
    client.send_bonus(**BONUS, AssignmentId=work)


def test_a_token_gives_one_bonus_and_names_the_request_that_gave_it(client, work, failure, clock):
    given = client.send_bonus(**BONUS, AssignmentId=work, UniqueRequestToken="once")["ResponseMetadata"]["RequestId"]

    assert failure(client.send_bonus, **BONUS, AssignmentId=work, UniqueRequestToken="once") == (
        400,
        "RequestError",
        "AWS.MechanicalTurk.DuplicateRequest",
        (
            'The request with the UniqueRequestToken "once" has already been carried out. '
            f"RequestId: {given} (1700000000000)"
        ),
    )
    assert client.list_bonus_payments(AssignmentId=work)["NumResults"] == 1
    clock.advance(86_400)
    client.send_bonus(**BONUS, AssignmentId=work, UniqueRequestToken="once")


def test_a_refused_bonus_does_not_use_its_token_up(client, work, failure):
    failure(client.send_bonus, **{**BONUS, "WorkerId": "A2"}, AssignmentId=work, UniqueRequestToken="once")
    client.send_bonus(**BONUS, AssignmentId=work, UniqueRequestToken="once")


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"WorkerId": "A2"}, WRONG_VALUE, 'The value "A2" is not valid for the parameter WorkerId.'),
        ({"BonusAmount": "0.00"}, WRONG_VALUE, "The value of the parameter BonusAmount must be greater than 0."),
    ],
)
def test_wrong_values_are_parameter_validation_errors(client, work, failure, changes, code, message):
    assert failure(client.send_bonus, **{**BONUS, "AssignmentId": work, **changes}) == (
        400,
        "ParameterValidationError",
        code,
        f"{message} (1700000000000)",
    )


def test_there_is_no_bonus_for_work_that_nobody_handed_in_or_for_others(house, client, failure):
    in_progress = house.accept(house.create_hit(client))
    of_bob = house.work(house.create_hit(house.client("bob")))
    for identifier in (in_progress, of_bob, "3NOSUCH"):
        expected = (400, "RequestError", UNKNOWN, f"Assignment {identifier} does not exist. (1700000000000)")
        assert failure(client.send_bonus, **BONUS, AssignmentId=identifier) == expected
        assert failure(client.list_bonus_payments, AssignmentId=identifier) == expected


def test_bonuses_are_of_something(client, failure):
    assert failure(client.list_bonus_payments)[1:3] == ("ParameterValidationError", WRONG_VALUE)
