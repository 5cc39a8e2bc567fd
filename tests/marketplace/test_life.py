"""Random lives of a marketplace: requesters and workers do what they like, time passes, the server is restarted.

A small model beside it says what must have come of each action; after every step all that can be read is compared.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from marketplace.conftest import PACKAGE, QUESTION, START, House, TurnableClock
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.marketplace.requesters import get_requester, set_terms
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.paying.money import Transfer
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.marketplace.tables import accounts, events, transfers

GRACE = 10
FUNDS = 2_00
WORKERS = ("A1", "A2", "A3")


@dataclass
class Work:
    """An assignment as it ought to be."""

    id: str
    worker: str
    deadline: int
    state: str = "Accepted"
    submitted: int = 0
    approval: int | None = None


@dataclass
class Task:
    """A HIT as it ought to be."""

    id: str
    owner: str
    reward: int
    most: int
    expiration: int
    duration: int
    delay: int
    guarded: bool = False
    works: list[Work] = field(default_factory=list)
    reviewing: bool = False
    disposed: bool = False

    def count(self, *states):
        return sum(work.state in states for work in self.works)

    def available(self):
        return self.most - self.count("Accepted", "Submitted", "Approved", "Rejected")

    def status(self, now):
        if self.disposed:
            return "Disposed"
        if self.available() > 0 and self.expiration > now:
            return "Assignable"
        if self.count("Accepted"):
            return "Unassignable"
        return "Reviewing" if self.reviewing else "Reviewable"

    def held(self):
        """Cents for what may still be paid."""
        return 0 if self.disposed else self.reward * (self.most - self.count("Approved", "Rejected"))

    def pass_time(self, now):
        for work in self.works:
            if work.state == "Accepted" and work.deadline + GRACE <= now:
                work.state = "Abandoned"
            if work.state == "Submitted" and work.approval <= now:
                work.state = "Approved"


def refused(call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        # boto3 shows the code of those errors only that the model declares.
        code = error.response.get("TurkErrorCode", error.response["Error"]["Code"])
        return code.removeprefix("AWS.MechanicalTurk.")
    return None


class Life(RuleBasedStateMachine):
    """Alice owes what she spends; Bob has paid two dollars in."""

    tasks = Bundle("tasks")
    works = Bundle("works")
    tokens = Bundle("tokens")

    @initialize()
    def open(self):
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copy(template(), folder / "marketplace.db")
        http = self.stack.enter_context(httpx.Client())
        self.clock = TurnableClock()
        self.house = House(folder / "marketplace.db", self.clock, self.stack, http).start()
        self.all: list[Task] = []
        self.bonuses: dict[str, int] = {}
        self.used: dict[str, str] = {}
        self.blocked: set[tuple[str, str]] = set()
        self.qualified: set[tuple[str, str]] = set()
        self.connect()
        self.kinds = {
            name: client.create_qualification_type(Name="K", Description="D", QualificationTypeStatus="Active")[
                "QualificationType"
            ]["QualificationTypeId"]
            for name, client in self.clients.items()
        }
        with self.house.database.writing() as connection:
            bob = get_requester(connection, "bob")
            set_terms(connection, bob, prepaid=True)
            money.move(connection, [Transfer(bob.id, START, "deposit", "outside", "available", FUNDS)])

    def teardown(self):
        if hasattr(self, "stack"):
            self.house.stop()
            self.stack.close()

    def connect(self):
        self.clients = {name: self.house.client(name) for name in ("alice", "bob")}

    def available(self, owner):
        """Cents that a requester could still spend, if only money that is there could be."""
        mine = [task for task in self.all if task.owner == owner]
        paid = sum(task.reward * task.count("Approved") for task in mine)
        return FUNDS - paid - sum(task.held() for task in mine) - self.bonuses.get(owner, 0)

    def affords(self, owner, amount):
        return owner == "alice" or self.available(owner) >= amount

    @rule(
        target=tasks,
        owner=st.sampled_from(["alice", "bob"]),
        reward=st.sampled_from([0, 5, 40]),
        most=st.sampled_from([1, 2, 3, 9, 10]),
        lifetime=st.integers(30, 200),
        duration=st.integers(30, 90),
        delay=st.sampled_from([0, 20, 100, 2_592_000]),
        guarded=st.booleans(),
        token=st.sampled_from([None, "a", "b", "c"]),
    )
    def create(self, owner, reward, most, lifetime, duration, delay, guarded, token):
        requirement = {"QualificationTypeId": self.kinds[owner], "Comparator": "Exists"}
        parameters = {
            "Title": f"{reward} {duration} {delay}",
            "Description": "D",
            "Reward": f"{reward / 100:.2f}",
            "MaxAssignments": most,
            "LifetimeInSeconds": lifetime,
            "AssignmentDurationInSeconds": duration,
            "AutoApprovalDelayInSeconds": delay,
            "Question": QUESTION,
            "QualificationRequirements": [requirement] * guarded,
            **({"UniqueRequestToken": token} if token else {}),
        }
        made = {}
        code = refused(lambda **given: made.update(self.clients[owner].create_hit(**given)["HIT"]), **parameters)
        if token and (owner, token) in self.used:
            assert code == "HitAlreadyExists"
            return None
        if not self.affords(owner, reward * most):
            assert code == "InsufficientFunds"
            return None
        assert code is None
        if token:
            self.used[owner, token] = made["HITId"]
        task = Task(made["HITId"], owner, reward, most, self.clock.now + lifetime, duration, delay, guarded)
        self.all.append(task)
        return task

    @rule(target=works, task=tasks, worker=st.sampled_from(WORKERS))
    def accept(self, task, worker):
        if task is None:
            return None
        allowed = (
            task.status(self.clock.now) == "Assignable"
            and (task.owner, worker) not in self.blocked
            and (not task.guarded or (task.owner, worker) in self.qualified)
            and not any(work.worker == worker and work.state not in ("Returned", "Abandoned") for work in task.works)
        )  # fmt: skip
        identifier = self.as_worker(workers.accept, task.id, worker)
        assert (identifier is not None) == allowed
        if identifier is None:
            return None
        assert identifier not in {work.id for other in self.all for work in other.works}
        work = Work(identifier, worker, self.clock.now + task.duration)
        task.works.append(work)
        return task, work

    @rule(owner=st.sampled_from(["alice", "bob"]), worker=st.sampled_from(WORKERS), block=st.booleans())
    def block(self, owner, worker, block):
        if block:
            self.clients[owner].create_worker_block(WorkerId=worker, Reason="r")
            self.blocked.add((owner, worker))
        else:
            self.clients[owner].delete_worker_block(WorkerId=worker)
            self.blocked.discard((owner, worker))
        listed = self.clients[owner].list_worker_blocks(MaxResults=100)["WorkerBlocks"]
        assert {(owner, one["WorkerId"]) for one in listed} == {pair for pair in self.blocked if pair[0] == owner}

    @rule(owner=st.sampled_from(["alice", "bob"]), worker=st.sampled_from(WORKERS), give=st.booleans())
    def qualify(self, owner, worker, give):
        client, kind = self.clients[owner], self.kinds[owner]
        if give:
            client.associate_qualification_with_worker(QualificationTypeId=kind, WorkerId=worker)
            self.qualified.add((owner, worker))
        else:
            code = refused(client.disassociate_qualification_from_worker, QualificationTypeId=kind, WorkerId=worker)
            held = (owner, worker) in self.qualified
            assert (code is None) == held
            self.qualified.discard((owner, worker))
        listed = client.list_workers_with_qualification_type(QualificationTypeId=kind, MaxResults=100)["Qualifications"]
        assert {(owner, one["WorkerId"]) for one in listed} == {pair for pair in self.qualified if pair[0] == owner}

    @rule(chosen=works)
    def submit(self, chosen):
        if chosen is None:
            return
        task, work = chosen
        done = self.as_worker(lambda *given: (workers.submit(*given), True)[1], work.id, [("dots", "7")])
        assert bool(done) == (work.state == "Accepted")
        if done:
            work.state, work.submitted = "Submitted", self.clock.now
            work.approval = self.clock.now + task.delay
            task.pass_time(self.clock.now)

    @rule(chosen=works)
    def give_back(self, chosen):
        if chosen is None:
            return
        _, work = chosen
        done = self.as_worker(lambda *given: (workers.give_back(*given), True)[1], work.id)
        assert bool(done) == (work.state == "Accepted")
        if done:
            work.state = "Returned"

    @rule(chosen=works, decision=st.sampled_from(["Approved", "Rejected", "Overridden"]))
    def decide(self, chosen, decision):
        if chosen is None:
            return
        task, work = chosen
        client = self.clients[task.owner]
        if decision == "Rejected":
            code = refused(client.reject_assignment, AssignmentId=work.id, RequesterFeedback="no")
        else:
            overriding = {"OverrideRejection": True} if decision == "Overridden" else {}
            code = refused(client.approve_assignment, AssignmentId=work.id, **overriding)
        if work.state in ("Returned", "Abandoned"):
            assert code == "AssignmentDoesNotExist"
        elif work.state == "Submitted":
            assert code is None
            work.state = "Rejected" if decision == "Rejected" else "Approved"
        elif work.state == "Rejected" and decision == "Overridden" and not task.disposed:
            if self.affords(task.owner, task.reward):
                assert code is None
                work.state = "Approved"
            else:
                assert code == "InsufficientFunds"
        else:
            assert code == "InvalidAssignmentState"

    @rule(chosen=works, amount=st.sampled_from([1, 60]))
    def give_bonus(self, chosen, amount):
        if chosen is None:
            return
        task, work = chosen
        code = refused(
            self.clients[task.owner].send_bonus,
            AssignmentId=work.id,
            WorkerId=work.worker,
            BonusAmount=f"0.{amount:02}",
            Reason="r",
        )
        if work.state in ("Accepted", "Returned", "Abandoned"):
            assert code == "AssignmentDoesNotExist"
        elif self.affords(task.owner, amount):
            assert code is None
            self.bonuses[task.owner] = self.bonuses.get(task.owner, 0) + amount
        else:
            assert code == "InsufficientFunds"

    @rule(task=tasks, number=st.sampled_from([1, 2]))
    def add_assignments(self, task, number):
        if task is None:
            return
        code = refused(
            self.clients[task.owner].create_additional_assignments_for_hit,
            HITId=task.id,
            NumberOfAdditionalAssignments=number,
        )
        if task.disposed:
            assert code == "InvalidHITState"
        elif task.most < 10 <= task.most + number:
            assert code == "InvalidMaximumAssignmentsIncrease"
        elif not self.affords(task.owner, number * task.reward):
            assert code == "InsufficientFunds"
        else:
            assert code is None
            task.most += number
            task.reviewing = task.reviewing and task.status(self.clock.now) != "Assignable"

    @rule(task=tasks, seconds=st.sampled_from([-100, 0, 3, 60, 300]))
    def move_expiration(self, task, seconds):
        if task is None:
            return
        until = max(self.clock.now, task.expiration) + seconds
        code = refused(self.clients[task.owner].update_expiration_for_hit, HITId=task.id, ExpireAt=until)
        if until <= self.clock.now + 5:
            assert code is None
            if not task.disposed:
                task.expiration = min(task.expiration, self.clock.now)
        elif task.disposed:
            assert code == "InvalidHITState"
        elif until == task.expiration:
            assert code is None
        elif until - max(self.clock.now, task.expiration) < 60:
            assert code == "ParameterValidationError"
        else:
            assert code is None
            task.expiration = until
            task.reviewing = task.reviewing and task.status(self.clock.now) != "Assignable"

    @rule(task=tasks, revert=st.booleans())
    def review(self, task, revert):
        if task is None:
            return
        code = refused(self.clients[task.owner].update_hit_review_status, HITId=task.id, Revert=revert)
        allowed = task.status(self.clock.now) == ("Reviewing" if revert else "Reviewable")
        assert code == (None if allowed else "InvalidHITState")
        if allowed:
            task.reviewing = not revert

    @rule(task=tasks)
    def delete(self, task):
        if task is None:
            return
        code = refused(self.clients[task.owner].delete_hit, HITId=task.id)
        allowed = task.status(self.clock.now) in ("Reviewing", "Reviewable") and not task.count("Submitted")
        assert code == (None if allowed else "InvalidHITState")
        task.disposed = task.disposed or allowed

    @rule(seconds=st.sampled_from([1, 9, 40, 150]))
    def wait(self, seconds):
        self.clock.advance(seconds)
        for task in self.all:
            task.pass_time(self.clock.now)

    @rule()
    def restart(self):
        self.house.restart()
        self.connect()

    def as_worker(self, action, *given):
        """What a worker's action gives, or None if it is refused."""
        try:
            with self.house.database.writing() as connection:
                return action(connection, *given, self.clock.now)
        except WorkerRefused:
            return None

    @invariant()
    def all_is_as_it_ought_to_be(self):
        if not hasattr(self, "all"):
            return
        for owner, client in self.clients.items():
            mine = {task.id: task for task in self.all if task.owner == owner and not task.disposed}
            listed = {hit["HITId"]: hit for hit in client.list_hits(MaxResults=100)["HITs"]}
            assert listed.keys() == mine.keys()
            for identifier, task in mine.items():
                assert seen(listed[identifier]) == seen_of(task, self.clock.now)
        for task in self.all:
            client = self.clients[task.owner]
            if task.disposed:
                assert seen(client.get_hit(HITId=task.id)["HIT"]) == seen_of(task, self.clock.now)
            if task.works:
                listed = client.list_assignments_for_hit(HITId=task.id, MaxResults=100)["Assignments"]
                assert {(one["AssignmentId"], one["WorkerId"], one["AssignmentStatus"]) for one in listed} == {
                    (work.id, work.worker, work.state)
                    for work in task.works
                    if work.state in ("Submitted", "Approved", "Rejected")
                }

    @invariant()
    def the_books_balance(self):
        if not hasattr(self, "all"):
            return
        # Any request settles what time has brought.
        balance = self.clients["bob"].get_account_balance()
        available, held = self.available("bob"), sum(task.held() for task in self.all if task.owner == "bob")
        assert available >= 0
        assert (balance["AvailableBalance"], balance.get("OnHoldBalance", "0.00")) == (
            money.amount_of(available),
            money.amount_of(held),
        )
        with self.house.database.reading() as connection:
            stored = {tuple(row)[:3]: row.balance for row in connection.execute(select(accounts))}
            moved = connection.execute(select(transfers)).all()
        assert sum(stored.values()) == 0
        follows = dict.fromkeys(stored, 0)
        for row in moved:
            for kind, sign in ((row.source, -1), (row.destination, 1)):
                follows[row.requester_id, kind, row.worker_id if kind == "earned" else ""] += sign * row.amount
        assert follows == stored

    @invariant()
    def every_event_was_a_legal_step(self):
        if not hasattr(self, "all"):
            return
        with self.house.database.reading() as connection:
            rows = connection.execute(select(events).order_by(events.c.number)).all()
        lives: dict[str, list[str]] = {}
        for row in rows:
            lives.setdefault(row.assignment_id or row.hit_id, []).append(row.type)
        steps = {
            "Accepted": ["AssignmentAccepted"],
            "Returned": ["AssignmentAccepted", "AssignmentReturned"],
            "Abandoned": ["AssignmentAccepted", "AssignmentAbandoned"],
            "Submitted": ["AssignmentAccepted", "AssignmentSubmitted"],
            "Approved": ["AssignmentAccepted", "AssignmentSubmitted", "AssignmentApproved"],
            "Rejected": ["AssignmentAccepted", "AssignmentSubmitted", "AssignmentRejected"],
        }
        for task in self.all:
            assert lives[task.id][0] == "HITCreated"
            assert lives[task.id].count("HITDisposed") == task.disposed
            for work in task.works:
                life = [step for step in lives[work.id] if step != "AssignmentRejected" or work.state == "Rejected"]
                assert life == steps[work.state]


def seen(hit):
    names = ("HITStatus", "MaxAssignments", "Pending", "Available", "Completed")
    values = [hit.get(name, hit.get(f"NumberOfAssignments{name}")) for name in names]
    return (*values, int(hit["Expiration"].timestamp()))


def seen_of(task, now):
    counts = (task.count("Accepted"), task.available(), task.count("Approved", "Rejected"))
    return (task.status(now), task.most, *counts, task.expiration)


def template(made=[]):  # noqa: B006  # made once
    if not made:
        path = Path(tempfile.mkdtemp()) / "marketplace.db"
        database = Database(sqlite_url(path), durable=True)
        database.migrate(PACKAGE)
        database.close()
        made.append(path)
    return made[0]


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=6, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
