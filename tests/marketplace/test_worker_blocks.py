"""Workers whom a requester blocks (modern-mturk 4.2)."""

from __future__ import annotations

from sqlalchemy import insert

from mturk_gateway.marketplace.requesters import find_requester
from mturk_gateway.marketplace.services.telling.worker_blocks import is_blocked
from mturk_gateway.marketplace.tables import worker_blocks

PATTERN = "failed to satisfy constraint: Member must satisfy regular expression pattern: ^A[A-Z0-9]+$"


def listed(client, **parameters):
    reply = client.list_worker_blocks(**parameters)
    assert reply["NumResults"] == len(reply["WorkerBlocks"])
    return [(block["WorkerId"], block["Reason"]) for block in reply["WorkerBlocks"]]


def without_metadata(reply):
    return {name: value for name, value in reply.items() if name != "ResponseMetadata"}


def test_anybody_can_be_blocked_and_the_newest_block_is_listed_first(client, clock):
    assert without_metadata(client.list_worker_blocks()) == {"NumResults": 0, "WorkerBlocks": []}
    for worker, reason in (("A1OLD", "slow"), ("A2NEW", "")):
        assert without_metadata(client.create_worker_block(WorkerId=worker, Reason=reason)) == {}
        clock.advance(1)

    assert without_metadata(client.list_worker_blocks()) | {"NextToken": None} == {
        "NumResults": 2,
        "WorkerBlocks": [{"WorkerId": "A2NEW", "Reason": ""}, {"WorkerId": "A1OLD", "Reason": "slow"}],
        "NextToken": None,
    }


def test_a_second_block_replaces_the_reason_and_nothing_else(client, clock):
    client.create_worker_block(WorkerId="A1OLD", Reason="slow")
    clock.advance(1)
    client.create_worker_block(WorkerId="A2NEW", Reason="rude")
    clock.advance(1)
    client.create_worker_block(WorkerId="A1OLD", Reason="slow again")

    assert listed(client) == [("A2NEW", "rude"), ("A1OLD", "slow again")]


def test_an_unblocked_worker_is_not_listed_and_may_not_have_been_blocked_at_all(client):
    client.create_worker_block(WorkerId="A1WORKER", Reason="slow")
    client.create_worker_block(WorkerId="A2WORKER", Reason="rude")
    replies = [client.delete_worker_block(WorkerId="A1WORKER", Reason="sorry") for _ in range(2)]

    assert [without_metadata(reply) for reply in replies] == [{}, {}]
    assert listed(client) == [("A2WORKER", "rude")]


def test_blocks_are_walked_in_pages(client, clock):
    workers = [f"A{number:02}" for number in range(25)]
    for position, worker in enumerate(workers):
        clock.advance(position % 2)
        client.create_worker_block(WorkerId=worker, Reason="r")
    pages = list(client.get_paginator("list_worker_blocks").paginate(PaginationConfig={"PageSize": 10}))
    walked = [block["WorkerId"] for page in pages for block in page["WorkerBlocks"]]

    assert [page["NumResults"] for page in pages] == [10, 10, 5, 0]
    assert (walked[0], sorted(walked)) == ("A23", workers)


def test_blocks_are_each_requesters_own(house, client):
    other = house.client("bob")
    client.create_worker_block(WorkerId="A1WORKER", Reason="slow")
    other.create_worker_block(WorkerId="A1WORKER", Reason="rude")
    other.delete_worker_block(WorkerId="A1WORKER")
    with house.database.reading() as connection:
        alice, bob = (find_requester(connection, name).id for name in ("alice", "bob"))
        blocked = [
            is_blocked(connection, requester, worker)
            for requester, worker in ((alice, "A1WORKER"), (bob, "A1WORKER"), (alice, "A2WORKER"))
        ]

    assert blocked == [True, False, False]
    assert (listed(client), listed(other)) == ([("A1WORKER", "slow")], [])


def test_100000_workers_can_be_blocked_and_no_more(house, client, failure):
    client.create_worker_block(WorkerId="A0", Reason="first")
    with house.database.writing() as connection:
        alice = find_requester(connection, "alice").id
        blocks = [
            {"requester_id": alice, "worker_id": f"A1{number}", "reason": "r", "newest_first": 0}
            for number in range(99_998)
        ]
        connection.execute(insert(worker_blocks), blocks)
    client.create_worker_block(WorkerId="A2LAST", Reason="fits")

    assert failure(client.create_worker_block, WorkerId="A3", Reason="too many") == (
        400,
        "RequestError",
        "AWS.MechanicalTurk.InvalidParameterValue",
        "At most 100000 Workers can be blocked. (1700000000000)",
    )
    client.create_worker_block(WorkerId="A0", Reason="another")
    assert listed(client, MaxResults=2) == [("A0", "another"), ("A2LAST", "fits")]


def test_a_malformed_id_is_refused(client, failure):
    refusals = [
        failure(call, WorkerId="a1", Reason="r") for call in (client.create_worker_block, client.delete_worker_block)
    ]
    text = f"1 validation error detected: Value 'a1' at 'workerId' {PATTERN}"

    assert refusals == [(400, "ValidationException", None, text)] * 2
