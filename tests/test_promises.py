"""What was promised is remembered for as long as somebody may ask for it, and gone on with until it is done."""

from __future__ import annotations

from contextlib import ExitStack
from unittest.mock import patch

import pytest
from botocore.retries.standard import ExponentialBackoff
from sqlalchemy import delete, select, update

from mturk_gateway.credentials import Requester
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.driver import Driver
from mturk_gateway.ledger.tables import undertakings
from mturk_gateway.ledger.undertakings import Busy, Undertakings, Wish
from mturk_gateway.paging.tables import prepare_paging
from mturk_gateway.paging.writes import Writes
from mturk_gateway.undertaking import Finisher, Undertaker
from mturk_gateway.upstream import Upstream
from mturk_translators.faults import ModernError
from mturk_translators.operation import Context
from mturk_translators.operations import OPERATIONS
from support import ScriptedUpstream
from walks import until

LAB = Requester("lab", "AKIDLAB", "lab-secret")
MINUTE, HOUR, DAY = 60, 3600, 86_400
DISABLED = {"HITId": "3HIT"}


class Record(Undertakings):
    """The record of undertakings, with a look into its rows, and a way to let time pass."""

    def __init__(self, database):
        super().__init__(database, lease=60.0)
        self.database = database

    def rows(self):
        with self.database.reading() as connection:
            return connection.execute(select(undertakings)).all()

    def wait(self, seconds):
        """So much time passes for all that is recorded."""
        moved = {name: undertakings.c[name] - seconds for name in ("due_at", "changed_at")}
        with self.database.writing() as connection:
            connection.execute(update(undertakings).values(moved))

    def ask(self, name="t", requester="lab", operation="DisableHIT"):
        """What a request with a token comes to; each is about another subject."""
        return self.claim(requester, Wish(operation, f"token {name}", "kind", f"3{name}", token=True), "a-request")

    def promise(self, name="t"):
        """What has been planned, and is being carried out."""
        return self.keep(self.ask(name), DISABLED)

    def known(self):
        """The state in which who asks again finds it; None when it is forgotten."""
        found = self.ask()
        if isinstance(found, Busy):
            return "busy"
        return None if found.plan is None else found.state


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    database = Database(sqlite_url(tmp_path_factory.mktemp("promises") / "ledger.db"), durable=False)
    database.migrate("mturk_gateway.ledger")
    yield database
    database.close()


@pytest.fixture
def record(ledger):
    with ledger.writing() as connection:
        connection.execute(delete(undertakings))
    return Record(ledger)


def test_a_token_is_known_to_its_requester_and_for_its_operation_only(record):
    record.change(record.promise(), "told")

    assert record.ask().state == "told"
    assert record.ask(requester="other").plan is None
    assert record.ask(operation="GrantBonus").plan is None


@pytest.mark.parametrize(
    ("state", "found", "seconds"), [("stuck", "open", DAY), ("told", "told", DAY), ("ended", "ended", HOUR)]
)
def test_how_long_is_remembered_what_came_of_a_request(record, state, found, seconds):
    promise = record.promise()
    for passed, expected in ((seconds - MINUTE, found), (seconds + MINUTE, None)):
        record.change(promise, state)
        record.wait(passed)
        assert record.known() == expected


def test_what_nobody_can_ask_for_any_more_is_dropped(record):
    for name, state in (("a", "told"), ("b", "ended"), ("c", "waiting"), ("d", "open")):
        record.change(record.promise(name), state, again=state in ("waiting", "open"))
    record.wait(DAY + MINUTE)
    record.change(record.promise("e"), "told")

    record.clear()

    assert {row.subject for row in record.rows()} == {"3c", "3d", "3e"}


def test_whoever_carries_it_out_has_it_alone_until_the_lease_ends(record):
    record.promise()
    record.wait(MINUTE / 2)
    assert record.known() == "busy"
    assert record.take() is None

    record.wait(MINUTE)
    assert record.known() == "open"
    assert record.take() is None


def test_tries_become_rarer_up_to_one_in_a_minute(record):
    promise = record.promise()
    pauses = []
    for _ in range(9):
        record.change(promise, "open", again=True)
        (row,) = record.rows()
        pauses.append(round(row.due_at - row.changed_at))

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_after_a_restart_all_that_is_undone_is_due(record):
    """Nobody is at it any more, whatever their leases say; what waits for workers can wait."""
    record.promise("running")
    record.change(record.promise("open"), "open", again=True)
    waiting = record.promise("waiting")
    for _ in range(7):
        record.change(waiting, "waiting", again=True)
    record.change(record.promise("ended"), "ended")

    record.release()

    assert {record.take().name for _ in range(2)} == {"token running", "token open"}
    assert record.take() is None


def test_a_hit_that_is_asked_for_is_looked_after_at_once_and_stays_hidden(record):
    promise = record.promise()
    for _ in range(7):
        record.change(promise, "waiting", again=True)
    record.hasten("other", "3HIT")
    record.hasten("lab", "3OTHER")
    assert record.take() is None

    record.hasten("lab", "3HIT")

    assert record.take().state == "waiting"
    assert record.is_going("lab", "3HIT")
    assert record.going("lab") == ["3HIT"]
    assert record.going("other") == []


STATE = {"__type": "RequestError", "Message": "No. (1)", "TurkErrorCode": "AWS.MechanicalTurk.InvalidHITState"}
GONE = {**STATE, "TurkErrorCode": "AWS.MechanicalTurk.HITDoesNotExist"}
CONTEXT = Context(token="ours", lifetime=0, now=0, request_id="a-request")


class Office:
    """An undertaker before an upstream with one HIT, whose replies can be replaced one by one."""

    def __init__(self, record, script, writes):
        self.record, self.script = record, script
        self.replies = {
            "GetHIT": (200, {"HIT": {"HITId": "3HIT", "HITStatus": "Unassignable"}}),
            "UpdateExpirationForHIT": (200, {}),
            "ListAssignmentsForHIT": (200, {"Assignments": []}),
            "DeleteHIT": (200, {}),
        }
        script.answer = lambda operation, _: self.replies[operation]
        self.upstream = Upstream(script.url, timeout=5.0)
        driver = Driver(self.upstream, writes, {}, lambda *_: None)
        self.undertaker = Undertaker(record, driver, writes)

    def disable(self):
        return self.undertaker.answer(LAB, "DisableHIT", OPERATIONS["DisableHIT"].undertaking, DISABLED, CONTEXT)

    def go_on(self, find={"lab": LAB}.get):
        """Go on with what there is, when it is time for it."""
        self.record.wait(2 * MINUTE)
        return self.undertaker.go_on(find)

    def states(self):
        return [row.state for row in self.record.rows()]


@pytest.fixture
def office(tmp_path, record):
    with ExitStack() as stack:
        stack.enter_context(patch.object(ExponentialBackoff, "delay_amount", return_value=0))
        script = stack.enter_context(ScriptedUpstream(None))
        desk, stock = (Database(sqlite_url(tmp_path / name), durable=False) for name in ("walks.db", "snapshots.db"))
        stack.callback(desk.close)
        stack.callback(stock.close)
        prepare_paging(desk, stock)
        made = Office(record, script, Writes(desk))
        stack.callback(made.upstream.close)
        yield made


def test_what_is_promised_to_somebody_whose_keys_are_missing_waits_for_them(office):
    """A credentials file may be half copied."""
    office.replies["DeleteHIT"] = 400, STATE
    office.disable()
    office.replies["DeleteHIT"] = 200, {}

    assert office.go_on(lambda _account: None)
    assert office.states() == ["waiting"]
    assert office.go_on()
    assert office.states() == []


@pytest.mark.parametrize(
    "trouble",
    [(500, {"__type": "ServiceFault", "Message": "Try again."}), (400, {**STATE, "TurkErrorCode": "X"}), (200, {})],
    ids=["passing", "refused", "garbage"],
)
def test_a_disabled_hit_stays_hidden_whatever_goes_wrong_later(office, trouble):
    office.replies["DeleteHIT"] = 400, STATE
    office.disable()
    office.replies["ListAssignmentsForHIT"] = trouble
    assert office.go_on()
    assert office.record.is_going("lab", "3HIT")

    office.replies |= {"ListAssignmentsForHIT": (200, {"Assignments": []}), "DeleteHIT": (200, {})}
    assert office.go_on()
    assert office.states() == []
    assert not office.record.is_going("lab", "3HIT")


def test_what_met_a_reply_that_is_none_is_gone_on_with(office):
    office.replies["ListAssignmentsForHIT"] = 200, {}
    with pytest.raises(LookupError):
        office.disable()
    assert office.states() == ["open"]

    office.replies["ListAssignmentsForHIT"] = 200, {"Assignments": []}
    assert office.go_on()
    assert office.script.calls[-1][0] == "DeleteHIT"
    assert office.states() == ["ended"]


def test_a_refusal_before_anything_was_done_leaves_nothing_to_remember(office):
    office.replies["UpdateExpirationForHIT"] = 400, {**STATE, "TurkErrorCode": "X"}
    with pytest.raises(ModernError):
        office.disable()

    assert office.states() == []


def test_the_finisher_outlives_troubles_and_tidies_up(office):
    record, troubled = office.record, []
    for name in "abcd":
        record.change(record.promise(name), "open", again=True)
    record.change(record.promise("old"), "told")
    record.wait(2 * DAY)

    def find(account):
        if len(troubled) < 4:
            troubled.append(account)
            raise OSError("nothing can be read")
        return LAB

    with Finisher(office.undertaker, find):
        assert until(lambda: len(troubled) == 4)
        record.wait(MINUTE)
        assert until(lambda: sorted(office.states()) == ["ended"] * 4)
