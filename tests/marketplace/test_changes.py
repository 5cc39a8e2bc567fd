"""A client that knows a listing asks what changed, instead of walking it again."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import column, event, select

from marketplace.conftest import PACKAGE, QUESTION, House
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.marketplace.requesters import find_requester
from mturk_gateway.marketplace.services.call import Call
from mturk_gateway.marketplace.services.lists.tokens import PageTokens
from mturk_gateway.marketplace.services.publishing.hit_creation import create_hit_with_hit_type
from mturk_gateway.marketplace.services.working.workers import WorkerRefused

SINCE, CURSOR, CHANGES, GONE = (f"x-mturk-gateway-{name}" for name in ("since", "cursor", "changes", "gone"))
GREAT = "000000000000000000L0"
REQUIRES_GREAT = [{"QualificationTypeId": GREAT, "Comparator": "GreaterThan", "IntegerValues": [95]}]
HITS = ("ListHITs", "HITs", "HITId")
REQUIRING = ("ListHITsForQualificationType", "HITs", "HITId")
ASSIGNMENTS = ("ListAssignmentsForHIT", "Assignments", "AssignmentId")
METHODS = {
    "ListHITs": "list_hits",
    "ListHITsForQualificationType": "list_hits_for_qualification_type",
    "ListAssignmentsForHIT": "list_assignments_for_hit",
    "ListReviewableHITs": "list_reviewable_hits",
}


def ask(client, operation, since=None, **parameters):
    """The reply to a List operation with what the client says it knows, and the reply's headers of ours."""

    def say(params, **_others):
        if since is not None:
            params["headers"][SINCE] = since

    client.meta.events.register(f"before-call.mturk.{operation}", say)
    try:
        reply = getattr(client, METHODS[operation])(**parameters)
    finally:
        client.meta.events.unregister(f"before-call.mturk.{operation}", say)
    headers = reply.pop("ResponseMetadata")["HTTPHeaders"]
    return reply, {name: value for name, value in headers.items() if name.startswith("x-mturk-gateway-")}


def walk(client, listing, **parameters):
    """The listing by id, walked token by token."""
    operation, member, key = listing
    reply, _ = ask(client, operation, MaxResults=100, **parameters)
    rows = {}
    while reply[member]:
        rows |= {row[key]: row for row in reply[member]}
        reply, _ = ask(client, operation, MaxResults=100, NextToken=reply["NextToken"], **parameters)
    return rows


@dataclass
class Follower:
    """Knows a listing by a walk, then keeps up with it by what changed."""

    client: object
    listing: tuple[str, str, str]
    parameters: dict = field(default_factory=dict)
    rows: dict = field(default_factory=dict)
    cursor: str = ""
    token: str | None = None
    current: bool = False

    def step(self, size=100):
        """One call: of the walk, or else for changes."""
        operation, member, key = self.listing
        if self.token:
            reply, headers = ask(self.client, operation, MaxResults=size, NextToken=self.token, **self.parameters)
            assert headers == {}
            self.token = reply.get("NextToken")
        elif not self.cursor:
            reply, headers = ask(self.client, operation, "start", MaxResults=size, **self.parameters)
            assert set(headers) == {CURSOR}
            self.cursor = headers[CURSOR]
            self.token = reply.get("NextToken")
        else:
            reply, headers = ask(self.client, operation, self.cursor, MaxResults=size, **self.parameters)
            gone = headers[GONE].split(",") if GONE in headers else []
            assert "NextToken" not in reply
            assert len(reply[member]) + len(gone) <= size
            assert reply["NumResults"] == len(reply[member])
            self.cursor = headers[CURSOR]
            self.current = {"more": False, "complete": True}[headers[CHANGES]]
            for identifier in gone:
                self.rows.pop(identifier, None)
        assert self.cursor.isascii()
        assert len(self.cursor) < 200
        self.rows |= {row[key]: row for row in reply[member]}

    def follow(self, size=100):
        """Calls until nothing more has changed; their number. Ends in what a walk gives."""
        self.current = False
        calls = 0
        while not self.current:
            self.step(size)
            calls += 1
        assert self.rows == walk(self.client, self.listing, **self.parameters)
        return calls


@pytest.fixture
def follower(client):
    """Makes a follower of a listing who knows it."""

    def make(listing=HITS, **parameters):
        made = Follower(client, listing, parameters)
        made.follow()
        return made

    return make


def fill(house, number, **changes):
    """HITs made through the rules alone; their ids."""
    first = house.create_hit(house.client(), **changes)
    parameters = {"HITTypeId": first["HITTypeId"], "LifetimeInSeconds": 3600, "Question": QUESTION, **changes}
    made = [first["HITId"]]
    with house.database.writing() as connection:
        requester = find_requester(connection, "alice")
        tokens = PageTokens.load(connection)
        for _ in range(number - 1):
            call = Call("CreateHITWithHITType", parameters, requester, house.clock.now, connection, tokens)
            made.append(create_hit_with_hit_type(call)["HIT"]["HITId"])
    return made


def test_whoever_does_not_ask_sees_nothing_of_it(house, client):
    fill(house, 3)
    plain, headers = ask(client, "ListHITs", MaxResults=2)
    started, _ = ask(client, "ListHITs", "start", MaxResults=2)
    next_page, with_token = ask(client, "ListHITs", "start", MaxResults=2, NextToken=plain["NextToken"])

    assert headers == with_token == {}
    assert plain == started
    assert next_page == ask(client, "ListHITs", MaxResults=2, NextToken=plain["NextToken"])[0]


@pytest.mark.parametrize(("number", "calls"), [(0, 1), (1, 1), (100, 1), (101, 2), (250, 3)])
def test_changes_cost_one_call_for_every_hundred(house, client, follower, number, calls):
    """Whatever has changed, and however often: also what is expired by a call, which is a change and an expiration."""
    made = fill(house, number + 1)
    known = follower()
    for identifier in made[:number]:
        client.update_expiration_for_hit(HITId=identifier, ExpireAt=0)

    assert known.follow() == calls
    assert known.follow() == 1


@pytest.mark.parametrize(("number", "calls"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_hits_that_expire_by_themselves_are_told(house, clock, follower, number, calls):
    fill(house, 10)
    fill(house, number, LifetimeInSeconds=60)
    known = follower()
    clock.advance(59)
    assert known.follow() == 1
    clock.advance(1)

    assert known.follow() == calls
    assert known.follow() == 1


def test_hits_that_came_and_expired_since_are_told_once(house, clock, follower):
    known = follower()
    fill(house, 150, LifetimeInSeconds=60)
    clock.advance(60)

    assert known.follow() == 2


def test_hits_that_expire_while_changes_are_told_are_told_again_but_none_twice_at_once(house, client, clock, follower):
    known = follower()
    fill(house, 190, LifetimeInSeconds=60)
    known.step()
    clock.advance(60)
    second, _ = ask(client, "ListHITs", known.cursor, MaxResults=100)
    known.follow()

    assert second["NumResults"] == 100
    assert {hit["HITStatus"] for hit in known.rows.values()} == {"Reviewable"}


def test_a_clock_that_is_set_back_while_changes_are_told_hides_no_expiration(house, clock, follower):
    known = follower()
    fill(house, 250, LifetimeInSeconds=60)
    clock.advance(60)
    known.step()
    clock.advance(-1)
    known.step()
    clock.advance(1)
    known.follow()

    assert {hit["HITStatus"] for hit in known.rows.values()} == {"Reviewable"}


def test_who_follows_the_assignments_of_a_hit_is_not_told_of_work_in_progress(house, client):
    """Its id is all that is needed to submit it."""
    hit = house.create_hit(client, MaxAssignments=2)
    given = {"HITId": hit["HITId"]}
    first = house.post("ListAssignmentsForHIT", given, headers={SINCE: "start"})
    house.accept(hit)
    later = house.post("ListAssignmentsForHIT", given, headers={SINCE: first.headers[CURSOR]})

    assert (later.headers[CHANGES], later.json()["Assignments"], GONE in later.headers) == ("complete", [], False)


def test_a_hit_that_is_no_longer_listed_is_named_as_gone(house, client, follower):
    kept, deleted = fill(house, 2)
    known = follower()
    for identifier in (kept, deleted):
        client.update_expiration_for_hit(HITId=identifier, ExpireAt=0)
    client.delete_hit(HITId=deleted)
    reply, headers = ask(client, "ListHITs", known.cursor)

    assert [hit["HITId"] for hit in reply["HITs"]] == [kept]
    assert (headers[GONE], headers[CHANGES]) == (deleted, "complete")


def test_assignments_come_and_leave_with_their_status(house, client, follower):
    hit = house.create_hit(client, MaxAssignments=3)
    every = follower(ASSIGNMENTS, HITId=hit["HITId"])
    undecided = follower(ASSIGNMENTS, HITId=hit["HITId"], AssignmentStatuses=["Submitted"])
    first, second = (house.work(hit, worker) for worker in ("A1", "A2"))
    for each in (every, undecided):
        assert each.follow() == 1
        assert set(each.rows) == {first, second}
    client.approve_assignment(AssignmentId=first)
    for each in (every, undecided):
        assert each.follow() == 1

    assert (set(every.rows), set(undecided.rows)) == ({first, second}, {second})


def test_a_cursor_survives_a_restart(house, follower):
    known = follower()
    fill(house, 3)
    house.restart()
    known.client = house.client()

    assert known.follow() == 1


@pytest.fixture
def elsewhere(house, tmp_path):
    """A cursor of the same listing that another marketplace gave to a requester of the same keys."""
    with ExitStack() as stack:
        other = House(tmp_path / "other.db", house.clock, stack, house.http).start()
        stack.callback(other.stop)
        yield ask(other.client(), "ListHITs", "start")[1][CURSOR]


def test_a_cursor_that_is_of_no_use_is_answered_like_a_start(house, client, elsewhere):
    hit = house.create_hit(client, QualificationRequirements=REQUIRES_GREAT)
    page, mine = ask(client, "ListHITs", "start", MaxResults=1)
    unusable = [
        "",
        "start ",
        "c1:",
        "c1:AAAA",
        "p1:!!!!",
        mine[CURSOR][:-4],
        page["NextToken"],
        page["NextToken"].replace("p1:", "c1:"),
        elsewhere,
        ask(house.client("bob"), "ListHITs", "start")[1][CURSOR],
        ask(client, "ListHITsForQualificationType", "start", QualificationTypeId=GREAT)[1][CURSOR],
        ask(client, "ListAssignmentsForHIT", "start", HITId=hit["HITId"])[1][CURSOR],
    ]

    for cursor in unusable:
        assert ask(client, "ListHITs", cursor, MaxResults=1) == (page, mine)


def test_a_cursor_from_the_future_of_a_database_that_was_put_back_is_answered_like_a_start(house, client, tmp_path):
    house.create_hit(client)
    house.stop()
    shutil.copy(house.path, tmp_path / "backup")
    house.start()
    house.create_hit(house.client())
    _, future = ask(house.client(), "ListHITs", "start")
    house.stop()
    shutil.copy(tmp_path / "backup", house.path)
    house.start()
    reply, headers = ask(house.client(), "ListHITs", future[CURSOR])

    assert (reply["NumResults"], set(headers)) == (1, {CURSOR})


def test_a_listing_that_cannot_tell_changes_is_answered_as_ever(house, client):
    fill(house, 2)

    assert ask(client, "ListReviewableHITs", "start")[1] == {}


@pytest.fixture
def plans(house):
    """Records how the database finds what it is asked for; gives the steps of all its plans."""
    asked = []

    def keep(_connection, _cursor, statement, parameters, *_others):
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    def steps():
        event.remove(house.database.engine, "before_cursor_execute", keep)
        with house.database.reading() as connection:
            return [
                row.detail
                for statement, parameters in asked
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]

    event.listen(house.database.engine, "before_cursor_execute", keep)
    return steps


def test_a_call_reads_no_more_than_its_page_however_many_rows_there_are(house, client, plans):
    """Everything is found through an index, in the order in which it is wanted."""
    hit = house.create_hit(client, MaxAssignments=2)
    listings = [("ListHITs", {}), ("ListAssignmentsForHIT", {"HITId": hit["HITId"]})]
    cursors = [ask(client, operation, "start", **parameters)[1][CURSOR] for operation, parameters in listings]
    house.work(hit)
    for (operation, parameters), cursor in zip(listings, cursors, strict=True):
        ask(client, operation, cursor, **parameters)
        page, _ = ask(client, operation, **parameters)
        ask(client, operation, NextToken=page["NextToken"], **parameters)
    steps = plans()

    used = {step.split("INDEX ")[1].split(" ")[0] for step in steps if "INDEX " in step}
    assert used >= {"hits_listed", "hits_changes", "hits_expiring", "assignments_listed", "assignments_changes"}
    assert [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step] == []


def test_rows_from_before_there_was_a_whole_marketplace_get_numbers_twins_and_books(house, client, tmp_path):
    hit, other = fill(house, 2, MaxAssignments=3)
    house.create_hit(house.client("bob"))
    for identifier, worker in itertools.product((hit, other), ("A1", "A2")):
        house.work({"HITId": identifier}, worker)
    before = walk(client, HITS)
    house.stop()
    old = Database(sqlite_url(tmp_path / "old.db"), durable=True)
    config = Config()
    config.set_main_option("script_location", f"{PACKAGE}:migrations")
    with old.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with old.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"ATTACH '{house.path}' AS new")
        for table in ("requesters", "access_keys", "hit_types", "hits", "assignments"):
            names = [row.name for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
            into = sqlalchemy.table(table, *map(column, names))
            origin = sqlalchemy.table(table, *map(column, names), schema="new")
            rows = (
                select(origin).where(origin.c.sandbox == sqlalchemy.false()) if "sandbox" in names else select(origin)
            )
            connection.execute(into.insert().from_select(names, rows))
        connection.exec_driver_sql("COMMIT")
    old.close()
    house.path = tmp_path / "old.db"
    house.start()

    client = house.client()
    followers = [Follower(client, HITS), Follower(house.client("bob"), HITS)]
    followers += [Follower(client, ASSIGNMENTS, {"HITId": identifier}) for identifier in (hit, other)]
    for each in followers:
        each.follow()
    assert before == followers[0].rows
    assert house.client(host="sandbox").list_hits()["HITs"] == []
    with house.database.reading() as connection:
        books = connection.execute(sqlalchemy.text("SELECT kind, SUM(balance) AS total FROM accounts GROUP BY kind"))
        assert dict(books.all()) == {"available": -35, "held": 35}
    house.create_hit(client)
    house.work({"HITId": hit}, "A3")
    assert [each.follow() for each in followers] == [1, 1, 1, 1]


class Market(RuleBasedStateMachine):
    """Anything happens in any order; whoever follows the changes knows what a walk would find."""

    numbers = itertools.count(1)

    def __init__(self, house):
        super().__init__()
        self.house = house
        self.name = f"requester-{next(self.numbers)}"
        self.hits = []
        self.assignments = []
        self.client = house.client(self.name)
        self.restarted = False

    @initialize()
    def open(self):
        self.create(2, required=True, delay=30, lifetime=100)
        watched = {"HITId": self.hits[0]["HITId"]}
        self.followers = [
            Follower(self.client, HITS),
            Follower(self.client, REQUIRING, {"QualificationTypeId": GREAT}),
            Follower(self.client, ASSIGNMENTS, watched),
            Follower(self.client, ASSIGNMENTS, {**watched, "AssignmentStatuses": ["Submitted", "Rejected"]}),
        ]

    @rule(
        slots=st.integers(1, 3),
        required=st.booleans(),
        delay=st.sampled_from([0, 30, 10_000]),
        lifetime=st.integers(30, 150),
    )
    def create(self, slots, required, delay, lifetime):
        made = self.house.create_hit(
            self.client,
            MaxAssignments=slots,
            AutoApprovalDelayInSeconds=delay,
            LifetimeInSeconds=lifetime,
            AssignmentDurationInSeconds=50,
            QualificationRequirements=REQUIRES_GREAT if required else [],
        )
        self.hits.append(made)

    @rule(seconds=st.sampled_from([1, 10, 30, 70]))
    def wait(self, seconds):
        self.house.clock.advance(seconds)

    @rule(data=st.data(), worker=st.sampled_from(["A1", "A2", "A3"]))
    def accept(self, data, worker):
        with contextlib.suppress(WorkerRefused):
            self.assignments.append(self.house.accept(data.draw(st.sampled_from(self.hits)), worker))

    @rule(data=st.data())
    def submit(self, data):
        with contextlib.suppress(WorkerRefused):
            self.house.submit(data.draw(st.sampled_from([*self.assignments, "3NONE"])))

    @rule(data=st.data(), decision=st.sampled_from(["approve", "reject", "override"]))
    def decide(self, data, decision):
        assignment = data.draw(st.sampled_from([*self.assignments, "3NONE"]))
        with contextlib.suppress(ClientError):
            if decision == "reject":
                self.client.reject_assignment(AssignmentId=assignment, RequesterFeedback="no")
            else:
                self.client.approve_assignment(AssignmentId=assignment, OverrideRejection=decision == "override")

    @rule(data=st.data(), seconds=st.sampled_from([0, 0, 90, 300]))
    def end_or_extend(self, data, seconds):
        hit = data.draw(st.sampled_from(self.hits))
        with contextlib.suppress(ClientError):
            self.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=self.house.clock.now + seconds)

    @rule(data=st.data(), revert=st.booleans())
    def review(self, data, revert):
        hit = data.draw(st.sampled_from(self.hits))
        with contextlib.suppress(ClientError):
            self.client.update_hit_review_status(HITId=hit["HITId"], Revert=revert)

    @rule(data=st.data())
    def delete(self, data):
        hit = data.draw(st.sampled_from(self.hits))
        with contextlib.suppress(ClientError):
            self.client.delete_hit(HITId=hit["HITId"])

    @precondition(lambda self: not self.restarted)
    @rule()
    def restart(self):
        self.restarted = True
        self.house.restart()
        self.client = self.house.client(self.name)
        for each in self.followers:
            each.client = self.client

    @rule(data=st.data(), size=st.integers(1, 4))
    def look_once(self, data, size):
        data.draw(st.sampled_from(self.followers)).step(size)

    @rule(size=st.sampled_from([1, 2, 100]))
    def follow(self, size):
        for each in self.followers:
            each.follow(size)

    def teardown(self):
        self.follow(3)


def test_whatever_happens_following_the_changes_gives_what_a_walk_gives(house):
    run_state_machine_as_test(
        lambda: Market(house),
        settings=settings(
            max_examples=12,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        ),
    )
