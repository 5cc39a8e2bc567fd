"""Numbered, sorted, counted pages over token listings."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest

from mturk_gateway.app import create_walker
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.paging.bases import Bases
from mturk_gateway.paging.desk import Desk, Rules
from mturk_gateway.paging.queue import WalkQueue
from mturk_gateway.paging.snapshots import Walk
from mturk_gateway.paging.tables import LAYOUT, desk_layout, pins, prepare_paging, stock_layout
from mturk_gateway.paging.writes import Writes
from mturk_gateway.settings import Settings
from mturk_gateway.upstream import Upstream
from mturk_translators.rows import Row
from support import PROPERTIES, ScriptedUpstream, ask, fill, modern_client, one, post, signed_query, texts

MANY = 1050


@pytest.fixture(scope="module")
def crowded(gateway):
    """A requester with 1,050 HITs of a few titles, rewards and lifetimes, in no order."""
    owner = gateway.add_requester("crowded")
    chance = random.Random(7)
    now = int(wall_clock())
    hits = [
        (
            {
                "Title": chance.choice(["Zebra", "ant", "Émile", "bee", "ant hill"]),
                "Reward": chance.choice(["0.05", "0.50", "10.00", "2.00"]),
                "LifetimeInSeconds": chance.choice([60, 3600, 7200, 86_400]),
            },
            now - chance.randrange(5000),
        )
        for _ in range(MANY)
    ]
    return owner, set(fill(gateway, owner, hits))


def walk(url, requester, operation, size, **parameters):
    """All pages, the way old clients walk them: until one is empty."""
    pages = []
    while not pages or texts(pages[-1], "HITId"):
        pages.append(ask(url, requester, operation, PageNumber=len(pages) + 1, PageSize=size, **parameters))
    return pages


def value(hit, name):
    return hit.findtext(name) or hit.findtext(f"Reward/{name}")


SORTS = {"Title": str, "Amount": float, "Expiration": str, "CreationTime": str}


@pytest.mark.parametrize("direction", ["Ascending", "Descending"])
@pytest.mark.parametrize("property_", ["Title", "Reward", "Expiration", "CreationTime", "Enumeration"])
def test_a_walk_sees_each_hit_once_in_order_with_the_same_total(gateway, crowded, property_, direction):
    owner, ids = crowded
    pages = walk(gateway.url, owner, "SearchHITs", 100, SortProperty=property_, SortDirection=direction)

    hits = [hit for page in pages for hit in page.iter("HIT")]
    assert {one(page, "TotalNumResults") for page in pages} == {str(MANY)}
    assert [one(page, "NumResults") for page in pages] == ["100"] * 10 + ["50", "0"]
    assert [one(page, "PageNumber") for page in pages] == [str(number) for number in range(1, 13)]
    assert Counter(value(hit, "HITId") for hit in hits) == Counter(ids)
    if property_ != "Enumeration":
        name = "Amount" if property_ == "Reward" else property_
        keys = [(SORTS[name](value(hit, name)), value(hit, "HITId")) for hit in hits]
        assert keys == sorted(keys, reverse=direction == "Descending")


def test_descending_is_the_exact_reverse_of_ascending(gateway, crowded):
    owner, _ = crowded
    orders = [
        [
            hit
            for page in walk(gateway.url, owner, "SearchHITs", 100, SortProperty="Reward", SortDirection=direction)
            for hit in texts(page, "HITId")
        ]
        for direction in ("Ascending", "Descending")
    ]

    assert orders[0] == orders[1][::-1]


@pytest.mark.parametrize("size", [1, 7, 99])
def test_page_sizes_share_one_order(gateway, crowded, size):
    owner, _ = crowded
    whole = ask(gateway.url, owner, "SearchHITs", PageSize=100, SortProperty="Title")
    parts = [
        ask(gateway.url, owner, "SearchHITs", PageSize=size, PageNumber=number, SortProperty="Title")
        for number in range(1, 4)
    ]

    assert [hit for part in parts for hit in texts(part, "HITId")] == texts(whole, "HITId")[: 3 * size] or size == 99


def test_defaults_of_search_hits(gateway, crowded):
    """Ten HITs, the oldest first."""
    owner, _ = crowded
    page = ask(gateway.url, owner, "SearchHITs")
    explicit = ask(
        gateway.url,
        owner,
        "SearchHITs",
        PageSize=10,
        PageNumber=1,
        SortProperty="CreationTime",
        SortDirection="Ascending",
    )

    assert len(texts(page, "HITId")) == 10
    assert texts(page, "HITId") == texts(explicit, "HITId")


def test_reviewable_hits_are_filtered_by_status_and_type_and_hold_only_ids(gateway, requester):
    now = int(wall_clock())
    expired = fill(gateway, requester, [({"LifetimeInSeconds": 30 + n}, now - 1000) for n in range(12)])
    other = fill(gateway, requester, [({"LifetimeInSeconds": 30, "Title": "Another"}, now - 1000)])
    fill(gateway, requester, [({}, now)])
    with modern_client(gateway.url, requester) as modern:
        for hit in expired[:3]:
            modern.update_hit_review_status(HITId=hit)
        other_type = modern.get_hit(HITId=other[0])["HIT"]["HITTypeId"]

    reviewable = walk(gateway.url, requester, "GetReviewableHITs", 5)
    both = ask(
        gateway.url, requester, "GetReviewableHITs", ("Status", "Reviewable"), ("Status", "Reviewing"), PageSize=100
    )
    reviewing = ask(gateway.url, requester, "GetReviewableHITs", Status="Reviewing")
    typed = ask(gateway.url, requester, "GetReviewableHITs", HITTypeId=other_type)

    # Expiration Descending is the default.
    assert [hit for page in reviewable for hit in texts(page, "HITId")] == [*reversed(expired[3:]), *other]
    assert {one(page, "TotalNumResults") for page in reviewable} == {"10"}
    assert set(texts(both, "HITId")) == {*expired, *other}
    assert set(texts(reviewing, "HITId")) == set(expired[:3])
    assert texts(typed, "HITId") == other
    assert {child.tag for page in reviewable for hit in page.iter("HIT") for child in hit} == {"HITId"}


def test_hits_for_a_qualification_type(gateway, requester):
    with modern_client(gateway.url, requester) as modern:
        made = modern.create_qualification_type(Name="q", Description="d", QualificationTypeStatus="Active")
    type_id = made["QualificationType"]["QualificationTypeId"]
    requirement = [{"QualificationTypeId": type_id, "Comparator": "Exists"}]
    now = int(wall_clock())
    using = fill(gateway, requester, [({"QualificationRequirements": requirement}, now - n) for n in range(15)])
    fill(gateway, requester, [({}, now)])

    pages = walk(gateway.url, requester, "GetHITsForQualificationType", 10, QualificationTypeId=type_id)

    assert [hit for page in pages for hit in texts(page, "HITId")] == using
    assert one(pages[0], "TotalNumResults") == "15"


def test_a_walk_goes_on_with_the_snapshot_that_its_first_page_came_from(gateway, requester):
    """HITs made in the middle neither shift rows nor change the total; the next first page shows them."""
    now = int(wall_clock())
    ids = fill(gateway, requester, [({}, now - n) for n in range(30)])
    first = ask(gateway.url, requester, "SearchHITs", PageSize=10)
    with modern_client(gateway.url, requester) as modern:
        added = modern.create_hit(**PROPERTIES)["HIT"]["HITId"]
        rest = [ask(gateway.url, requester, "SearchHITs", PageSize=10, PageNumber=number) for number in (2, 2, 3, 4)]
    again = ask(gateway.url, requester, "SearchHITs", PageSize=100)

    assert {one(page, "TotalNumResults") for page in (first, *rest)} == {"30"}
    assert texts(rest[0], "HITId") == texts(rest[1], "HITId")
    assert sorted(hit for page in (first, *rest[1:]) for hit in texts(page, "HITId")) == sorted(ids)
    assert sorted(texts(again, "HITId")) == sorted([*ids, added])


def test_the_first_page_shows_what_the_requester_just_wrote_through_either_api(gateway, requester):
    for number in range(3):
        made = ask(gateway.url, requester, "CreateHIT", ("Reward.Amount", "1"), **_legacy_properties())
        assert one(made, "HITId") in texts(ask(gateway.url, requester, "SearchHITs", PageSize=100), "HITId")
        with modern_client(gateway.url, requester) as modern:
            hit = modern.create_hit(**PROPERTIES)["HIT"]["HITId"]
        assert hit in texts(ask(gateway.url, requester, "SearchHITs", PageSize=100), "HITId")
        assert one(ask(gateway.url, requester, "SearchHITs"), "TotalNumResults") == str(2 * number + 2)


def _legacy_properties():
    return {name: value for name, value in PROPERTIES.items() if name != "Reward"}


def test_pages_far_past_the_end_are_empty_and_keep_the_total(gateway, crowded):
    owner, _ = crowded
    for number in (12, 10**6, 10**12, 10**30):
        page = ask(gateway.url, owner, "SearchHITs", PageNumber=number, PageSize=100)
        assert (one(page, "NumResults"), one(page, "TotalNumResults")) == ("0", str(MANY))
        assert one(page, "PageNumber") == str(number)


def listing(hits, size=100):
    """A modern upstream that lists HITs by token."""

    def answer(operation, params):
        assert operation == "ListHITs"
        start = int(params.get("NextToken", "0"))
        page = hits[start : start + params["MaxResults"]]
        token = {"NextToken": str(start + len(page))} if page else {}
        return 200, {"NumResults": len(page), "HITs": page, **token}

    return answer


def hits_of(count):
    return [
        {"HITId": f"3H{number:05}", "Title": f"T{number % 5}", "CreationTime": 1.5e9 + number}
        for number in range(count)
    ]


def test_one_walk_serves_all_pages_sizes_and_sorts(foreign_gateway):
    """450 HITs cost five pages and the empty one that ends the walk, whatever is asked of them afterwards."""
    with ScriptedUpstream(listing(hits_of(450))) as upstream:
        made, owner = foreign_gateway(upstream.url, freshness=60)
        for size, sort in ((10, "Title"), (100, "CreationTime"), (33, "Enumeration")):
            walk(made.url, owner, "SearchHITs", size, SortProperty=sort)
        walk(made.url, owner, "GetReviewableHITs", 10)

        assert [params["MaxResults"] for _, params in upstream.calls] == [100] * 6


def test_rows_that_the_upstream_repeats_are_seen_once(foreign_gateway):
    hits = hits_of(150)
    with ScriptedUpstream(listing(hits[:100] + hits[40:])) as upstream:
        made, owner = foreign_gateway(upstream.url)
        pages = walk(made.url, owner, "SearchHITs", 100)

        assert [hit for page in pages for hit in texts(page, "HITId")] == [hit["HITId"] for hit in hits]
        assert one(pages[0], "TotalNumResults") == "150"


def test_a_first_page_is_never_older_than_freshness(foreign_gateway):
    hits = hits_of(3)
    with ScriptedUpstream(listing(hits)) as upstream:
        made, owner = foreign_gateway(upstream.url, freshness=0)
        ask(made.url, owner, "SearchHITs")
        hits.append({"HITId": "3NEW", "Title": "new", "CreationTime": 1.6e9})

        assert one(ask(made.url, owner, "SearchHITs"), "TotalNumResults") == "4"


def test_clients_that_wait_for_one_walk_share_it(foreign_gateway):
    """Twenty clients ask while the only walk is held up: one walk, twenty answers, and no total that is partial."""
    asked, gate = threading.Event(), threading.Event()
    answer = listing(hits_of(120))

    def held(operation, params):
        asked.set()
        gate.wait(20)
        return answer(operation, params)

    with ScriptedUpstream(held) as upstream:
        made, owner = foreign_gateway(upstream.url, upstream_timeout=30, freshness=60)
        totals = []
        clients = [
            threading.Thread(target=lambda: totals.append(one(ask(made.url, owner, "SearchHITs"), "TotalNumResults")))
            for _ in range(20)
        ]
        for client in clients:
            client.start()
        asked.wait(20)
        gate.set()
        for client in clients:
            client.join()

        assert totals == ["120"] * 20
        assert len(upstream.calls) == 3


@pytest.mark.parametrize("freshness", [0.01, 60])
def test_impatient_clients_are_told_to_come_back_and_find_the_walk_done(foreign_gateway, freshness):
    """Also when the walk takes longer than a first page may be old: else it would be walked again for ever."""
    gate = threading.Event()
    answer = listing(hits_of(5))

    def held(operation, params):
        gate.wait(20)
        return answer(operation, params)

    with ScriptedUpstream(held) as upstream:
        made, owner = foreign_gateway(upstream.url, upstream_timeout=30, patience=0.2, freshness=freshness)
        query = signed_query(owner, "SearchHITs")
        refused = post(f"{made.url}/", query)
        gate.set()
        while (found := post(f"{made.url}/", query)).status_code == 503:
            pass

        assert refused.status_code == 503
        assert b"<Code>ServiceUnavailable</Code>" in refused.content
        assert b"<TotalNumResults>5</TotalNumResults>" in found.content
        assert len(upstream.calls) == 2


@pytest.fixture
def paging(tmp_path):
    """The two databases of paging."""
    desk, stock = (Database(sqlite_url(tmp_path / name), durable=False) for name in ("walks.db", "snapshots.db"))
    prepare_paging(desk, stock)
    yield desk, stock
    desk.close()
    stock.close()


RULES = Rules(freshness=5.0, patience=25.0, staleness=600.0, lifetime=900.0)
LISTED = Walk("r", "ListHITs", "{}")


def queue_walk(desk):
    return Desk(desk, Writes(desk), RULES).want(LISTED, "[[], null]").walk


def test_a_walk_is_taken_once(paging):
    queue_walk(paging[0])
    queue = WalkQueue(paging[0], lease=30.0)

    assert queue.take() is not None
    assert queue.take() is None


def test_a_page_that_comes_too_late_is_not_kept(paging):
    """Of a walker that slept, while another one took the walk over and went on."""
    bases = Bases(paging[1])
    bases.begin(1, LISTED)
    row = Row("3A", ("",) * 6, "<x/>", None)
    assert bases.keep(1, "", [row], "p1:next", None).fresh == 1

    assert bases.keep(1, "", [Row("3B", ("",) * 6, "<x/>", None)], "p1:other", None) is None
    assert bases.token(1) == "p1:next"


@pytest.mark.parametrize("emptied", [0, 1])
def test_databases_of_another_layout_are_emptied(paging, emptied):
    queue_walk(paging[0])
    table = (desk_layout, stock_layout)[emptied]
    with paging[emptied].writing() as connection:
        connection.execute(table.update().values(number=LAYOUT + 1))
    prepare_paging(*paging)

    assert WalkQueue(paging[0], lease=30.0).take() is None


def test_databases_that_do_not_belong_together_are_emptied(paging, tmp_path):
    """Somebody deleted one of the two files: what the other says of it is not true any more."""
    queue_walk(paging[0])
    other = Database(sqlite_url(tmp_path / "other.db"), durable=False)
    prepare_paging(paging[0], other)
    other.close()

    assert WalkQueue(paging[0], lease=30.0).take() is None


def test_walks_survive_a_restart(paging):
    queue_walk(paging[0])
    prepare_paging(*paging)

    assert WalkQueue(paging[0], lease=30.0).take() is not None


def test_a_program_that_polls_the_first_page_keeps_one_snapshot(foreign_gateway):
    with ScriptedUpstream(listing(hits_of(30))) as upstream:
        made, owner = foreign_gateway(upstream.url, freshness=0)
        for _ in range(5):
            ask(made.url, owner, "SearchHITs")

        with made.house.desk.reading() as connection:
            assert len(connection.execute(pins.select()).all()) == 1


def test_a_walk_whose_only_page_was_full_ends_with_an_empty_page_of_the_same_snapshot(gateway, requester):
    """Old clients ask until a page is empty; a HIT made meanwhile must not push a row that was seen onto that page."""
    fill(gateway, requester, [({}, int(wall_clock()) - n) for n in range(10)])
    newest_first = {"SortProperty": "CreationTime", "SortDirection": "Descending", "PageSize": 10}
    ask(gateway.url, requester, "SearchHITs", **newest_first)
    with modern_client(gateway.url, requester) as modern:
        modern.create_hit(**PROPERTIES)
    last = ask(gateway.url, requester, "SearchHITs", PageNumber=2, **newest_first)

    assert (texts(last, "HITId"), one(last, "TotalNumResults")) == ([], "10")


def test_the_requests_of_a_batch_stay_on_snapshots_of_their_own(gateway, requester):
    """Two listings in one batch, page after page, the same page twice."""
    hits = fill(gateway, requester, [({"MaxAssignments": 3}, int(wall_clock())) for _ in range(2)])
    with gateway.house.marketplace.writing() as connection:
        for hit in hits:
            for number in range(3):
                assignment = workers.accept(connection, hit, f"A{number}", int(wall_clock()))
                workers.submit(connection, assignment, [], int(wall_clock()))
    blocks = [(f"GetAssignmentsForHIT.{n}.HITId", hit) for n, hit in enumerate(hits, 1)]
    for page in (1, 2, 2, 3):
        root = ask(gateway.url, requester, "GetAssignmentsForHIT", *blocks, PageSize=1, PageNumber=page)
        assert texts(root, "HITId") == hits


def test_a_walk_that_a_stopping_walker_leaves_is_gone_on_with_at_once(paging, tmp_path):
    """Nobody waits for the lease of a process that was stopped in an orderly way."""
    asked, gate = threading.Event(), threading.Event()
    answer = listing(hits_of(150))

    def held(operation, params):
        asked.set()
        gate.wait(20)
        return answer(operation, params)

    walk = queue_walk(paging[0])
    owner = Requester("r", "r", "secret")
    with ScriptedUpstream(held) as scripted:
        upstream = Upstream(scripted.url, 30.0)
        ledger = Database(sqlite_url(tmp_path / "ledger.db"), durable=True)
        ledger.migrate("mturk_gateway.ledger")
        stopped = create_walker(Settings(), *paging, ledger, upstream, {"r": owner}.get).start()
        asked.wait(20)
        stopping = threading.Thread(target=stopped.stop)
        stopping.start()
        gate.set()
        stopping.join()
        upstream.close()
        ledger.close()
    task = WalkQueue(paging[0], lease=3600.0).take()

    assert task.id == walk
    assert Bases(paging[1]).token(walk) == "100"
