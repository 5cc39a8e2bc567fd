"""What a page may show: how fresh it is, what it costs upstream, and what a client gets who cannot wait for more."""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mturk_gateway.admin import import_requesters
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.house import House
from mturk_gateway.listener import Listener
from mturk_gateway.marketplace.app import create_marketplace
from mturk_gateway.paging.clearing import Clearing, Limits
from mturk_gateway.paging.tables import bases, orders, walks
from mturk_gateway.settings import Settings
from support import PROPERTIES, ScriptedUpstream, fill_database, modern_client, one, served
from walks import LONG_AGO, Account, Processes, Program, at_once, check_exact, closed, paused, throttled, until

_LEGACY_PROPERTIES = {name: value for name, value in PROPERTIES.items() if name != "Reward"} | {"Reward.1.Amount": "1"}


def make_hit(program):
    return one(program.ask("CreateHIT", **_LEGACY_PROPERTIES), "HITId")


def test_the_numbers_that_clients_rely_on():
    settings = Settings()

    assert (settings.freshness, settings.patience, settings.staleness, settings.walk_lifetime) == (5, 25, 600, 900)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="tells processes apart by /proc")
def test_every_process_shows_what_was_written_through_another_one_by_either_api(tmp_path):
    """One front writes while the other one sleeps, which then wakes up and is asked alone."""
    lab = Requester("lab", "AKIDLAB", "lab-secret")
    write_profile(tmp_path / "credentials", lab)
    account = Account(30)
    options = ["--credentials", tmp_path / "credentials", "--fronts", "2", "--freshness", "600"]
    with (
        ScriptedUpstream(account) as upstream,
        served(tmp_path / "data", "--upstream", upstream.url, *options) as (process, url),
    ):
        fronts = until(lambda: len(found := Processes.of(process.pid).fronts) == 2 and found)
        for writer, reader in (fronts, fronts[::-1]):
            with Program(url, lab) as program, modern_client(url, lab) as modern, paused(reader):
                assert program.page("SearchHITs").ids == account.ids
                make_hit(program)
                modern.delete_hit(HITId=modern.create_hit(**PROPERTIES)["HIT"]["HITId"])
                modern.create_hit(**PROPERTIES)
            with Program(url, lab) as program, paused(writer):
                assert program.page("SearchHITs").ids == account.ids


def test_programs_that_write_while_a_listing_is_walked_share_one_more_walk(foreign_gateway):
    """What they wrote is in it, and the walk under way goes on to its end."""
    account = Account(250)
    with ScriptedUpstream(account) as upstream, closed(account.gate):
        made, owner = foreign_gateway(upstream.url, upstream_timeout=30, freshness=60)
        written = threading.Barrier(20, action=account.gate.set)

        def write_and_list(number):
            with Program(made.url, owner, f"program {number}") as program:
                hit = make_hit(program)
                written.wait(30)
                return hit, program.walk("SearchHITs")

        def list_before():
            with Program(made.url, owner) as program:
                return program.page("SearchHITs")

        waiting = threading.Thread(target=list_before)
        waiting.start()
        account.asked.wait(30)
        walked = at_once(*(partial(write_and_list, number) for number in range(20)))
        waiting.join()

    for hit, walk in walked:
        check_exact(walk)
        assert hit in walk.ids
    assert {walk.pages[0].total for _, walk in walked} == {270}
    assert account.pages == 2 * ["", "100", "200", "270"]


@contextmanager
def slow_listing(foreign_gateway, **settings):
    """A gateway that knows that its listing of 150 takes longer than anybody is patient, and is walking it again."""
    account = Account(150, remembers=settings.pop("remembers", False))
    with ScriptedUpstream(account) as upstream:
        made, owner = foreign_gateway(upstream.url, upstream_timeout=30, freshness=0, patience=0.3, **settings)
        with Program(made.url, owner, patient=True) as patient:
            with closed(account.gate), Program(made.url, owner) as program:
                # Twice: the first may have waited for the walk to begin.
                refused = [program.answer("SearchHITs") for _ in range(2)]
            assert [answer.status_code for answer in refused] == [503, 503]
            assert patient.page("SearchHITs").total == 150
            with closed(account.gate):
                yield account, made, owner
            until(lambda: patient.page("SearchHITs").total == len(account.ids))


@pytest.mark.parametrize("remembers", [True, False], ids=["shown when asked for", "unknown"])
def test_a_listing_too_slow_to_wait_for_shows_what_its_requester_wrote(foreign_gateway, remembers):
    """As it is now, read HIT by HIT. What was disposed of is known to some upstreams and unknown to others."""
    with (
        slow_listing(foreign_gateway, remembers=remembers) as (account, made, owner),
        Program(made.url, owner, patient=True) as program,
        modern_client(made.url, owner) as modern,
    ):
        new = make_hit(program)
        created = program.walk("SearchHITs", SortProperty="Enumeration")
        program.ask("ApproveAssignment", AssignmentId="3A3H000007")
        approved = program.walk("SearchHITs")
        modern.delete_hit(HITId=new)
        modern.delete_hit(HITId="3H000100")
        disposed = program.walk("SearchHITs")

        pages = len(account.pages)
        reviewable = program.page("GetReviewableHITs")

    for walk in (created, approved, disposed):
        check_exact(walk)
    assert created.ids[0] == new
    assert [len(walk.ids) for walk in (created, approved, disposed)] == [151, 151, 149]
    counters = {row.findtext("HITId"): row.findtext("NumberOfAssignmentsCompleted") for row in approved.rows}
    assert [id_ for id_, count in counters.items() if count == "1"] == ["3H000007"]
    assert {new, "3H000100"}.isdisjoint(disposed.ids)
    # Every answer came while one and the same page was held up.
    assert reviewable.total == 0
    assert account.pages[:pages].count("") == 2


def test_beyond_the_bound_of_staleness_a_slow_listing_is_not_answered(foreign_gateway):
    """Old clients retry, and there is no total that is not true."""
    with slow_listing(foreign_gateway, staleness=0.01) as (_, made, owner), Program(made.url, owner) as program:
        make_hit(program)
        refused = program.answer("SearchHITs")

    assert refused.status_code == 503
    assert b"<Code>ServiceUnavailable</Code>" in refused.content
    assert b"TotalNumResults" not in refused.content


@contextmanager
def counted_marketplace(folder, owner):
    """An embedded marketplace that notes the operations it is asked for: its URL, these, and its database."""
    house = House.open(Settings(data=folder))
    house.prepare()
    import_requesters(house.marketplace, house.credentials, [owner], wall_clock())
    marketplace = create_marketplace(house.marketplace, wall_clock)
    calls = []

    async def counting(scope, receive, send):
        if scope["type"] == "http":
            calls.append(dict(scope["headers"])[b"x-amz-target"].rpartition(b".")[2].decode())
        await marketplace(scope, receive, send)

    with Listener(counting) as listener:
        yield listener.url, calls, house.marketplace
    house.close()


def test_what_has_changed_in_the_embedded_marketplace_costs_calls_in_proportion(foreign_gateway, tmp_path):
    """One call where nothing has, three for 250 HITs; the listing is walked once only."""
    lab = Requester("lab", "AKIDLAB", "lab-secret")
    with counted_marketplace(tmp_path / "marketplace", lab) as (url, calls, marketplace):
        made, owner = foreign_gateway(url, freshness=0)
        now = int(wall_clock())
        first = fill_database(marketplace, lab, [({}, now - n) for n in range(120)])

        def cost():
            calls.clear()
            with Program(made.url, owner) as program:
                walked = program.walk("SearchHITs")
            check_exact(walked)
            return walked, len(calls)

        whole, asked = cost()
        assert (set(whole.ids), asked) == (set(first), 3)
        same, asked = cost()
        assert (same.ids, asked) == (whole.ids, 1)
        second = fill_database(marketplace, lab, [({}, now - n) for n in range(250)])
        grown, asked = cost()
        assert (set(grown.ids), asked) == ({*first, *second}, 3)
        with modern_client(url, lab) as modern:
            for hit in first[:5]:
                modern.update_expiration_for_hit(HITId=hit, ExpireAt=LONG_AGO)
                modern.delete_hit(HITId=hit)
        shrunk, asked = cost()
        assert (set(shrunk.ids), asked) == ({*first[5:], *second}, 1)


def test_a_walk_that_is_throttled_goes_on_where_it_was(foreign_gateway):
    account = Account(420)
    refusals = iter([True] * 3)

    def answer(operation, params):
        if params.get("NextToken") == "200" and next(refusals, False):
            return throttled()
        return account(operation, params)

    with ScriptedUpstream(answer) as upstream:
        made, owner = foreign_gateway(upstream.url)
        with Program(made.url, owner) as program:
            walked = program.walk("SearchHITs")

    check_exact(walked)
    assert sorted(walked.ids) == account.ids
    assert account.pages == ["", "100", "200", "300", "400", "420"]


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_the_upstream_repeats_or_drops_never_come_twice(foreign_gateway, seed):
    """Tokens that are mere positions: what is made or disposed of in the middle shifts all that follows."""
    account = Account(350)
    chance = random.Random(seed)

    def shifting(operation, params):
        answer = account(operation, params)
        if operation == "ListHITs" and chance.random() < 0.9:
            for _ in range(chance.randrange(40)):
                account.add()
            for hit in chance.sample(account.ids, chance.randrange(40)):
                account.DeleteHIT({"HITId": hit})
        return answer

    with ScriptedUpstream(shifting) as upstream:
        made, owner = foreign_gateway(upstream.url, freshness=0)
        with Program(made.url, owner) as program:
            walks = [program.walk("SearchHITs", 33, SortProperty=key) for key in ("Enumeration", "Title", "Reward")]
            chance = random.Random()
            chance.random = lambda: 1.0
            settled = program.walk("SearchHITs")

    for walk in walks:
        check_exact(walk)
    assert settled.ids == account.ids


def test_many_views_cost_one_walk_and_few_are_kept(foreign_gateway):
    """Whoever asks for one HIT type after the other makes no order that outlives the next walk."""
    account = Account(120)
    with ScriptedUpstream(account) as upstream:
        made, owner = foreign_gateway(upstream.url, freshness=600)

        def look(names):
            with Program(made.url, owner) as program:
                return {program.page("GetReviewableHITs", HITTypeId=name).total for name in names}

        names = [f"3T{number}" for number in range(64)]
        assert at_once(*(partial(look, names[start::8]) for start in range(8))) == [{0}] * 8
        assert account.pages == ["", "100", "120"]
        with Program(made.url, owner) as program:
            make_hit(program)
            assert program.page("SearchHITs").total == 121
        assert account.pages == ["", "100", "120", "", "100", "121"]
        with made.house.stock.reading() as connection:
            newest = connection.scalar(select(func.max(bases.c.id)))
            kept = connection.scalar(select(func.count()).where(orders.c.base == newest))
    assert kept <= 40


def test_orders_that_nobody_reads_any_more_are_cleared_away(tmp_path):
    """Also those of a listing in which nothing changes, whose one snapshot may be kept for days."""
    with EmbeddedGateway(Settings(data=tmp_path / "data")) as gateway:
        with Program(gateway.url, gateway.add_requester("curious")) as program:
            for number in range(40):
                assert program.page("GetReviewableHITs", HITTypeId=f"3T{number}").total == 0
        clearing = Clearing(gateway.house.desk, gateway.house.stock, Limits(0.0, 600.0, 2**30, 2**30))
        clearing.clear()
        with gateway.house.stock.reading() as connection:
            kept = connection.scalar(select(func.count()).select_from(orders))
    assert kept <= 32


def test_programs_that_never_finish_are_held_for_as_long_as_there_is_room(foreign_gateway):
    """Then those that were last heard of longest ago get what there is now: a page that is right, and no error."""
    account = Account(150)
    with ScriptedUpstream(account) as upstream:
        made, owner = foreign_gateway(upstream.url, freshness=0)
        programs = [Program(made.url, owner, f"program {number}") for number in range(8)]
        for program in programs:
            assert program.page("SearchHITs", 1, 10).total == len(account.ids)
            account.add()

        def stored():
            with made.house.stock.reading() as connection:
                return connection.scalar(select(func.sum(bases.c.size)))

        space = stored() * 3 // 8
        clearing = Clearing(made.house.desk, made.house.stock, Limits(900.0, 600.0, 2 * space, space))
        clearing.clear()
        assert stored() <= space
        clearing.clear()
        totals = [program.page("SearchHITs", 2, 10).total for program in programs]
        for program in programs:
            program.__exit__()

    assert totals[:4] == [158] * 4
    assert totals[-2:] == [156, 157]


def counted(desk, condition):
    with desk.reading() as connection:
        return connection.scalar(select(func.count()).where(condition))


def test_listings_that_never_end_keep_no_other_requester_waiting(foreign_gateway, tmp_path):
    """The upstream gives no answer to somebody who asks for one listing after the other."""
    account, opened, asked = Account(50), threading.Event(), []

    def answer(operation, params):
        if operation != "ListAssignmentsForHIT":
            return account(operation, params)
        asked.append(params["HITId"])
        opened.wait(60)
        return 200, {"NumResults": 0, "Assignments": []}

    with ScriptedUpstream(answer) as upstream:
        stuck = Requester("stuck", "AKIDSTUCK", "stuck-secret")
        write_profile(tmp_path / "credentials", stuck)
        made, owner = foreign_gateway(upstream.url, upstream_timeout=60, patience=5)

        def wait_for(number):
            with Program(made.url, stuck) as program:
                program.answer("GetAssignmentsForHIT", HITId=f"3H{number}")

        threads = [threading.Thread(target=wait_for, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        try:
            until(lambda: asked and counted(made.house.desk, walks.c.state.in_(("queued", "walking"))) == 12)
            with Program(made.url, owner) as program:
                page = program.page("SearchHITs")
        finally:
            opened.set()
            for thread in threads:
                thread.join()

    assert page.total == 50
