"""What whoever runs the marketplace decides about it."""

from __future__ import annotations

import pytest

from mturk_gateway.marketplace.terms import Terms


@pytest.fixture
def under(house):
    """Restarts the marketplace under other terms, and gives a client."""

    def restart(**terms):
        house.terms = Terms(**terms)
        house.restart()
        return house.client()

    return restart


def test_too_many_requests_are_throttled_until_some_time_has_passed(house, under, clock):
    client = under(rate_limit=2.0)
    bob = house.client("bob")
    for _ in range(2):
        client.get_account_balance()
    refused = house.post("GetAccountBalance")

    assert (refused.status_code, refused.json()) == (
        400,
        {"__type": "ThrottlingException", "message": "Rate exceeded"},
    )
    bob.get_account_balance()
    clock.advance(1)
    for _ in range(2):
        client.get_account_balance()
    with pytest.raises(client.exceptions.ClientError, match="ThrottlingException"):
        client.get_account_balance()


def test_without_a_limit_nothing_is_throttled(client):
    for _ in range(30):
        client.get_account_balance()


def test_a_clock_that_was_set_back_locks_nobody_out(under, clock):
    client = under(rate_limit=1.0)
    client.get_account_balance()
    clock.advance(-3600)
    with pytest.raises(client.exceptions.ClientError, match="ThrottlingException"):
        client.get_account_balance()
    clock.advance(1)
    client.get_account_balance()


def test_small_hits_may_grow_where_that_is_allowed(house, under):
    client = under(any_increase=True)
    hit = house.create_hit(client, MaxAssignments=9)
    client.create_additional_assignments_for_hit(HITId=hit["HITId"], NumberOfAdditionalAssignments=1)

    assert client.get_hit(HITId=hit["HITId"])["HIT"]["MaxAssignments"] == 10
