"""What time brings, whoever looks and whenever: in the order of time, once, and without making others wait."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import insert, select

from mturk_gateway.listener import Listener
from mturk_gateway.marketplace.app import create_marketplace
from mturk_gateway.marketplace.requesters import get_requester
from mturk_gateway.marketplace.services import timers
from mturk_gateway.marketplace.tables import events, hits

START = 1_700_000_000
AGREEING = {
    "PolicyName": "SimplePlurality/2011-09-01",
    "Parameters": [
        {"Key": "QuestionIds", "Values": ["dots"]},
        {"Key": "QuestionAgreementThreshold", "Values": ["50"]},
        {"Key": "DisregardAssignmentIfRejected", "Values": ["F"]},
    ],
}
REJECTING = [{"Key": "RejectIfWorkerAgreementScoreIsLessThan", "Values": ["100"]}]
EXTENDING = [
    {"Key": "ExtendIfHITAgreementScoreIsLessThan", "Values": ["100"]},
    {"Key": "ExtendMaximumAssignments", "Values": ["4"]},
    {"Key": "ExtendMinimumTimeInSeconds", "Values": ["1000"]},
]


def policy(further):
    return {**AGREEING, "Parameters": [*AGREEING["Parameters"], *further]}


@pytest.fixture
def told(house):
    """The events of a HIT: (type, seconds after the start), in the order in which they were kept."""

    def read(hit):
        with house.database.reading() as connection:
            rows = connection.execute(select(events).where(events.c.hit_id == hit["HITId"]).order_by(events.c.number))
            return [(row.type, row.time - START) for row in rows]

    return read


def test_an_expiration_and_a_deadline_in_the_same_second_make_a_hit_reviewable_once(house, client, clock, told):
    hit = house.create_hit(client, LifetimeInSeconds=700)
    clock.advance(90)
    house.accept(hit)
    clock.advance(5000)
    client.get_hit(HITId=hit["HITId"])

    assert told(hit)[2:] == [
        ("HITExpired", 700),
        ("AssignmentAbandoned", 690),
        ("HITReviewable", 700),
    ]


def test_a_hit_that_its_policy_extends_expires_again(house, client, clock, told):
    hit = house.create_hit(client, LifetimeInSeconds=700, MaxAssignments=3, HITReviewPolicy=policy(EXTENDING))
    clock.advance(90)
    house.accept(hit)
    clock.advance(5000)
    found = client.get_hit(HITId=hit["HITId"])["HIT"]

    assert (found["MaxAssignments"], found["HITStatus"]) == (4, "Reviewable")
    assert [kind for kind, _ in told(hit)].count("HITExtended") == 1
    assert told(hit)[-2:] == [("HITExpired", 1700), ("HITReviewable", 1700)]


@pytest.mark.parametrize("further", [{}, {"HITReviewPolicy": policy([])}])
def test_what_a_policy_begins_comes_before_what_is_later(house, client, clock, further):
    """A HIT that is extended expires again before another one does, although nobody looked in between."""
    house.create_hit(client, LifetimeInSeconds=700, MaxAssignments=3, HITReviewPolicy=policy(EXTENDING))
    house.create_hit(client, LifetimeInSeconds=3000, **further)
    clock.advance(5000)
    client.get_account_balance()
    clock.advance(1)
    client.list_assignments_for_hit(HITId=client.list_hits()["HITs"][0]["HITId"])
    with house.database.reading() as connection:
        times = connection.execute(select(events.c.time).order_by(events.c.number)).scalars().all()

    assert times == sorted(times)
    assert times[-1] == START + 3000


@pytest.mark.parametrize("looks", [(), (3601,), (3601, 7201)])
def test_it_makes_no_difference_who_looks_when(house, client, clock, told, looks):
    """A policy that rejects at the expiration comes before an approval by time that is due later."""
    hit = house.create_hit(
        client,
        LifetimeInSeconds=3600,
        MaxAssignments=4,
        AutoApprovalDelayInSeconds=7200,
        HITReviewPolicy=policy(REJECTING),
    )
    works = [house.work(hit, f"A{number}", [("dots", value)]) for number, value in enumerate("779")]
    for look in (*looks, 10_000):
        clock.now = START + look
        client.get_hit(HITId=hit["HITId"])

    states = [client.get_assignment(AssignmentId=work)["Assignment"]["AssignmentStatus"] for work in works]
    assert states == ["Approved", "Approved", "Rejected"]
    times = [time for _, time in told(hit)]
    assert times == sorted(times)


def test_the_timers_of_one_requester_do_not_keep_another_waiting(house, client, clock):
    """What Bob asks needs nothing that is Alice's, however much has happened to her."""
    hit = house.create_hit(client, LifetimeInSeconds=60)
    house.create_hit(house.client("bob"), LifetimeInSeconds=60)
    house.stop()
    clock.advance(100)
    with house.database.writing() as connection:
        timers.settle(connection, clock.now, get_requester(connection, "bob").id)
        waiting = connection.execute(select(hits.c.id).where(hits.c.due.is_not(None))).scalars().all()
        assert waiting == [hit["HITId"]]
        timers.settle(connection, clock.now)
        assert connection.execute(select(hits.c.id).where(hits.c.due.is_not(None))).scalars().all() == []
    house.start()


def test_time_passes_although_nobody_asks_for_anything(house, client, clock):
    hit = house.create_hit(client, LifetimeInSeconds=60)
    clock.advance(100)
    expired = select(events.c.time).where(events.c.hit_id == hit["HITId"], events.c.type == "HITExpired")
    with Listener(create_marketplace(house.database, clock)):
        patience = time.monotonic() + 20
        while True:
            with house.database.reading() as connection:
                found = connection.execute(expired).scalars().all()
            if found or time.monotonic() > patience:
                break
            time.sleep(0.01)

    assert found == [START + 60]


def test_many_timers_take_effect_bit_by_bit(house, client, clock):
    for _ in range(3):
        house.create_hit(client, LifetimeInSeconds=60)
    with house.database.writing() as connection:
        first = connection.execute(select(hits)).mappings().first()
        more = [{**first, "id": f"3X{number}", "change": 1000 + number} for number in range(450)]
        connection.execute(insert(hits), more)
    house.stop()
    clock.advance(100)
    rounds = 0
    with house.database.writing() as connection:
        while timers.settle_some(connection, clock.now):
            rounds += 1
        told = connection.execute(select(events.c.hit_id).where(events.c.type == "HITExpired")).scalars().all()
    house.start()

    assert rounds > 2
    assert sorted(told) == sorted({*told})
    assert len(told) == 453
