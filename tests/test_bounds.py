"""What could grow or last without end, and does not."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select

from mturk_gateway.clock import wall_clock
from mturk_gateway.pages import kept_pages
from mturk_gateway.paging.snapshots import Snapshot
from mturk_gateway.paging.tables import bases, leaves, orders
from mturk_translators.xml import Rendered
from support import ScriptedUpstream, ask, fill, post, signed_query, texts
from support import one as one_text


def test_thousands_of_empty_pages_do_not_fill_the_memory():
    """What counts for a page that is kept for those who ask again is the question, too."""
    kept = kept_pages()
    for number in range(20_000):
        kept[number, Snapshot(1, 0)] = Rendered(b"<SearchHITsResult/>")

    assert len(kept) < 10_000


def test_a_program_whose_order_is_gone_goes_on_in_a_fresh_snapshot(gateway, requester):
    """It is as if its walk had expired; it is not told to come back again and again."""
    now = int(wall_clock())
    fill(gateway, requester, [({"Title": "abc"[n % 3]}, now - n) for n in range(15)])
    listing = {"SortProperty": "Title", "PageSize": 10}
    ask(gateway.url, requester, "SearchHITs", **listing)
    added = fill(gateway, requester, [({"Title": "d"}, now)])
    # Another program has made a new revision of what the first one reads.
    ask(gateway.url, requester, "CreateQualificationType", Name="q", Description="d")
    ask(gateway.url, requester, "SearchHITs")
    with gateway.house.stock.writing() as connection:
        mine = select(bases.c.id).where(bases.c.requester == requester.account)
        gone = select(orders.c.id).where(orders.c.base.in_(mine))
        connection.execute(leaves.delete().where(leaves.c.order.in_(gone)))
        connection.execute(orders.delete().where(orders.c.base.in_(mine)))
    page = ask(gateway.url, requester, "SearchHITs", PageNumber=2, **listing)

    assert one_text(page, "TotalNumResults") == "16"
    assert texts(page, "HITId")[-1:] == added


def test_changes_without_end_or_content_are_not_followed_for_ever(foreign_gateway):
    """An upstream that always says that there is more is no upstream whose word can be taken."""
    numbers = itertools.count()

    def answer(_operation, params):
        return 200, {"NumResults": 0, "HITs": []}

    with ScriptedUpstream(
        answer, headers=lambda: {"x-mturk-gateway-cursor": f"c{next(numbers)}", "x-mturk-gateway-changes": "more"}
    ) as upstream:
        gateway, owner = foreign_gateway(upstream.url, freshness=0)
        first = ask(gateway.url, owner, "SearchHITs")
        second = ask(gateway.url, owner, "SearchHITs")

    assert one_text(first, "TotalNumResults") == "0"
    assert one_text(second, "Code") == "ServiceUnavailable"
    assert len(upstream.calls) < 10


LONG = "x" * 900_000


@pytest.mark.parametrize(
    ("operation", "shared"),
    [
        ("GetHIT", [("ResponseGroup", "Request"), ("Anything", LONG)]),
        ("GetHIT", [("ResponseGroup", "Request"), ("Anything", "&" * 300_000)]),
        ("GetHIT", [("HITId", LONG)]),
        ("GetAssignmentsForHIT", [("HITId", "1"), ("PageSize", LONG)]),
        ("GrantBonus", [("WorkerId", LONG)]),
    ],
)
def test_an_answer_is_not_many_times_as_large_as_the_request(gateway, requester, operation, shared):
    """What the requests of a batch share, each of them could repeat, whether it was asked for or is wrong."""
    batch = [(f"{operation}.{number}.Filler", "x") for number in range(1, 100)]
    body = signed_query(requester, operation, *batch, *shared)
    answer = post(f"{gateway.url}/", body)

    assert answer.status_code == 200
    assert len(answer.content) < len(body)


def test_what_is_repeated_of_an_ordinary_batch_is_whole(gateway, requester):
    batch = [(f"GetHIT.{number}.HITId", f"{number:030}") for number in range(100)]
    answer = ask(gateway.url, requester, "GetHIT", *batch, ResponseGroup="Request", Anything="x" * 10_000)

    assert texts(answer, "Anything") == ["x" * 10_000] * 100


@pytest.mark.parametrize(
    "long",
    [
        {"Destination": f"https://example.com/{LONG}"},
        {"Version": LONG},
        {f"EventType.{number}": "HITExpired" for number in range(1, 200)},
    ],
)
def test_what_is_kept_of_a_notification_has_a_limit(gateway, requester, long):
    given = {"Transport": "REST", "Destination": "https://example.com/", "Version": "1", "EventType": "HITExpired"}
    pairs = [(f"Notification.1.{name}", value) for name, value in {**given, **long}.items()]
    answer = ask(gateway.url, requester, "SetHITTypeNotification", *pairs, HITTypeId="3" + "A" * 29)

    assert one_text(answer, "Code") in ("AWS.MechanicalTurk.InvalidParameterValue", "AWS.ParameterOutOfRange")
    assert "Notification" in one_text(answer, "Message")
