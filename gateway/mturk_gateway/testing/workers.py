"""Stand-in workers: what workers do on the pages of the marketplace, as methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, select

from mturk_gateway.clock import Clock
from mturk_gateway.database import Database
from mturk_gateway.marketplace.services.publishing.hits import Hit
from mturk_gateway.marketplace.services.qualifying import requesting
from mturk_gateway.marketplace.services.qualifying.requesting import Outcome
from mturk_gateway.marketplace.services.qualifying.system_types import masters_elsewhere
from mturk_gateway.marketplace.services.timers import settle
from mturk_gateway.marketplace.services.working import dashboard, finding, profiles, worker_qualifications, workers
from mturk_gateway.marketplace.services.working.dashboard import Message, Task
from mturk_gateway.marketplace.services.working.finding import Group
from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.marketplace.services.working.worker_qualifications import Asked, Holding, Offer
from mturk_gateway.marketplace.tables import assignments

Answers = Mapping[str, str | Sequence[str]]
"""A text for each field of a form or question; several where one has several choices."""


class Upload(NamedTuple):
    """A file as the answer to a question that asks for one: its name and what is in it."""

    name: str
    content: bytes


class Worker:
    """A worker of the embedded marketplace, made known there if need be. Raises ValueError for what is no worker's ID.

    Whatever a worker may not do raises WorkerRefused with the reason.
    """

    def __init__(self, identifier: str, marketplace: Database, clock: Clock) -> None:
        self.id = identifier
        self._marketplace = marketplace
        self._clock = clock
        try:
            with self._working() as (connection, now):
                profiles.register(connection, identifier, now)
        except WorkerRefused:
            raise ValueError(f"{identifier!r} is not a worker's ID, such as A1EXAMPLE") from None

    def find(self, *, sandbox: bool = False) -> list[Group]:
        """The groups of HITs that the worker sees, newest first, with the requirements that are not met."""
        with self._working() as (connection, now):
            return finding.groups(connection, self.id, now, sandbox=sandbox)

    def preview(self, group: str) -> Hit:
        """Any HIT of a group that the worker could accept, by HITGroupId or HITTypeId."""
        with self._working() as (connection, now):
            return finding.preview(connection, group, self.id, now)

    def accept(self, hit_id: str, *, qualified: bool = False) -> str:
        """Accept a HIT, when `qualified` whatever it requires; the AssignmentId."""
        with self._working() as (connection, now):
            return workers.accept(connection, hit_id, self.id, now, qualified=qualified)

    def accept_any(self, group: str) -> str:
        """Accept any HIT of a group, by HITGroupId or HITTypeId; the AssignmentId."""
        with self._working() as (connection, now):
            return workers.accept_any(connection, group, self.id, now)

    def submit(
        self, assignment_id: str, answers: Answers | None = None, files: Mapping[str, Upload] | None = None
    ) -> None:
        """Submit an accepted assignment: answers and files by the name of the form's field, or the question's id."""
        given = _pairs(answers or {})
        with self._working() as (connection, now):
            self._check_own(connection, assignment_id)
            for question, upload in (files or {}).items():
                workers.attach(connection, assignment_id, question, *upload, now)
            workers.submit(connection, assignment_id, given, now)

    def return_(self, assignment_id: str) -> None:
        """Return an accepted assignment unfinished."""
        with self._working() as (connection, now):
            self._check_own(connection, assignment_id)
            workers.give_back(connection, assignment_id, now)

    def offers(self, *, sandbox: bool = False) -> list[Offer]:
        """The qualifications that the worker could request, newest first."""
        with self._working() as (connection, now):
            return worker_qualifications.offers(connection, self.id, now, sandbox=sandbox)

    def request_qualification(self, type_id: str) -> Outcome:
        """Request a qualification; the request's id and status: Granted, Pending, or Testing until a test is done."""
        with self._working() as (connection, now):
            return requesting.request_qualification(connection, type_id, self.id, now)

    def open_test(self, request_id: str) -> str:
        """The QuestionForm of the test that comes with a request."""
        with self._working() as (connection, _):
            return dashboard.open_test(connection, request_id)

    def submit_test(self, request_id: str, answers: Answers) -> Outcome:
        """Submit the answers to a test, by the ids of its questions; the request's id and status."""
        given = _pairs(answers)
        with self._working() as (connection, now):
            return requesting.submit_test(connection, request_id, given, now)

    def qualifications(self) -> list[Holding]:
        """What the worker holds or has lost, the latest first."""
        with self._working() as (connection, _):
            return worker_qualifications.holdings(connection, self.id)

    def requests(self) -> list[Asked]:
        """What the worker has requested and not got, or not yet, the latest first."""
        with self._working() as (connection, _):
            return worker_qualifications.asked_for(connection, self.id)

    def tasks(self) -> list[Task]:
        """What the worker holds and has done, last first, with feedback and bonuses."""
        with self._working() as (connection, _):
            return dashboard.tasks_of(connection, self.id)

    def messages(self) -> list[Message]:
        """What requesters wrote to the worker, last first."""
        with self._working() as (connection, _):
            return dashboard.messages_of(connection, self.id)

    def set_profile(
        self,
        *,
        country: str | None = None,
        subdivision: str | None = None,
        adult: bool | None = None,
        masters: bool | None = None,
    ) -> None:
        """Say where the worker lives (`US`, `PA`), whether they agreed to adult content, and whether they are a master.

        None leaves it as it is. Raises ProfileError for what cannot be.
        """
        with self._working() as (connection, now):
            profiles.set_profile(connection, self.id, now, country=country, subdivision=subdivision, adult=adult)
            for type_of_masters in (masters_elsewhere(sandbox=False), masters_elsewhere(sandbox=True)):
                if masters:
                    profiles.grant(connection, self.id, type_of_masters, 1, now)
                elif masters is False:
                    profiles.take_away(connection, self.id, type_of_masters)

    @contextmanager
    def _working(self) -> Iterator[tuple[Connection, int]]:
        """The marketplace as it is now, and the time, for one transaction."""
        with self._marketplace.writing() as connection:
            now = int(self._clock())
            settle(connection, now)
            yield connection, now

    def _check_own(self, connection: Connection, assignment_id: str) -> None:
        owner = select(assignments.c.worker_id).where(assignments.c.id == assignment_id)
        if connection.execute(owner).scalar_one_or_none() not in (None, self.id):
            raise WorkerRefused(f"This assignment is not that of worker {self.id}.")


def _pairs(answers: Answers) -> list[tuple[str, str]]:
    pairs = []
    for name, given in answers.items():
        texts = [given] if isinstance(given, str) else given
        if not (isinstance(texts, Sequence) and all(isinstance(text, str) for text in texts)):
            raise TypeError(f"the answer to {name!r} is a text or several, not {given!r}")
        pairs += [(name, text) for text in texts]
    return pairs
