"""The two statistics: a ledger of what was done, joined with what the marketplace still shows (legacy-hits 21, 22)."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from marketplace.conftest import PACKAGE, House, TurnableClock
from mturk_gateway.credentials import Requester
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.driving import drive
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.ledger.tables import metadata
from mturk_gateway.settings import Settings, SettingsError, load_settings
from mturk_gateway.statistics.days import PACIFIC
from mturk_gateway.statistics.deeds import Deeds
from mturk_gateway.statistics.tallies import Tallies
from mturk_gateway.upstream import Upstream
from mturk_translators.call import Call
from mturk_translators.faults import Fault, ModernError
from mturk_translators.operation import Context
from mturk_translators.operations import OPERATIONS
from mturk_translators.query import Pair, nest
from mturk_translators.request import translate
from mturk_translators.statistics import REQUESTER_STATISTICS, WORKER_STATISTICS
from support import PROPERTIES, QUESTION, ScriptedUpstream, ask, modern_client, one
from walks import until

LEDGER = "mturk_gateway.ledger"
HOUR, DAY = 3600, 86_400
NOON = int(datetime(2024, 6, 12, 12, tzinfo=PACIFIC).timestamp())
"""A Wednesday, far from any change of the clocks."""


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class WatchedUpstream(Upstream):
    """Remembers the names of the calls that went through it."""

    def __init__(self, url):
        super().__init__(url, timeout=10.0)
        self.calls = []

    def call(self, requester, call, *, headers=None):
        self.calls.append(call.operation)
        return super().call(requester, call, headers=headers)


@dataclass
class Bureau:
    """The statistics of a gateway: a ledger, an upstream, and requesters who ask and do things through it."""

    ledger: Database
    upstream: WatchedUpstream
    clock: TurnableClock
    rules: dict = field(default_factory=dict)

    def __post_init__(self):
        self.open()

    def open(self):
        self.deeds = Deeds(self.ledger)
        self.tallies = Tallies(self.ledger, self.upstream, self.deeds, **{"freshness": 0.0, **self.rules})

    def restart(self):
        """What a process has in memory is gone; it has stopped in order."""
        self.tallies.close()
        self.deeds.save()
        self.open()

    def close(self):
        self.tallies.close()

    def do(self, requester, operation, **params):
        """A write through the gateway."""
        reply = self.elsewhere(requester, operation, **params)
        self.deeds.note(requester.account, Call(operation, params), reply, self.clock())
        return reply

    def elsewhere(self, requester, operation, **params):
        """A write that goes past the gateway."""
        return self.upstream.call(requester, Call(operation, params))

    def create(self, requester, **changes):
        return self.do(requester, "CreateHIT", **{**PROPERTIES, "LifetimeInSeconds": 30 * DAY, **changes})["HIT"]

    def dispose(self, requester, hit):
        self.elsewhere(
            requester, "UpdateExpirationForHIT", HITId=hit["HITId"], ExpireAt=datetime(2020, 1, 1, tzinfo=UTC)
        )
        self.do(requester, "DeleteHIT", HITId=hit["HITId"])

    def pay(self, requester, assignment, worker, amount):
        self.do(requester, "SendBonus", AssignmentId=assignment, WorkerId=worker, BonusAmount=amount, Reason="Thanks")

    def points(self, requester, name, period="LifeToDate", count=None, worker=None):
        """The data points of an answer: pairs of a date and a value."""
        given = {"Statistic": name, "TimePeriod": period, "Count": count, "WorkerId": worker}
        pairs = [Pair(key, str(value)) for key, value in given.items() if value is not None]
        operation = "GetRequesterStatistic" if worker is None else "GetRequesterWorkerStatistic"
        context = Context(token="", lifetime=0, now=0, request_id="")
        steps = translate(OPERATIONS[operation], nest(pairs), context).steps
        reply = drive(steps, lambda call: self.tallies.list(requester, call.params, self.clock()))
        element = (REQUESTER_STATISTICS if worker is None else WORKER_STATISTICS)[name].element
        assert all(point.keys() == {"Date", element} for point in reply["DataPoint"])
        return [(moment(point["Date"]), point[element]) for point in reply["DataPoint"]]

    def values(self, *asked, **more):
        return [value for _, value in self.points(*asked, **more)]

    def value(self, *asked, **more):
        (value,) = self.values(*asked, **more)
        return value

    def cost(self, function):
        """The names of the calls that something takes."""
        self.upstream.calls.clear()
        function()
        return list(self.upstream.calls)


@pytest.fixture(scope="session")
def empty_databases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("empty")
    for name, package in (("marketplace.db", PACKAGE), ("ledger.db", LEDGER)):
        database = Database(sqlite_url(folder / name), durable=True)
        database.migrate(package)
        database.close()
    return folder


@dataclass
class Scene:
    """A marketplace, the bureau before it, and some requesters."""

    house: House
    bureau: Bureau
    clock: TurnableClock

    def requester(self, name):
        keys = self.house.credentials(name)
        return Requester(name, keys.access_key, keys.secret)


@pytest.fixture
def make_scene(tmp_path, empty_databases):
    with ExitStack() as opened:

        def make(**rules):
            # Hypothesis asks for many scenes within one test: each begins where the one before has ended.
            opened.close()
            for name in ("marketplace.db", "ledger.db"):
                for old in tmp_path.glob(f"{name}*"):
                    old.unlink()
                shutil.copy(empty_databases / name, tmp_path / name)
            clock = TurnableClock()
            clock.now = NOON
            http = opened.enter_context(httpx.Client())
            house = House(tmp_path / "marketplace.db", clock, opened, http).start()
            opened.callback(house.stop)
            ledger = Database(sqlite_url(tmp_path / "ledger.db"), durable=True)
            opened.callback(ledger.close)
            upstream = WatchedUpstream(house.url)
            opened.callback(upstream.close)
            bureau = Bureau(ledger, upstream, clock, rules)
            opened.callback(bureau.close)
            return Scene(house, bureau, clock)

        yield make


@pytest.fixture
def scene(make_scene):
    return make_scene()


@pytest.fixture
def bureau(scene):
    return scene.bureau


@pytest.fixture
def alice(scene):
    return scene.requester("alice")


def test_a_requester_who_has_done_nothing_has_zeros(bureau, alice):
    assert {name: bureau.value(alice, name) for name in REQUESTER_STATISTICS} == dict.fromkeys(REQUESTER_STATISTICS, 0)
    seen = {name: bureau.value(alice, name, worker="A1NEVERSEEN") for name in WORKER_STATISTICS}
    assert seen == dict.fromkeys(WORKER_STATISTICS, 0)


def test_every_statistic_of_a_busy_day(scene, make_scene):
    scene = make_scene(fee_rate=0.2)
    bureau, alice = scene.bureau, scene.requester("alice")
    hit = bureau.create(alice, Reward="0.25", MaxAssignments=5)
    bureau.create(alice, Reward="1.00")
    gone = bureau.create(alice, Reward="0.10")
    one, two, three = (scene.house.work(hit, worker) for worker in ("A1ONE", "A1TWO", "A1THREE"))
    last = scene.house.work(gone, "A1ONE")
    for assignment in (one, last):
        bureau.do(alice, "ApproveAssignment", AssignmentId=assignment)
    bureau.do(alice, "RejectAssignment", AssignmentId=two, RequesterFeedback="")
    bureau.pay(alice, one, "A1ONE", "0.50")
    bureau.pay(alice, three, "A1THREE", "0.05")
    bureau.dispose(alice, gone)

    assert {name: bureau.value(alice, name) for name in REQUESTER_STATISTICS} == {
        "NumberAssignmentsPending": 1,
        "NumberAssignmentsAbandoned": 0,
        "NumberHITsCreated": 3,
        "NumberHITsCompleted": 1,
        "NumberHITsAssignable": 2,
        "NumberHITsReviewable": 0,
        "NumberAssignmentsApproved": 2,
        "NumberAssignmentsRejected": 1,
        "PercentAssignmentsApproved": Decimal(2) / 3,
        "PercentAssignmentsRejected": Decimal(1) / 3,
        "TotalRewardPayout": Decimal("0.35"),
        "AverageRewardAmount": Decimal("0.175"),
        "TotalRewardFeePayout": Decimal("0.07"),
        "TotalFeePayout": Decimal("0.18"),
        "TotalRewardAndFeePayout": Decimal("0.42"),
        "TotalBonusPayout": Decimal("0.55"),
        "TotalBonusFeePayout": Decimal("0.11"),
        # Two of five are decided, and nobody has done the other HIT.
        "EstimatedRewardLiability": Decimal("1.75"),
        "EstimatedFeeLiability": Decimal("0.35"),
        "EstimatedTotalLiability": Decimal("2.10"),
    }
    assert bureau.value(alice, "NumberAssignmentsApproved", worker="A1ONE") == 2
    assert bureau.value(alice, "PercentAssignmentsRejected", worker="A1TWO") == 1
    assert bureau.value(alice, "NumberAssignmentsApproved", worker="A1THREE") == 0


def test_a_reviewable_hit_counts_and_one_under_review_does_not(scene, bureau, alice):
    hits = [bureau.create(alice) for _ in range(2)]
    for hit in hits:
        scene.house.work(hit)
    assert bureau.value(alice, "NumberHITsReviewable") == 2

    bureau.elsewhere(alice, "UpdateHITReviewStatus", HITId=hits[0]["HITId"], Revert=False)
    assert bureau.value(alice, "NumberHITsReviewable") == 1
    assert bureau.value(alice, "NumberHITsAssignable") == 0


def test_what_happened_past_the_gateway_counts_while_the_marketplace_shows_it(scene, bureau, alice):
    made = bureau.elsewhere(alice, "CreateHIT", **PROPERTIES, MaxAssignments=2)["HIT"]
    done, refused = (scene.house.work(made, worker) for worker in ("A1ONE", "A1TWO"))
    bureau.elsewhere(alice, "ApproveAssignment", AssignmentId=done)
    bureau.elsewhere(alice, "RejectAssignment", AssignmentId=refused, RequesterFeedback="No")
    bureau.elsewhere(alice, "SendBonus", AssignmentId=done, WorkerId="A1ONE", BonusAmount="2", Reason="More")

    assert bureau.value(alice, "NumberHITsCreated") == 1
    assert bureau.value(alice, "NumberAssignmentsApproved", worker="A1ONE") == 1
    assert bureau.value(alice, "NumberAssignmentsRejected", worker="A1TWO") == 1
    assert bureau.value(alice, "TotalRewardPayout") == Decimal("0.05")
    assert bureau.value(alice, "TotalBonusPayout") == 2

    # Nothing that is listed shows this one, so it is found when the HIT is read again, a day later at most.
    bureau.elsewhere(alice, "SendBonus", AssignmentId=done, WorkerId="A1ONE", BonusAmount="3", Reason="More")
    assert bureau.value(alice, "TotalBonusPayout") == 2
    scene.clock.advance(DAY + 1)
    assert bureau.value(alice, "TotalBonusPayout") == 5


def test_a_rejection_that_is_reversed_is_an_approval(scene, bureau, alice):
    work = scene.house.work(bureau.create(alice), "A1ONE")
    bureau.do(alice, "RejectAssignment", AssignmentId=work, RequesterFeedback="")
    assert bureau.value(alice, "PercentAssignmentsRejected") == 1

    scene.clock.advance(DAY)
    bureau.do(alice, "ApproveAssignment", AssignmentId=work, OverrideRejection=True)
    assert bureau.value(alice, "PercentAssignmentsRejected") == 0
    assert bureau.values(alice, "NumberAssignmentsApproved", "OneDay", 2) == [0, 1]
    assert bureau.value(alice, "TotalRewardPayout") == Decimal("0.05")


def test_what_is_disposed_of_still_counts(scene, bureau, alice):
    """Also when nobody asked before the HIT was gone, and when the marketplace knows nothing of it any more."""
    hit = bureau.create(alice, Reward="0.40")
    work = scene.house.work(hit, "A1ONE")
    bureau.do(alice, "ApproveAssignment", AssignmentId=work)
    bureau.pay(alice, work, "A1ONE", "0.60")
    bureau.dispose(alice, hit)

    def told():
        return [
            bureau.value(alice, name)
            for name in ("NumberHITsCreated", "NumberHITsCompleted", "TotalRewardPayout", "TotalBonusPayout")
        ]

    expected = [1, 1, Decimal("0.40"), Decimal("0.60")]
    assert told() == expected
    assert bureau.value(alice, "NumberAssignmentsApproved", worker="A1ONE") == 1
    bureau.restart()
    assert told() == expected
    assert set(bureau.cost(told)) == {"ListHITs"}


def test_what_was_decided_past_the_gateway_counts_after_a_disposal_through_it(scene, bureau, alice):
    hit = bureau.create(alice)
    work = scene.house.work(hit, "A1ONE")
    bureau.elsewhere(alice, "ApproveAssignment", AssignmentId=work)
    bureau.dispose(alice, hit)
    assert bureau.value(alice, "TotalRewardPayout") == Decimal("0.05")


def test_a_hit_that_vanishes_without_a_word_has_been_disposed_of(scene, bureau, alice):
    hit = bureau.create(alice)
    work = scene.house.work(hit, "A1ONE")
    assert bureau.value(alice, "NumberHITsCompleted") == 0

    bureau.elsewhere(alice, "ApproveAssignment", AssignmentId=work)
    bureau.elsewhere(alice, "DeleteHIT", HITId=hit["HITId"])
    scene.clock.advance(DAY)
    assert bureau.values(alice, "NumberHITsCompleted", "OneDay", 2) == [0, 1]
    assert bureau.values(alice, "NumberAssignmentsApproved", "OneDay", 2) == [1, 0]


def test_deeds_count_even_where_the_marketplace_has_forgotten_their_objects(tmp_path, empty_databases):
    """What is known is a lower bound: how many, and how much of bonuses, but not whose and for what reward."""
    gone = {
        "__type": "RequestError",
        "Message": "It does not exist.",
        "TurkErrorCode": "AWS.MechanicalTurk.HITDoesNotExist",
    }

    def answer(operation, _params):
        return (200, {"NumResults": 0, "HITs": []}) if operation == "ListHITs" else (400, gone)

    with foreign_bureau(tmp_path, empty_databases, answer) as (bureau, lab, script):
        note(bureau, lab, "ApproveAssignment", {"AssignmentId": "A1"})
        note(bureau, lab, "RejectAssignment", {"AssignmentId": "A2", "RequesterFeedback": ""})
        note(bureau, lab, "DeleteHIT", {"HITId": "H1"})
        note(bureau, lab, "SendBonus", {"AssignmentId": "A1", "WorkerId": "AW", "BonusAmount": "1.10", "Reason": ""})

        assert bureau.value(lab, "NumberHITsCompleted") == 1
        assert bureau.value(lab, "PercentAssignmentsApproved") == Decimal("0.5")
        assert bureau.value(lab, "TotalBonusPayout") == Decimal("1.1")
        assert bureau.value(lab, "TotalRewardPayout") == 0
        assert bureau.value(lab, "AverageRewardAmount") == 0
        assert bureau.value(lab, "NumberAssignmentsApproved", worker="AW") == 0

        script.calls.clear()
        assert bureau.value(lab, "NumberAssignmentsApproved") == 1
        assert [operation for operation, _ in script.calls] == ["ListHITs"], "what is lost was sought again"


def test_hits_of_a_known_type_count_although_no_listing_has_them(tmp_path, empty_databases):
    """What the request does not say of such a HIT stands in the reply, and the other way round."""
    made = {"HITId": "H1", "Reward": "0.40", "MaxAssignments": 2}
    with foreign_bureau(tmp_path, empty_databases, Lagging()) as (bureau, lab, _):
        note(bureau, lab, "CreateHITWithHITType", {"HITTypeId": "T"}, {"HIT": made})
        note(bureau, lab, "CreateHIT", {"Reward": "0.10", "MaxAssignments": 3}, {"HIT": {"HITId": "H2"}})
        bureau.deeds.save()
        rows = bureau.ledger.quick.run("SELECT hit, reward, most FROM history_hits ORDER BY hit")
        assert rows == [("H1", 400_000, 2), ("H2", 100_000, 3)]


def test_a_disposal_that_is_acknowledged_twice_was_the_first_time(tmp_path, empty_databases):
    with foreign_bureau(tmp_path, empty_databases, Lagging([{"HITId": "H1", **FOREIGN_HIT}])) as (bureau, lab, _):
        for _ in range(2):
            note(bureau, lab, "DeleteHIT", {"HITId": "H1"})
            bureau.clock.advance(DAY)
        assert bureau.values(lab, "NumberHITsCompleted", "OneDay", 3) == [1, 0, 0]


def test_the_average_reward_is_of_those_that_are_known(tmp_path, empty_databases):
    """Of an approval whose assignment the marketplace has forgotten, only that it was one is known."""
    shown = Lagging([{"HITId": "H1", **FOREIGN_HIT}], work=[{**FOREIGN_WORK, "AssignmentId": "A1"}])
    gone = {"__type": "RequestError", "Message": "", "TurkErrorCode": "AWS.MechanicalTurk.AssignmentDoesNotExist"}

    def answer(operation, params):
        return (400, gone) if operation == "GetAssignment" else shown(operation, params)

    with foreign_bureau(tmp_path, empty_databases, answer) as (bureau, lab, _):
        note(bureau, lab, "ApproveAssignment", {"AssignmentId": "A2"})
        assert bureau.value(lab, "NumberAssignmentsApproved") == 2
        assert bureau.value(lab, "AverageRewardAmount") == Decimal("0.05")


def test_an_assignment_of_a_hit_that_was_never_listed_is_joined_with_it(scene, bureau, alice):
    """The gateway has carried nothing but the approval; the HIT was made and disposed of past it."""
    hit = bureau.elsewhere(alice, "CreateHIT", **{**PROPERTIES, "Reward": "0.40", "MaxAssignments": 2})["HIT"]
    one, two = (scene.house.work(hit, worker) for worker in ("A1ONE", "A1TWO"))
    bureau.do(alice, "ApproveAssignment", AssignmentId=one)
    bureau.elsewhere(alice, "ApproveAssignment", AssignmentId=two)
    bureau.elsewhere(alice, "DeleteHIT", HITId=hit["HITId"])

    assert bureau.value(alice, "TotalRewardPayout") == Decimal("0.80")
    assert bureau.value(alice, "NumberAssignmentsApproved", worker="A1ONE") == 1
    assert bureau.value(alice, "NumberHITsCompleted") == 1


def test_fronts_share_what_they_have_noted(scene, bureau, alice):
    other = Bureau(bureau.ledger, bureau.upstream, scene.clock, {"freshness": 5.0})
    assert other.value(alice, "NumberHITsCreated") == 0
    bureau.create(alice)
    bureau.deeds.save()
    assert other.value(alice, "NumberHITsCreated") == 1
    other.close()


def test_those_who_ask_together_look_together(tmp_path, empty_databases):
    reached, go_on = threading.Event(), threading.Event()

    def answer(*_):
        reached.set()
        go_on.wait(30)
        return 200, {"NumResults": 1, "HITs": [{"HITId": "H1", **FOREIGN_HIT}]}

    with foreign_bureau(tmp_path, empty_databases, answer, freshness=5.0) as (bureau, lab, script):
        told = []
        asking = [
            threading.Thread(target=lambda: told.append(bureau.value(lab, "NumberHITsReviewable"))) for _ in range(8)
        ]
        for thread in asking:
            thread.start()
        reached.wait(30)
        go_on.set()
        for thread in asking:
            thread.join()
        assert told == [1] * 8
        assert len(script.calls) == 1


def test_no_requester_counts_for_another(scene, bureau, alice):
    bob = scene.requester("bob")
    hit = bureau.create(bob, Reward="0.40")
    work = scene.house.work(hit, "A1ONE")
    bureau.do(bob, "ApproveAssignment", AssignmentId=work)
    bureau.pay(bob, work, "A1ONE", "0.60")
    bureau.dispose(bob, hit)

    assert bureau.value(bob, "TotalBonusPayout") == Decimal("0.60")
    assert {name: bureau.value(alice, name) for name in REQUESTER_STATISTICS} == dict.fromkeys(REQUESTER_STATISTICS, 0)
    assert bureau.value(alice, "NumberAssignmentsApproved", worker="A1ONE") == 0
    # The sandbox is another world for the same keys.
    guest = Requester(bob.profile, bob.access_key, bob.secret, sandbox=True, guest=True)
    assert guest.account != bob.account
    assert bureau.tallies._history.standing(guest.account) == set()


@pytest.mark.parametrize(
    ("last_second", "date", "next_date"),
    [
        ("2024-06-13T06:59:59Z", "2024-06-12T07:00:00Z", "2024-06-13T07:00:00Z"),
        # The clocks went forward on 10 March, and back on 3 November.
        ("2024-03-11T06:59:59Z", "2024-03-10T08:00:00Z", "2024-03-11T07:00:00Z"),
        ("2024-11-04T07:59:59Z", "2024-11-03T07:00:00Z", "2024-11-04T08:00:00Z"),
    ],
)
def test_a_day_ends_at_midnight_in_seattle(scene, bureau, alice, last_second, date, next_date):
    scene.clock.now = int(datetime.fromisoformat(last_second).timestamp())
    bureau.create(alice)
    assert bureau.points(alice, "NumberHITsCreated", "OneDay") == [(date, 1)]
    scene.clock.advance(1)
    assert bureau.points(alice, "NumberHITsCreated", "OneDay") == [(next_date, 0)]
    bureau.create(alice)
    bureau.create(alice)

    assert bureau.points(alice, "NumberHITsCreated", "OneDay", 2) == [(date, 1), (next_date, 2)]
    assert bureau.points(alice, "NumberHITsCreated", "SevenDays") == [(next_date, 3)]


def test_periods_are_whole_days_that_end_today(scene, bureau, alice):
    scene.clock.now = NOON - 40 * DAY
    for _ in range(41):
        bureau.create(alice)
        scene.clock.advance(DAY)
    scene.clock.now = NOON

    today = "2024-06-12T07:00:00Z"
    assert bureau.points(alice, "NumberHITsCreated", "OneDay") == [(today, 1)]
    assert bureau.points(alice, "NumberHITsCreated", "SevenDays", 3) == [(today, 7)], "Count is for days only"
    assert bureau.points(alice, "NumberHITsCreated", "ThirtyDays") == [(today, 30)]
    assert bureau.points(alice, "NumberHITsCreated", "LifeToDate", 10) == [(today, 41)]
    days = bureau.points(alice, "NumberHITsCreated", "OneDay", 42)
    assert [value for _, value in days] == [0] + [1] * 41
    assert (days[0][0], days[-1][0]) == ("2024-05-02T07:00:00Z", today)


def test_a_clock_that_is_set_back_makes_nothing_good_for_longer(make_scene):
    """What was known in the future is no longer known, and what was done there is not of today."""
    scene = make_scene(freshness=60.0)
    bureau, alice = scene.bureau, scene.requester("alice")
    scene.clock.advance(DAY)
    bureau.create(alice)
    assert bureau.value(alice, "NumberHITsCreated", "OneDay") == 1

    bureau.elsewhere(alice, "CreateHIT", **PROPERTIES)
    scene.clock.advance(-DAY)
    assert bureau.value(alice, "NumberHITsCreated") == 2
    assert bureau.value(alice, "NumberHITsCreated", "OneDay") == 0


@pytest.mark.parametrize("count", ["1", " 1 ", "+1", "001"])
def test_however_one_day_is_written_the_present_can_be_asked_for(bureau, alice, count):
    assert bureau.values(alice, "NumberHITsReviewable", "OneDay", count) == [0]


def test_the_longest_count_is_answered(bureau, alice):
    assert len(bureau.values(alice, "NumberHITsCreated", "OneDay", 10_000)) == 10_000
    with pytest.raises(Fault, match=r"AWS\.ParameterOutOfRange"):
        bureau.values(alice, "NumberHITsCreated", "OneDay", 10_001)


def test_a_second_question_costs_what_has_changed(scene, bureau, alice):
    hits = [bureau.create(alice) for _ in range(3)]
    works = [scene.house.work(hit, "A1ONE") for hit in hits]
    for work in works:
        bureau.do(alice, "ApproveAssignment", AssignmentId=work)
        bureau.pay(alice, work, "A1ONE", "0.01")

    def ask():
        return bureau.value(alice, "NumberAssignmentsApproved"), bureau.value(alice, "TotalBonusPayout")

    assert bureau.cost(ask).count("ListAssignmentsForHIT") == 3
    assert set(bureau.cost(ask)) == {"ListHITs"}
    late = scene.house.work(bureau.create(alice), "A1ONE")
    bureau.do(alice, "ApproveAssignment", AssignmentId=late)
    assert bureau.cost(ask).count("ListAssignmentsForHIT") == 1
    assert ask() == (4, Decimal("0.03"))


def test_a_hit_that_was_made_here_without_policies_is_never_asked_after_for_reviews(scene, bureau, alice):
    scene.house.work(bureau.create(alice), "A1ONE")
    asked = bureau.cost(lambda: bureau.value(alice, "NumberKnownAnswersCorrect", worker="A1ONE"))
    assert "ListReviewPolicyResultsForHIT" not in asked


def test_our_own_marketplace_is_walked_once(scene, bureau, alice):
    for _ in range(250):
        bureau.create(alice)
    assert len(bureau.cost(lambda: bureau.value(alice, "NumberHITsAssignable"))) == 4
    bureau.create(alice)
    assert bureau.cost(lambda: bureau.value(alice, "NumberHITsAssignable")) == ["ListHITs"]
    assert bureau.value(alice, "NumberHITsAssignable") == 251


def test_a_batch_looks_once_and_a_write_of_the_requesters_own_is_seen_at_once(scene, make_scene):
    scene = make_scene(freshness=5.0)
    bureau, alice = scene.bureau, scene.requester("alice")
    bureau.create(alice)

    def batch():
        assert bureau.value(alice, "NumberHITsCreated") == created
        assert bureau.value(alice, "TotalBonusPayout") == 0
        assert bureau.value(alice, "NumberHITsAssignable") == created

    created = 1
    assert bureau.cost(batch).count("ListHITs") <= 2  # the second of which is the empty page that ends a walk
    assert bureau.cost(batch) == []
    bureau.create(alice)
    created = 2
    assert bureau.cost(batch) == ["ListHITs"]
    scene.clock.advance(6)
    assert bureau.cost(batch) == ["ListHITs"]


def test_abandoned_assignments_need_no_look(bureau, alice):
    assert bureau.cost(lambda: bureau.value(alice, "NumberAssignmentsAbandoned")) == []


def test_two_equal_bonuses_are_two(scene, bureau, alice):
    work = scene.house.work(bureau.create(alice), "A1ONE")
    for _ in range(2):
        bureau.pay(alice, work, "A1ONE", "0.10")
    assert bureau.value(alice, "TotalBonusPayout") == Decimal("0.20")
    bureau.pay(alice, work, "A1ONE", "0.10")
    assert bureau.value(alice, "TotalBonusPayout") == Decimal("0.30")
    scene.clock.advance(DAY + 1)
    assert bureau.value(alice, "TotalBonusPayout") == Decimal("0.30")


def test_sums_of_money_are_exact(scene, bureau, alice):
    """In doubles, three tenths of a dollar come to 0.30000000000000004."""
    hit = bureau.create(alice, Reward="0.10", MaxAssignments=9)
    for number in range(3):
        bureau.do(alice, "ApproveAssignment", AssignmentId=scene.house.work(hit, f"A1W{number}"))
    assert bureau.value(alice, "TotalRewardPayout") == Decimal("0.30")
    assert bureau.value(alice, "AverageRewardAmount") == Decimal("0.10")


POLICIES = {
    "AssignmentReviewPolicy": {
        "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
        "Parameters": [
            {"Key": "AnswerKey", "MapEntries": [{"Key": "a", "Values": ["1"]}, {"Key": "b", "Values": ["2"]}]}
        ],
    },
    "HITReviewPolicy": {
        "PolicyName": "SimplePlurality/2011-09-01",
        "Parameters": [
            {"Key": "QuestionIds", "Values": ["a", "b"]},
            {"Key": "QuestionAgreementThreshold", "Values": ["50"]},
            {"Key": "DisregardAssignmentIfRejected", "Values": ["F"]},
        ],
    },
}


def test_known_and_plurality_answers_of_a_worker(scene, bureau, alice):
    for through in (bureau.do, bureau.elsewhere):
        hit = through(alice, "CreateHIT", **PROPERTIES, MaxAssignments=3, **POLICIES)["HIT"]
        for worker, b in (("A1ONE", "2"), ("A1TWO", "2"), ("A1THREE", "9")):
            scene.house.work(hit, worker, [("a", "1"), ("b", b)])
    scene.house.work(bureau.create(alice), "A1ONE")

    def told(worker, *names):
        return [bureau.value(alice, name, worker=worker) for name in names]

    numbers = [
        f"Number{kind}Answers{what}"
        for kind in ("Known", "Plurality")
        for what in ("Correct", "Incorrect", "Evaluated")
    ]
    shares = ["PercentKnownAnswersCorrect", "PercentPluralityAnswersCorrect"]
    assert told("A1ONE", *numbers) == [4, 0, 4, 4, 0, 4]
    assert told("A1THREE", *numbers) == [2, 2, 4, 2, 2, 4]
    assert told("A1THREE", *shares) == [Decimal("0.5"), Decimal("0.5")]
    assert told("A1OTHER", *numbers, *shares) == [0] * 8
    scene.clock.advance(DAY)
    today_and_before = bureau.values(alice, "NumberKnownAnswersEvaluated", "OneDay", 2, worker="A1ONE")
    assert today_and_before == [4, 0]
    # A HIT without policies is asked after once, and one that has settled too.
    assert set(bureau.cost(lambda: told("A1ONE", *numbers))) == {"ListHITs"}


def test_failures_of_the_upstream_are_told_and_what_was_read_is_kept(tmp_path, empty_databases):
    hits = [{"HITId": f"H{number}", **FOREIGN_HIT} for number in range(3)]
    failing = {"H1"}

    def answer(operation, params):
        if operation == "ListHITs":
            return 200, {"NumResults": 3, "HITs": hits}
        if params["HITId"] in failing:
            return 400, {"__type": "ThrottlingException", "Message": "Rate exceeded"}
        return 200, {"NumResults": 1, "Assignments": [{**FOREIGN_WORK, "AssignmentId": f"OF{params['HITId']}"}]}

    with foreign_bureau(tmp_path, empty_databases, answer) as (bureau, lab, script):
        with pytest.raises(ModernError, match="Throttling"):
            bureau.value(lab, "NumberAssignmentsApproved")
        failing.clear()
        script.calls.clear()
        assert bureau.value(lab, "NumberAssignmentsApproved") == 3
        assert [params.get("HITId") for _, params in script.calls] == [None, "H1", "H2"]


def test_a_listing_that_is_behind_its_hit_is_read_again(tmp_path, empty_databases):
    listed = []

    def answer(operation, _params):
        if operation == "ListHITs":
            return 200, {"NumResults": 1, "HITs": [{"HITId": "H1", **FOREIGN_HIT}]}
        return 200, {"NumResults": len(listed), "Assignments": listed}

    with foreign_bureau(tmp_path, empty_databases, answer) as (bureau, lab, _):
        assert bureau.value(lab, "NumberAssignmentsApproved") == 0
        listed.append({**FOREIGN_WORK, "AssignmentId": "A1"})
        assert bureau.value(lab, "NumberAssignmentsApproved") == 1


@dataclass
class Lagging:
    """An upstream whose listings are behind: what each shows is set by hand."""

    hits: list = field(default_factory=list)
    work: list = field(default_factory=list)
    bonuses: list = field(default_factory=list)
    reports: dict = field(default_factory=dict)

    def __call__(self, operation, _params):
        return 200, {
            "ListHITs": {"HITs": self.hits},
            "ListAssignmentsForHIT": {"Assignments": self.work},
            "ListBonusPayments": {"BonusPayments": self.bonuses},
            "ListReviewPolicyResultsForHIT": self.reports,
        }[operation]


def test_a_decision_is_not_forgotten_because_a_listing_is_behind(tmp_path, empty_databases):
    undecided = {"NumberOfAssignmentsCompleted": 0}
    shown = Lagging([{"HITId": "H1", **FOREIGN_HIT, **undecided}])
    shown.work = [{"AssignmentId": "A1", "WorkerId": "AW", "AssignmentStatus": "Submitted"}]
    with foreign_bureau(tmp_path, empty_databases, shown) as (bureau, lab, _):
        note(bureau, lab, "ApproveAssignment", {"AssignmentId": "A1"})
        assert bureau.value(lab, "NumberAssignmentsApproved", "OneDay") == 1
        assert bureau.value(lab, "TotalRewardPayout") == Decimal("0.05")


def test_a_rejection_stays_reversed_although_a_listing_is_behind(tmp_path, empty_databases):
    rejected = {"AssignmentId": "A1", "WorkerId": "AW", "AssignmentStatus": "Rejected", "RejectionTime": NOON - HOUR}
    shown = Lagging([{"HITId": "H1", **FOREIGN_HIT}], work=[rejected])
    with foreign_bureau(tmp_path, empty_databases, shown) as (bureau, lab, _):
        assert bureau.value(lab, "NumberAssignmentsRejected") == 1
        note(bureau, lab, "ApproveAssignment", {"AssignmentId": "A1", "OverrideRejection": True})
        for handed_in in (1, 2):
            # The second time somebody else has handed in, so the assignments are read again.
            shown.hits[0]["MaxAssignments"] = handed_in
            assert bureau.value(lab, "NumberAssignmentsApproved") == 1
            assert bureau.value(lab, "NumberAssignmentsRejected") == 0


def test_a_bonus_is_not_forgotten_because_a_listing_is_behind(tmp_path, empty_databases):
    given = {"AssignmentId": "A1", "WorkerId": "AW", "BonusAmount": "0.10"}
    shown = Lagging([{"HITId": "H1", **FOREIGN_HIT}], bonuses=[{**given, "GrantTime": NOON}])
    with foreign_bureau(tmp_path, empty_databases, shown) as (bureau, lab, _):
        for paid in ("0.10", "0.20"):
            note(bureau, lab, "SendBonus", given)
            assert bureau.value(lab, "TotalBonusPayout") == Decimal(paid)
        # The second is still not listed a day later, and then it is.
        for listed in (1, 2):
            bureau.clock.advance(DAY + 1)
            shown.bonuses = [{**given, "GrantTime": NOON}] * listed
            assert bureau.value(lab, "TotalBonusPayout") == Decimal("0.20")


def test_a_hit_stays_disposed_of_although_a_listing_still_has_it(tmp_path, empty_databases):
    shown = Lagging([{"HITId": "H1", **FOREIGN_HIT}])
    with foreign_bureau(tmp_path, empty_databases, shown) as (bureau, lab, _):
        assert bureau.value(lab, "NumberHITsReviewable") == 1
        note(bureau, lab, "DeleteHIT", {"HITId": "H1"})
        for hits in (shown.hits, [{**shown.hits[0], "NumberOfAssignmentsCompleted": 0}]):
            shown.hits = hits
            assert bureau.value(lab, "NumberHITsReviewable") == 0
            assert bureau.value(lab, "NumberHITsCompleted") == 1


def test_a_hit_was_disposed_of_when_that_was_done_not_when_somebody_asked(scene, bureau, alice):
    hit = bureau.elsewhere(alice, "CreateHIT", **PROPERTIES)["HIT"]
    bureau.dispose(alice, hit)
    scene.clock.advance(DAY)
    assert bureau.values(alice, "NumberHITsCompleted", "OneDay", 2) == [1, 0]
    assert bureau.values(alice, "NumberHITsCreated", "OneDay", 2) == [1, 0]


def test_what_a_policy_finds_later_is_seen(tmp_path, empty_databases):
    """Nothing that is listed of a HIT changes when its answers are reviewed, or its status alone does."""
    named = {"HITReviewPolicy": {"PolicyName": "SimplePlurality/2011-09-01"}}
    shown = Lagging([{"HITId": "H1", **FOREIGN_HIT, "HITStatus": "Assignable"}], reports=named)
    shown.work = [{**FOREIGN_WORK, "AssignmentId": "A1"}]

    def found(correct):
        about = {"ActionId": "X", "SubjectId": "A1", "SubjectType": "Assignment"}
        return {**about, "Key": "PluralityAnswersCorrect", "Value": str(correct)}

    with foreign_bureau(tmp_path, empty_databases, shown) as (bureau, lab, script):

        def told():
            return bureau.value(lab, "NumberPluralityAnswersCorrect", worker="AW")

        assert told() == 0
        shown.reports = {**named, "HITReviewReport": {"ReviewResults": [found(1)]}}
        bureau.clock.advance(60)
        assert told() == 1

        bureau.clock.advance(2 * HOUR)
        assert told() == 1
        script.calls.clear()
        assert told() == 1
        assert [operation for operation, _ in script.calls] == ["ListHITs"], "what has settled was read again"
        shown.hits[0]["HITStatus"] = "Reviewable"
        shown.reports = {**named, "HITReviewReport": {"ReviewResults": [found(1), found(2)]}}
        assert told() == 2


def test_what_a_policy_is_still_doing_and_what_it_did_again(tmp_path, empty_databases):
    """An action that has not come to its end has no time; answers count when they were looked at last."""
    named = {"AssignmentReviewPolicy": {"PolicyName": "ScoreMyKnownAnswers/2011-09-01"}}
    shown = Lagging([{"HITId": "H1", **FOREIGN_HIT}], work=[{**FOREIGN_WORK, "AssignmentId": "A1"}])

    def found(action, value):
        about = {"SubjectId": "A1", "SubjectType": "Assignment", "QuestionId": "a", "Key": "KnownAnswerCorrect"}
        return {**about, "ActionId": action, "Value": value}

    actions = [{"ActionId": "X1", "CompleteTime": NOON - DAY}, {"ActionId": "X2", "CompleteTime": NOON}]
    results = [found("X1", "0"), found("X2", "1")]
    with foreign_bureau(tmp_path, empty_databases, shown) as (bureau, lab, _):
        shown.reports = {**named, "AssignmentReviewReport": {"ReviewActions": [{"ActionId": "X0"}]}}
        assert bureau.value(lab, "NumberKnownAnswersEvaluated", worker="AW") == 0
        shown.reports = {**named, "AssignmentReviewReport": {"ReviewActions": actions, "ReviewResults": results}}
        assert bureau.values(lab, "NumberKnownAnswersCorrect", "OneDay", 2, worker="AW") == [0, 1]
        assert bureau.value(lab, "NumberKnownAnswersIncorrect", worker="AW") == 0


def test_two_profiles_of_one_owner_count_the_same_and_nothing_twice(tmp_path, empty_databases):
    """Both see the same HITs and assignments upstream."""
    about = {"ActionId": "X", "SubjectId": "A1", "SubjectType": "Assignment"}
    result = {**about, "Key": "PluralityAnswersCorrect", "Value": "2"}
    shown = Lagging([{"HITId": "H1", **FOREIGN_HIT}], work=[{**FOREIGN_WORK, "AssignmentId": "A1"}])
    shown.reports = {"HITReviewPolicy": {"PolicyName": "P"}, "HITReviewReport": {"ReviewResults": [result]}}
    with foreign_bureau(tmp_path, empty_databases, shown) as (bureau, lab, _):
        for requester in (lab, Requester("second", "AKIDSECOND", "secret"), lab):
            assert bureau.value(requester, "NumberPluralityAnswersCorrect", worker="AW") == 2
            assert bureau.value(requester, "NumberAssignmentsApproved") == 1


def test_counters_that_do_not_agree_make_no_number_smaller(tmp_path, empty_databases):
    """One is counted twice while it changes hands; another upstream may leave out what is nothing."""
    between = {"NumberOfAssignmentsPending": 1, "NumberOfAssignmentsAvailable": 1, "NumberOfAssignmentsCompleted": 0}
    bare = {name: value for name, value in FOREIGN_HIT.items() if not name.startswith("NumberOf")}
    hits = [{**FOREIGN_HIT, **between, "HITId": "H1"}, {**bare, "HITId": "H2"}]
    with foreign_bureau(tmp_path, empty_databases, Lagging(hits)) as (bureau, lab, _):
        assert bureau.value(lab, "NumberAssignmentsPending") == 1


@pytest.mark.parametrize("slow", [False, True])
def test_what_was_read_of_one_part_stays_good_when_others_are_read(tmp_path, empty_databases, slow):
    """As long as each would alone: for freshness, or for staleness if it took longer than patience lasts."""
    shown, moment = Lagging([{"HITId": "H1", **FOREIGN_HIT}]), [0.0]

    def answer(operation, params):
        moment[0] += 10 if operation == "ListHITs" else 0
        return shown(operation, params)

    rules = {"patience": 5.0, "staleness": 60.0, "timer": lambda: moment[0]} if slow else {"freshness": 60.0}
    with foreign_bureau(tmp_path, empty_databases, answer, **rules) as (bureau, lab, script):
        names = ("NumberHITsCreated", "NumberAssignmentsApproved", "TotalBonusPayout", "NumberAssignmentsApproved")
        for name in names:
            bureau.value(lab, name)
        assert [operation for operation, _ in script.calls] == [
            "ListHITs",
            "ListAssignmentsForHIT",
            "ListBonusPayments",
        ]


def test_a_write_while_the_upstream_is_read_is_looked_for_again(tmp_path, empty_databases):
    def answer(*_):
        if len(script.calls) == 1:
            note(bureau, lab, "ApproveAssignment", {"AssignmentId": "A1"})
            bureau.deeds.save()
        return 200, {"NumResults": 0, "HITs": []}

    with foreign_bureau(tmp_path, empty_databases, answer, freshness=60.0) as (bureau, lab, script):
        for _ in range(3):
            assert bureau.value(lab, "NumberHITsCreated") == 0
        assert len(script.calls) == 2


def test_garbage_is_no_answer(tmp_path, empty_databases):
    replies = [{}, {"HITs": [{"HITId": "H1"}]}, {"HITs": [{"HITId": "H1", **FOREIGN_HIT, "Reward": "much"}]}]
    for garbage in replies:
        with (
            foreign_bureau(tmp_path, empty_databases, lambda *_: (200, garbage)) as (bureau, lab, _),  # noqa: B023
            pytest.raises(ModernError, match="Unreachable"),
        ):
            bureau.value(lab, "NumberHITsCreated")


def test_a_listing_that_goes_in_circles_is_left(tmp_path, empty_databases):
    page = {"NumResults": 1, "HITs": [{"HITId": "H1", **FOREIGN_HIT}], "NextToken": "again"}
    with (
        foreign_bureau(tmp_path, empty_databases, lambda *_: (200, page)) as (bureau, lab, _),
        pytest.raises(ModernError, match="circles"),
    ):
        bureau.value(lab, "NumberHITsCreated")


def test_who_loses_patience_is_told_so_and_finds_the_work_done_later(tmp_path, empty_databases):
    go_on = threading.Event()

    def answer(*_):
        go_on.wait(30)
        return 200, {"NumResults": 1, "HITs": [{"HITId": "H1", **FOREIGN_HIT}]}

    with foreign_bureau(tmp_path, empty_databases, answer, patience=0.05, staleness=60.0) as (bureau, lab, script):
        for _ in range(2):
            with pytest.raises(Fault, match="still being read"):
                bureau.value(lab, "NumberHITsCreated")
        go_on.set()
        while True:
            try:
                assert bureau.value(lab, "NumberHITsCreated") == 1
            except Fault:
                continue
            break
        # It took longer than anybody waits, so it is good for a while.
        assert bureau.value(lab, "NumberHITsCreated") == 1
        assert [operation for operation, _ in script.calls] == ["ListHITs"]


def test_closing_interrupts_a_survey(tmp_path, empty_databases):
    reached, go_on = threading.Event(), threading.Event()

    def answer(operation, _params):
        if operation == "ListHITs":
            return 200, {"NumResults": 2, "HITs": [{"HITId": f"H{number}", **FOREIGN_HIT} for number in range(2)]}
        reached.set()
        go_on.wait(30)
        return 200, {"NumResults": 1, "Assignments": [{**FOREIGN_WORK, "AssignmentId": "A1"}]}

    with foreign_bureau(tmp_path, empty_databases, answer) as (bureau, lab, script):
        refusals = []

        def ask():
            try:
                bureau.value(lab, "NumberAssignmentsApproved")
            except Fault as fault:
                refusals.append(fault.code)

        asking = threading.Thread(target=ask)
        asking.start()
        reached.wait(30)
        closing = threading.Thread(target=bureau.tallies.close)
        closing.start()
        while not bureau.tallies._survey._stopping.is_set():
            pass
        go_on.set()
        closing.join()
        asking.join()
        with pytest.raises(Fault, match="ServiceUnavailable"):
            bureau.value(lab, "NumberHITsCreated")
        assert refusals == ["ServiceUnavailable"]
        assert [operation for operation, _ in script.calls] == ["ListHITs", "ListAssignmentsForHIT"]


def test_deeds_that_the_ledger_does_not_take_wait(scene, bureau, alice):
    bureau.create(alice)
    with bureau.ledger.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE histories RENAME TO elsewhere")
    with pytest.raises(Exception, match="histories"):
        bureau.deeds.save()
    with bureau.ledger.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO histories")
    bureau.deeds.save()
    assert bureau.ledger.quick.run("SELECT count(*) FROM history_hits") == [(1,)]


def test_deeds_go_into_the_ledger_in_their_order_although_it_took_none_at_first(bureau, alice):
    def meanwhile(_connection, _cursor, statement, *_more):
        if "history_assignments" in statement:
            note(bureau, alice, "ApproveAssignment", {"AssignmentId": "A1", "OverrideRejection": True})
            raise sqlite3.OperationalError("the disk is full")

    note(bureau, alice, "RejectAssignment", {"AssignmentId": "A1"})
    event.listen(Engine, "before_cursor_execute", meanwhile)
    with pytest.raises(OperationalError):
        bureau.deeds.save()
    event.remove(Engine, "before_cursor_execute", meanwhile)
    bureau.deeds.save()
    assert bureau.ledger.quick.run("SELECT status FROM history_assignments") == [("Approved",)]


def test_writes_that_no_statistic_is_about_and_garbage_are_passed_over(bureau, alice):
    note(bureau, alice, "CreateHIT", {}, {"HIT": {}})
    note(bureau, alice, "SendBonus", {"AssignmentId": "A1", "WorkerId": "AW", "BonusAmount": "much"})
    note(bureau, alice, "CreateWorkerBlock", {"WorkerId": "AW", "Reason": ""})
    bureau.deeds.save()
    assert bureau.value(alice, "NumberHITsCreated") == 0


def test_the_tables_are_those_that_the_migrations_make(empty_databases):
    database = Database(sqlite_url(empty_databases / "ledger.db"), durable=True)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_the_rate_of_fees_is_a_setting():
    assert load_settings({}, {}).fee_rate == 0
    assert load_settings({"fee_rate": "0"}, {}).fee_rate == 0
    assert load_settings({}, {"MTURK_GATEWAY_FEE_RATE": "0.2"}).fee_rate == 0.2
    with pytest.raises(SettingsError):
        load_settings({"fee_rate": "-0.1"}, {})


def test_the_rate_of_fees_is_that_of_the_settings(foreign_gateway):
    undone = {**FOREIGN_HIT, "HITId": "H1", "Reward": "2.00", "NumberOfAssignmentsCompleted": 0}
    with ScriptedUpstream(Lagging([undone])) as upstream:
        front, owner = foreign_gateway(upstream.url, fee_rate=0.25)
        about = {"Statistic": "EstimatedFeeLiability", "TimePeriod": "LifeToDate"}
        assert one(ask(front.url, owner, "GetRequesterStatistic", **about), "DoubleValue") == "0.5"


def test_deeds_reach_the_ledger_before_anybody_asks_and_at_the_latest_in_the_end(tmp_path):
    """Other processes count them too."""
    with EmbeddedGateway(Settings(data=tmp_path)) as gateway:
        lab = gateway.add_requester("lab")
        with modern_client(gateway.url, lab) as client:
            client.create_hit(**PROPERTIES)
            until(lambda: gateway.house.ledger.quick.run("SELECT hit FROM history_hits"))
            client.create_hit(**PROPERTIES)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
        assert ledger.execute("SELECT count(*) FROM history_hits").fetchone() == (2,)


def test_both_fronts_of_a_gateway_note_what_they_carry(gateway, requester):
    """A program asks by the old API what its successor has done by the new one."""

    def told(name, **more):
        root = ask(gateway.url, requester, "GetRequesterStatistic", Statistic=name, TimePeriod="LifeToDate", **more)
        return next(element.text for element in root.iter() if element.tag in ("LongValue", "DoubleValue"))

    assert told("NumberHITsCreated") == "0"
    legacy = one(ask(gateway.url, requester, "CreateHIT", *LEGACY_PROPERTIES.items()), "HITId")
    with modern_client(gateway.url, requester) as client:
        modern = client.create_hit(**PROPERTIES)["HIT"]["HITId"]
        assert told("NumberHITsCreated") == "2"
        for hit in (legacy, modern):
            client.update_expiration_for_hit(HITId=hit, ExpireAt=datetime(2020, 1, 1, tzinfo=UTC))
        client.delete_hit(HITId=modern)
    assert (told("NumberHITsCompleted"), told("NumberHITsReviewable")) == ("1", "1")
    ask(gateway.url, requester, "DisposeHIT", HITId=legacy)
    assert (told("NumberHITsCompleted"), told("NumberHITsReviewable")) == ("2", "0")
    assert told("PercentAssignmentsApproved") == "0.0"


LEGACY_PROPERTIES = {
    "Title": "Count the dots",
    "Description": "How many?",
    "Reward.1.Amount": "0.05",
    "Reward.1.CurrencyCode": "USD",
    "AssignmentDurationInSeconds": "600",
    "LifetimeInSeconds": "86400",
    "Question": QUESTION,
}

FOREIGN_HIT = {
    "CreationTime": NOON,
    "Reward": "0.05",
    "HITStatus": "Reviewable",
    "MaxAssignments": 1,
    "NumberOfAssignmentsPending": 0,
    "NumberOfAssignmentsAvailable": 0,
    "NumberOfAssignmentsCompleted": 1,
}
FOREIGN_WORK = {"WorkerId": "AW", "AssignmentStatus": "Approved", "ApprovalTime": NOON}


class foreign_bureau:  # noqa: N801  # reads like the function that it stands for
    """A bureau before an outside upstream that follows a script, for its one requester."""

    def __init__(self, folder, empty_databases, answer, **rules):
        path = folder / "ledger.db"
        for old in folder.glob("ledger.db*"):
            old.unlink()
        shutil.copy(empty_databases / "ledger.db", path)
        self._ledger = Database(sqlite_url(path), durable=True)
        self._script = ScriptedUpstream(answer)
        self._upstream = WatchedUpstream(self._script.url)
        clock = TurnableClock()
        clock.now = NOON
        self._bureau = Bureau(self._ledger, self._upstream, clock, rules)

    def __enter__(self):
        self._script.__enter__()
        return self._bureau, Requester("lab", "AKIDLAB", "lab-secret"), self._script

    def __exit__(self, *failure):
        self._bureau.tallies.close()
        self._upstream.close()
        self._script.__exit__(*failure)
        self._ledger.close()


def note(bureau, requester, operation, params, reply=None):
    bureau.deeds.note(requester.account, Call(operation, params), reply or {}, bureau.clock())


class Life:
    """What a few requesters do, and a simple account of it."""

    WORKERS = ("A1ONE", "A1TWO", "A1THREE")

    def __init__(self, scene):
        self.scene = scene
        self.bureau = scene.bureau
        self.requesters = [scene.requester(name) for name in ("alice", "bob")]
        self.hits = {requester: [] for requester in self.requesters}
        self.events = {requester: [] for requester in self.requesters}

    def play(self, step, owner, which, amount):
        requester = self.requesters[owner]
        {
            "create": self.create,
            "work": self.work,
            "decide": self.decide,
            "decide past the gateway": self.decide,
            "reverse": self.reverse,
            "bonus": self.bonus,
            "dispose": self.dispose,
            "wait": lambda *_: self.scene.clock.advance(1 + amount * HOUR // 4),
            "ask": lambda *_: self.ask(requester, which),
            "restart": lambda *_: self.bureau.restart(),
        }[step](requester, which, amount, *(["past"] if step.endswith("gateway") else []))

    def happened(self, requester, what, amount=Decimal(0), worker=None):
        self.events[requester].append((what, self.scene.clock.now, amount, worker))

    def chosen(self, requester, which, *, alive=True):
        hits = [hit for hit in self.hits[requester] if hit["alive"] or not alive]
        return hits[which % len(hits)] if hits else None

    def create(self, requester, which, amount):
        reward = Decimal(amount) / 100
        hit = self.bureau.create(requester, Reward=str(reward), MaxAssignments=1 + which % 4)
        known = {"made": hit, "reward": reward, "most": 1 + which % 4, "work": {}, "alive": True}
        self.hits[requester].append(known)
        self.happened(requester, "created")

    def work(self, requester, which, _amount):
        hit = self.chosen(requester, which)
        free = [worker for worker in self.WORKERS if hit and worker not in {done[1] for done in hit["work"].values()}]
        if hit and free and len(hit["work"]) < hit["most"]:
            hit["work"][self.scene.house.work(hit["made"], free[0])] = ["Submitted", free[0]]

    def some_work(self, requester, which, state, *, alive=True):
        found = [
            (hit, assignment)
            for hit in self.hits[requester]
            for assignment, (now, _) in hit["work"].items()
            if now in state and (hit["alive"] or not alive)
        ]
        return found[which % len(found)] if found else (None, None)

    def decide(self, requester, which, amount, *past):
        hit, assignment = self.some_work(requester, which, ("Submitted",))
        if hit:
            through = self.bureau.elsewhere if past else self.bureau.do
            worker = hit["work"][assignment][1]
            if amount % 3:
                through(requester, "ApproveAssignment", AssignmentId=assignment)
                self.happened(requester, "approved", hit["reward"], worker)
                hit["work"][assignment][0] = "Approved"
            else:
                through(requester, "RejectAssignment", AssignmentId=assignment, RequesterFeedback="")
                self.happened(requester, "rejected", Decimal(0), worker)
                hit["work"][assignment][0] = "Rejected"

    def reverse(self, requester, which, _amount):
        hit, assignment = self.some_work(requester, which, ("Rejected",))
        if hit:
            self.bureau.do(requester, "ApproveAssignment", AssignmentId=assignment, OverrideRejection=True)
            worker = hit["work"][assignment][1]
            own = [event for event in self.events[requester] if event[0] == "rejected" and event[3] == worker]
            # Workers do a HIT once, but may do several: which of the rejections it was stands with the assignment.
            self.events[requester].remove(hit.get(assignment) or own[-1])
            self.happened(requester, "approved", hit["reward"], worker)
            hit["work"][assignment][0] = "Approved"

    def bonus(self, requester, which, amount):
        every = ("Submitted", "Approved", "Rejected")
        hit, assignment = self.some_work(requester, which, every, alive=which % 2 == 0)
        if hit:
            paid = Decimal(amount) / 100
            self.bureau.pay(requester, assignment, hit["work"][assignment][1], str(paid))
            self.happened(requester, "bonus", paid)

    def dispose(self, requester, which, _amount):
        hit = self.chosen(requester, which)
        if hit and all(state != "Submitted" for state, _ in hit["work"].values()):
            self.bureau.dispose(requester, hit["made"])
            hit["alive"] = False
            self.happened(requester, "disposed")

    def ask(self, requester, which):
        # What workers have done is seen a moment later.
        self.scene.clock.advance(1)
        names = sorted(REQUESTER_STATISTICS)
        self.compare(requester, names[which % len(names)])

    def compare(self, requester, name):
        periods = [("LifeToDate", 1)] if name == "NumberHITsAssignable" else PERIODS
        present = [one for one in periods if one[1] == 1]
        for period, count in present if REQUESTER_STATISTICS[name].is_of_the_present else periods:
            told = self.bureau.values(requester, name, period, count)
            assert told == self.expected(requester, name, period, count), (name, period)

    def compare_all(self):
        self.scene.clock.advance(1)
        for requester in self.requesters:
            for name in REQUESTER_STATISTICS:
                self.compare(requester, name)
            for worker in self.WORKERS:
                for name in ("NumberAssignmentsApproved", "NumberAssignmentsRejected", "PercentAssignmentsApproved"):
                    told = self.bureau.values(requester, name, "OneDay", 5, worker=worker)
                    assert told == self.expected(requester, name, "OneDay", 5, worker), (name, worker)

    def expected(self, requester, name, period, count, worker=None):
        """The values by plain counting: of the present, or of the events on each of some days."""
        today = datetime.fromtimestamp(self.scene.clock.now, PACIFIC).date()
        days = {"OneDay": 1, "SevenDays": 7, "ThirtyDays": 30, "LifeToDate": 10_000}[period]
        values = []
        for back in range(count - 1, -1, -1):
            last = today - timedelta(back)
            first = last - timedelta(days - 1)
            events = [
                (what, amount)
                for what, at, amount, by in self.events[requester]
                if first <= datetime.fromtimestamp(at, PACIFIC).date() <= last and worker in (None, by)
            ]
            values.append(self.counted(requester, events)[name])
        return values

    def counted(self, requester, events):
        def number(what):
            return sum(1 for event, _ in events if event == what)

        def total(what):
            return sum((amount for event, amount in events if event == what), Decimal(0))

        approved, rejected = number("approved"), number("rejected")
        decided = approved + rejected
        alive = [hit for hit in self.hits[requester] if hit["alive"]]
        undecided = [sum(state == "Submitted" for state, _ in hit["work"].values()) for hit in alive]
        liability = sum(
            (
                hit["reward"] * (hit["most"] - len(hit["work"]) + submitted)
                for hit, submitted in zip(alive, undecided, strict=True)
            ),
            Decimal(0),
        )
        full = sum(len(hit["work"]) == hit["most"] for hit in alive)
        rate = Decimal("0.2")
        return {
            "NumberAssignmentsPending": sum(undecided),
            "NumberAssignmentsAbandoned": 0,
            "NumberHITsCreated": number("created"),
            "NumberHITsCompleted": number("disposed"),
            "NumberHITsAssignable": len(alive) - full,
            "NumberHITsReviewable": full,
            "NumberAssignmentsApproved": approved,
            "NumberAssignmentsRejected": rejected,
            "PercentAssignmentsApproved": Decimal(approved) / decided if decided else 0,
            "PercentAssignmentsRejected": Decimal(rejected) / decided if decided else 0,
            "TotalRewardPayout": total("approved"),
            "AverageRewardAmount": total("approved") / approved if approved else 0,
            "TotalRewardFeePayout": total("approved") * rate,
            "TotalFeePayout": (total("approved") + total("bonus")) * rate,
            "TotalRewardAndFeePayout": total("approved") * (1 + rate),
            "TotalBonusPayout": total("bonus"),
            "TotalBonusFeePayout": total("bonus") * rate,
            "EstimatedRewardLiability": liability,
            "EstimatedFeeLiability": liability * rate,
            "EstimatedTotalLiability": liability * (1 + rate),
        }


PERIODS = [("OneDay", 3), ("SevenDays", 1), ("LifeToDate", 1)]

STEPS = st.sampled_from(
    ["create"] * 3
    + ["work"] * 5
    + ["decide"] * 4
    + ["decide past the gateway", "reverse", "bonus", "bonus", "dispose", "wait", "wait", "ask", "ask", "restart"]
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(STEPS, st.integers(0, 1), st.integers(0, 50), st.integers(1, 40)), min_size=10, max_size=50
    )
)
def test_random_lives_are_counted_right(make_scene, steps):
    """Whatever is created, handed in, decided, paid and disposed of, in whatever order, and whenever anybody asks."""
    life = Life(make_scene(fee_rate=0.2, freshness=1.0))
    for step in steps:
        life.play(*step)
    life.compare_all()
