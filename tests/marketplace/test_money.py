"""Money: what is set aside, paid and given back, and that no cent appears from nowhere (modern-mturk 4.2)."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from mturk_gateway.marketplace.requesters import get_requester, set_terms
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.paying.fees import assignment_fee, bonus_fee
from mturk_gateway.marketplace.services.paying.money import Transfer
from mturk_gateway.marketplace.tables import accounts, transfers

NO_FUNDS = (
    400,
    "RequestError",
    "AWS.MechanicalTurk.InsufficientFunds",
    (
        "This Requester has insufficient funds in their account to complete this transaction. "
        "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs. (1700000000000)"
    ),
)
DAY = 86_400


@pytest.fixture
def prepaid(house):
    """Makes a requester prepaid, with some cents, and gives the client."""

    def make(amount, *, charged=False, name="alice"):
        client = house.client(name)
        with house.database.writing() as connection:
            requester = get_requester(connection, name)
            set_terms(connection, requester, prepaid=True, charged=charged)
            money.move(connection, [Transfer(requester.id, 0, "deposit", "outside", "available", amount)])
        return client

    return make


def balances(client):
    reply = client.get_account_balance()
    return reply["AvailableBalance"], reply.get("OnHoldBalance")


@pytest.fixture
def books(house):
    """The balance of each account by (kind, worker), after checking that they balance and follow from the transfers."""

    def read():
        with house.database.reading() as connection:
            rows = connection.execute(select(accounts)).all()
            moved = connection.execute(select(transfers)).all()
            total = connection.execute(select(func.sum(accounts.c.balance))).scalar_one()
        assert total in (0, None)
        follows = {}
        for row in moved:
            assert row.amount > 0
            for kind, sign in ((row.source, -1), (row.destination, 1)):
                key = (row.requester_id, kind, row.worker_id if kind == "earned" else "")
                follows[key] = follows.get(key, 0) + sign * row.amount
        stored = {(row.requester_id, row.kind, row.worker_id): row.balance for row in rows}
        assert {key: value for key, value in follows.items() if value} == {
            key: value for key, value in stored.items() if value
        }
        return {key[1:]: value for key, value in stored.items() if value}

    return read


def test_who_is_not_prepaid_has_what_the_sandbox_gave_and_owes_what_was_earned(house, client, books):
    hit = house.create_hit(client, Reward="2.50", MaxAssignments=3)
    client.approve_assignment(AssignmentId=house.work(hit))

    assert balances(client) == ("10000.00", None)
    assert books() == {("available", ""): -750, ("held", ""): 500, ("earned", "A1WORKER"): 250}


def test_a_hit_holds_what_it_may_cost_until_it_is_paid_or_disposed(house, prepaid, books, clock):
    client = prepaid(10_00)
    hit = house.create_hit(client, Reward="1.5", MaxAssignments=4)
    assert balances(client) == ("4.00", "6.00")

    approved, rejected = house.work(hit, "A1"), house.work(hit, "A2")
    client.approve_assignment(AssignmentId=approved)
    assert balances(client) == ("4.00", "4.50")
    client.reject_assignment(AssignmentId=rejected, RequesterFeedback="no")
    assert balances(client) == ("5.50", "3.00")

    clock.advance(3600)
    client.delete_hit(HITId=hit["HITId"])
    assert balances(client) == ("8.50", None)
    assert books() == {("outside", ""): -10_00, ("available", ""): 8_50, ("earned", "A1"): 1_50}


def test_what_is_not_there_cannot_be_promised(house, prepaid, failure):
    client = prepaid(99)
    with pytest.raises(client.exceptions.RequestError):
        house.create_hit(client, Reward="0.50", MaxAssignments=2)
    assert client.list_hits()["HITs"] == []

    hit = house.create_hit(client, Reward="0.50")
    assert (
        failure(client.create_additional_assignments_for_hit, HITId=hit["HITId"], NumberOfAdditionalAssignments=1)
        == NO_FUNDS
    )
    assert client.get_hit(HITId=hit["HITId"])["HIT"]["MaxAssignments"] == 1
    assignment = house.work(hit)
    bonus = {"AssignmentId": assignment, "WorkerId": "A1WORKER", "Reason": "r", "UniqueRequestToken": "once"}
    assert failure(client.send_bonus, BonusAmount="0.50", **bonus) == NO_FUNDS
    client.send_bonus(BonusAmount="0.49", **bonus)
    assert balances(client) == ("0.00", "0.50")


def test_time_approves_with_the_money_that_was_held(house, prepaid, clock, books):
    client = prepaid(1_00)
    house.work(house.create_hit(client, Reward="1", AutoApprovalDelayInSeconds=DAY))
    clock.advance(DAY)

    assert balances(client) == ("0.00", None)
    assert books() == {("outside", ""): -1_00, ("earned", "A1WORKER"): 1_00}


def test_a_rejection_is_overridden_only_with_money_that_is_there(house, prepaid, failure):
    client = prepaid(1_00)
    assignment = house.work(house.create_hit(client, Reward="1.00"))
    client.reject_assignment(AssignmentId=assignment, RequesterFeedback="no")
    other = house.create_hit(client, Reward="0.60", Title="Other")

    assert failure(client.approve_assignment, AssignmentId=assignment, OverrideRejection=True) == NO_FUNDS
    assert client.get_assignment(AssignmentId=assignment)["Assignment"]["AssignmentStatus"] == "Rejected"
    client.update_expiration_for_hit(HITId=other["HITId"], ExpireAt=0)
    client.delete_hit(HITId=other["HITId"])
    client.approve_assignment(AssignmentId=assignment, OverrideRejection=True)
    assert balances(client) == ("0.00", None)


def test_amazons_fees_are_charged_where_that_is_agreed(house, prepaid, books):
    client = prepaid(100_00, charged=True)
    few = house.create_hit(client, Reward="1.00", MaxAssignments=9)
    assert balances(client) == ("89.20", "10.80")
    house.create_hit(client, Reward="1.00", MaxAssignments=10, Title="Many")
    assert balances(client) == ("75.20", "24.80")
    house.create_hit(client, Reward="0.00", Title="Free")
    assert balances(client) == ("75.19", "24.81")

    assignment = house.work(few)
    client.approve_assignment(AssignmentId=assignment)
    client.send_bonus(AssignmentId=assignment, WorkerId="A1WORKER", BonusAmount="0.52", Reason="r")
    assert balances(client) == ("74.57", "23.61")
    assert books()["fees", ""] == 30


def test_fees_have_a_least_amount_and_are_rounded_half_up():
    masters = '[{"QualificationTypeId": "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "Comparator": "Exists"}]'

    assert [assignment_fee(reward, 1, "[]") for reward in (0, 4, 7, 8, 250)] == [1, 1, 1, 2, 50]
    assert [assignment_fee(100, number, "[]") for number in (9, 10)] == [20, 40]
    assert [assignment_fee(100, number, masters) for number in (9, 10)] == [25, 45]
    assert [bonus_fee(amount) for amount in (1, 12, 13, 1000)] == [1, 2, 3, 200]


def test_the_sandbox_has_money_of_its_own(house, prepaid):
    client = prepaid(1_00)
    house.create_hit(client, Reward="1.00")

    sandbox = house.client("alice", host="mturk-requester-sandbox.us-east-1.amazonaws.com")
    assert balances(sandbox) == ("10000.00", None)


@pytest.mark.parametrize("amount", ["1" + "0" * 30, "10000000000000.00", "9" * 5000])
def test_more_money_than_there_is_on_earth_is_refused(client, house, failure, amount):
    wrong = (400, "ParameterValidationError", "AWS.MechanicalTurk.InvalidParameterValue")
    hit_type = {"Title": "T", "Description": "D", "AssignmentDurationInSeconds": 60}
    bonus = {"AssignmentId": house.work(house.create_hit(client)), "WorkerId": "A1WORKER", "Reason": "r"}

    assert failure(client.create_hit_type, Reward=amount, **hit_type)[:3] == wrong
    assert failure(client.send_bonus, BonusAmount=amount, **bonus)[:3] == wrong
    client.send_bonus(BonusAmount="0" * 5000 + ".01", **bonus)


def test_what_was_held_can_always_be_given_back(house, client):
    hit = house.create_hit(client, Reward="2000.00", MaxAssignments=400_000_000)
    client.create_additional_assignments_for_hit(HITId=hit["HITId"], NumberOfAdditionalAssignments=400_000_000)
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    client.delete_hit(HITId=hit["HITId"])

    assert client.get_hit(HITId=hit["HITId"])["HIT"]["HITStatus"] == "Disposed"


def test_a_fee_follows_the_type_of_a_hit(house, prepaid, books):
    client = prepaid(100_00, charged=True)
    hit = house.create_hit(client, Reward="1.00", MaxAssignments=2)
    masters = {"QualificationTypeId": "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "Comparator": "Exists"}
    values = {"Title": "T", "Description": "D", "Reward": "1.00", "AssignmentDurationInSeconds": 60}
    dearer = client.create_hit_type(**values, QualificationRequirements=[masters])["HITTypeId"]
    client.update_hit_type_of_hit(HITId=hit["HITId"], HITTypeId=dearer)

    assert balances(client) == ("97.50", "2.50")
    client.update_hit_type_of_hit(HITId=hit["HITId"], HITTypeId=hit["HITTypeId"])
    assert balances(client) == ("97.60", "2.40")


def test_debts_from_before_are_no_balance(house, client, prepaid):
    client.approve_assignment(AssignmentId=house.work(house.create_hit(client, Reward="5.00")))

    assert balances(prepaid(2_00)) == ("0.00", None)
