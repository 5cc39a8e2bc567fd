"""Production and sandbox: the same keys, nothing in common."""

from __future__ import annotations

import pytest

SANDBOX = "mturk-requester-sandbox.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    "host", [SANDBOX, "sandbox.turk.example.org:8443", "MTurk-Requester-Sandbox.example", "sandbox:80"]
)
def test_the_host_of_a_request_says_which_realm_it_is_for(house, client, host):
    house.create_hit(client)
    sandbox = house.client(host=host)
    assert sandbox.list_hits()["HITs"] == []

    made = house.create_hit(sandbox)
    assert [hit["HITId"] for hit in sandbox.list_hits()["HITs"]] == [made["HITId"]]
    assert client.list_hits()["NumResults"] == 1


def test_what_is_in_one_realm_does_not_exist_in_the_other(house, client, failure):
    there = house.create_hit(house.client(host=SANDBOX))
    here = house.create_hit(client)

    assert failure(client.get_hit, HITId=there["HITId"])[3].endswith("does not exist. (1700000000000)")
    sandbox = house.client(host=SANDBOX)
    assert failure(sandbox.get_hit, HITId=here["HITId"])[3].endswith("does not exist. (1700000000000 s)")


def test_other_hosts_are_production(house, client):
    hit = house.create_hit(client)
    for host in ("mturk-requester.us-east-1.amazonaws.com", "sandboxes.example.org", "127.0.0.1:80"):
        assert house.client(host=host).get_hit(HITId=hit["HITId"])["HIT"]["HITId"] == hit["HITId"]


def test_a_requester_made_for_the_sandbox_is_there_whatever_the_host(house):
    client = house.client("sandy", sandbox=True)
    hit = house.create_hit(client)

    assert house.client("sandy", host=SANDBOX).get_hit(HITId=hit["HITId"])["HIT"]["HITId"] == hit["HITId"]


def test_tokens_of_one_realm_are_unused_in_the_other(house, client):
    for one in (client, house.client(host=SANDBOX)):
        house.create_hit(one, UniqueRequestToken="once")


def test_a_rotated_key_opens_both_realms(house, client):
    from mturk_gateway.marketplace.requesters import rotate_key

    hit = house.create_hit(house.client(host=SANDBOX))
    with house.database.writing() as connection:
        house.keys["alice"] = rotate_key(connection, "alice", 0)

    assert house.client(host=SANDBOX).get_hit(HITId=hit["HITId"])["HIT"]["HITId"] == hit["HITId"]
    assert house.client().list_hits()["HITs"] == []
