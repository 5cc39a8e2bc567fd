"""Listings of other things than HITs and assignments: everything in them, each as often as it is there."""

from __future__ import annotations

import threading

import pytest

from mturk_gateway.clock import wall_clock
from mturk_gateway.marketplace.services.qualifying import requesting
from mturk_gateway.marketplace.services.working import workers
from support import PROPERTIES, ScriptedUpstream, ask, modern_client, one, texts
from walks import closed, until


@pytest.fixture
def assignment(gateway, requester):
    """The HIT and the assignment of A1WORKER, who has handed it in."""
    with modern_client(gateway.url, requester) as modern:
        hit = modern.create_hit(**PROPERTIES)["HIT"]["HITId"]
    now = int(wall_clock())
    with gateway.house.marketplace.writing() as connection:
        made = workers.accept(connection, hit, "A1WORKER", now)
        workers.submit(connection, made, [("q1", "a")], now)
    return hit, made


def test_bonuses_that_are_alike_are_all_shown_and_counted(gateway, requester, assignment):
    """Nothing names a bonus, and a worker may get the same once more in the same second."""
    hit, made = assignment
    bonus = {"WorkerId": "A1WORKER", "AssignmentId": made, "Reason": "r"}
    for number in range(3):
        shown = ask(gateway.url, requester, "GetBonusPayments", HITId=hit)
        assert one(shown, "TotalNumResults") == str(number)
        ask(gateway.url, requester, "GrantBonus", ("BonusAmount.1.Amount", "0.50"), **bonus)

    pages = [
        ask(gateway.url, requester, "GetBonusPayments", AssignmentId=made, PageSize=2, PageNumber=number)
        for number in (1, 2, 3)
    ]
    assert [texts(page, "FormattedPrice") for page in pages] == [["$0.50"] * 2, ["$0.50"], []]
    assert {one(page, "TotalNumResults") for page in pages} == {"3"}


def test_blocks_are_counted_and_each_worker_is_listed_once(gateway, requester):
    def blocked():
        shown = ask(gateway.url, requester, "GetBlockedWorkers", PageSize=65_535)
        return dict(zip(texts(shown, "WorkerId"), texts(shown, "Reason"), strict=True))

    for reason in ("late", "late and bad"):
        ask(gateway.url, requester, "BlockWorker", WorkerId="A1WORKER", Reason=reason)
    ask(gateway.url, requester, "BlockWorker", WorkerId="A2WORKER", Reason="bad")
    assert blocked() == {"A1WORKER": "late and bad", "A2WORKER": "bad"}

    ask(gateway.url, requester, "UnblockWorker", WorkerId="A1WORKER")
    ask(gateway.url, requester, "UnblockWorker", WorkerId="A3NEVER")
    assert blocked() == {"A2WORKER": "bad"}


@pytest.mark.parametrize(("owned", "total"), [("true", "350"), ("false", "200"), ("", "200")])
def test_only_a_search_for_everybodys_types_ends_early(foreign_gateway, owned, total):
    """Who searches a whole marketplace gets its beginning; who searches among their own gets all."""
    kinds = [{"QualificationTypeId": f"3KIND{number:03}", "Name": f"n{number:03}"} for number in range(350)]

    def answer(_operation, params, *_):
        start = int(params.get("NextToken", "0"))
        page = kinds[start : start + params["MaxResults"]]
        token = {"NextToken": str(start + len(page))} if page else {}
        return 200, {"NumResults": len(page), "QualificationTypes": page, **token}

    with ScriptedUpstream(answer) as upstream:
        made, owner = foreign_gateway(upstream.url, search_cap=200)
        shown = ask(made.url, owner, "SearchQualificationTypes", MustBeOwnedByCaller=owned)

    assert one(shown, "TotalNumResults") == total
    assert len(texts(shown, "Name")) == 10


def test_a_listing_whose_rows_cannot_be_read_alone_is_not_shown_without_what_was_written(foreign_gateway):
    """While it takes too long to walk, its requester is told to come back."""
    blocks, gate = [], threading.Event()

    def answer(operation, params, *_):
        if operation == "CreateWorkerBlock":
            blocks.append(params)
            return 200, {}
        gate.wait(30)
        return 200, {"NumResults": len(blocks), "WorkerBlocks": list(blocks)}

    with ScriptedUpstream(answer) as upstream:
        made, owner = foreign_gateway(upstream.url, upstream_timeout=30, freshness=0, patience=0.5)

        def blocked():
            return ask(made.url, owner, "GetBlockedWorkers")

        gate.set()
        ask(made.url, owner, "BlockWorker", WorkerId="A1WORKER", Reason="r")
        until(lambda: texts(blocked(), "WorkerId") == ["A1WORKER"])
        with closed(gate):
            ask(made.url, owner, "BlockWorker", WorkerId="A2WORKER", Reason="r")
            assert one(blocked(), "Code") == "ServiceUnavailable"
        assert until(lambda: texts(blocked(), "WorkerId") == ["A1WORKER", "A2WORKER"])


def test_a_request_for_a_qualification_shows_as_soon_as_it_is_made(gateway, requester):
    """Programs wait for none: they are told that a worker has asked, and look."""
    made = one(ask(gateway.url, requester, "CreateQualificationType", Name="n", Description="d"), "QualificationTypeId")

    def asking():
        return texts(ask(gateway.url, requester, "GetQualificationRequests", QualificationTypeId=made), "SubjectId")

    assert asking() == []
    with gateway.house.marketplace.writing() as connection:
        requesting.request_qualification(connection, made, "A1WORKER", int(wall_clock()))
    assert asking() == ["A1WORKER"]
