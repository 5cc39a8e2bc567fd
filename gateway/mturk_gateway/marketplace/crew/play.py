"""Workers of a script at work. They take no time: what is accepted is submitted in the same second."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection, and_, bindparam, or_, select

from mturk_gateway.clock import Clock
from mturk_gateway.database import Database
from mturk_gateway.marketplace.crew.script import Answers, Crew, Script, ScriptError
from mturk_gateway.marketplace.documents.forms import QuestionForm
from mturk_gateway.marketplace.documents.markup import DocumentError
from mturk_gateway.marketplace.documents.questions import read_question
from mturk_gateway.marketplace.services.publishing.hits import FREE
from mturk_gateway.marketplace.services.qualifying import requesting
from mturk_gateway.marketplace.services.qualifying.system_types import masters_elsewhere
from mturk_gateway.marketplace.services.timers import settle
from mturk_gateway.marketplace.services.working import finding, profiles, workers
from mturk_gateway.marketplace.services.working.finding import Group
from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.marketplace.tables import events, hits, qualification_types, requesters

# In the order of creation, which ids do not tell at all, and times only to the second.
_OPEN = (
    select(hits.c.id, hits.c.hit_type_id, FREE.label("free"))
    .outerjoin_from(hits, events, and_(events.c.hit_id == hits.c.id, events.c.type == "HITCreated"))
    .where(finding.OPEN)
    .order_by(hits.c.creation_time, events.c.number, hits.c.id)
)
_QUESTION = select(hits.c.question).where(hits.c.id == bindparam("hit"))
_NAMED_TYPE = (
    select(qualification_types.c.id, qualification_types.c.test)
    .join_from(qualification_types, requesters)
    .where(
        or_(qualification_types.c.id == bindparam("named"), qualification_types.c.name == bindparam("named")),
        qualification_types.c.deleted_at.is_(None),
        requesters.c.sandbox == bindparam("sandbox"),
    )
    .order_by(qualification_types.c.creation_time, qualification_types.c.id)
)


@dataclass
class Report:
    """What has been done: assignments by how they ended, who worked on them, and who was refused something, and why."""

    done: Counter[str] = field(default_factory=Counter)
    active: set[str] = field(default_factory=set)
    refused: dict[str, set[str]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The same in words."""
        counts = ", ".join(f"{self.done[end]} {end}" for end in ("submitted", "returned", "abandoned"))
        refusals = (f"refused to {len(told)}: {reason}" for reason, told in sorted(self.refused.items()))
        return [f"{len(self.active)} workers: {counts}", *refusals]


@dataclass
class _Player:
    """A worker; `left` are HITs not to come back to, because the worker gave them up or was refused."""

    id: str
    crew: Crew
    chance: random.Random
    taken: int = 0
    held: int = 0
    left: set[str] = field(default_factory=set)

    def wants(self, group: Group) -> bool:
        crew = self.crew
        looked_at = ((crew.requester, group.requester), (crew.title, group.title), (crew.keyword, group.keywords or ""))
        return all(part.casefold() in whole.casefold() for part, whole in looked_at)

    def goes_on(self) -> bool:
        return self.held < workers.MOST_HELD and (self.crew.most is None or self.taken < self.crew.most)

    def choose(self, answers: Answers) -> list[tuple[str, str]]:
        return [(name, text) for name, options in answers.items() for text in self.chance.choice(options)]


@dataclass
class _Open:
    """A HIT that was open when it was looked at, and the slots that the players have left free."""

    id: str
    hit_type_id: str
    free: int


class Play:
    """The workers of a script in a marketplace. The same script does the same with the same HITs at the same time."""

    def __init__(self, database: Database, script: Script, clock: Clock) -> None:
        self.report = Report()
        self._database = database
        self._clock = clock
        self._players = [
            _Player(worker_id, crew, random.Random(f"{script.seed} {number} {worker_id}"))  # noqa: S311  # no secret
            for number, crew in enumerate(script.crews, start=1)
            for worker_id in crew.ids
        ]

    def prepare(self) -> None:
        """Register the workers; let them ask for qualifications and take the tests. Raises ScriptError."""
        with self._database.writing() as connection:
            for player in self._players:
                try:
                    _introduce(connection, player, int(self._clock()))
                except (profiles.ProfileError, WorkerRefused) as error:
                    raise ScriptError(f"worker {player.id}: {error}") from None
        for player in self._players:
            for named in player.crew.request:
                self._try(player, partial(_qualify, player, named))

    def run(self) -> None:
        """Work until there is nothing left that the workers can and want to do."""
        while self._once():
            pass

    def _once(self) -> bool:
        """Let everybody take what there is, one HIT each in turn; whether anything was done."""
        with self._database.writing() as connection:
            now = int(self._clock())
            settle(connection, now)
            rows = connection.execute(_OPEN, {"now": now})
            open_hits = [_Open(row.id, row.hit_type_id, row.free) for row in rows]
            turns = [(player, _look_around(connection, player, open_hits, now)) for player in self._players]
        before = self.report.done.total()
        while turns:
            turns = [turn for turn in turns if self._take_turn(*turn)]
        return self.report.done.total() > before

    def _take_turn(self, player: _Player, offers: Iterator[_Open]) -> bool:
        """Let a player do one HIT; whether there was one."""
        hit = next(offers, None) if player.goes_on() else None
        if hit is None:
            return False
        end = self._try(player, partial(_work, player, hit.id))
        if end is None:
            player.left.add(hit.id)
            return True
        self.report.active.add(player.id)
        self.report.done[end] += 1
        player.taken += 1
        if end == "returned":
            player.left.add(hit.id)
        else:
            hit.free -= 1
            player.held += end == "abandoned"
        return True

    def _try(self, player: _Player, deed: Callable[[Connection, int], str]) -> str | None:
        """What came of a deed; None, and nothing has happened, if it was refused."""
        try:
            with self._database.writing() as connection:
                return deed(connection, int(self._clock()))
        except WorkerRefused as refusal:
            self.report.refused.setdefault(str(refusal), set()).add(player.id)
            return None


def _introduce(connection: Connection, player: _Player, now: int) -> None:
    crew = player.crew
    where = {"country": crew.country, "subdivision": crew.subdivision}
    profiles.set_profile(connection, player.id, now, **where, adult=crew.adult)
    if crew.masters:
        profiles.grant(connection, player.id, masters_elsewhere(sandbox=not crew.sandbox), 1, now)


def _qualify(player: _Player, named: str, connection: Connection, now: int) -> str:
    """Ask for a qualification; the status of the request in the end."""
    settle(connection, now)
    kind = connection.execute(_NAMED_TYPE, {"named": named, "sandbox": player.crew.sandbox}).first()
    if kind is None:
        raise WorkerRefused(f"There is no qualification {named!r}.")
    outcome = requesting.request_qualification(connection, kind.id, player.id, now)
    if outcome.status == "Testing":
        answers = _fitting(kind.test, player.choose(player.crew.test))
        outcome = requesting.submit_test(connection, outcome.request_id, answers, now)
    return outcome.status


def _look_around(connection: Connection, player: _Player, open_hits: Iterable[_Open], now: int) -> Iterator[_Open]:
    """The HITs that a player may take and wants to, while they have free slots."""
    groups = finding.groups(connection, player.id, now, sandbox=player.crew.sandbox)
    types = {group.hit_type_id for group in groups if not group.unmet and player.wants(group)}
    had = set(connection.execute(finding.HAD, {"worker": player.id}).scalars())
    player.held = workers.count_held(connection, player.id, now, sandbox=player.crew.sandbox)
    unwanted = had | player.left
    return (hit for hit in open_hits if hit.hit_type_id in types and hit.free > 0 and hit.id not in unwanted)


def _work(player: _Player, hit_id: str, connection: Connection, now: int) -> str:
    """Do one HIT; how that ended."""
    assignment_id = workers.accept(connection, hit_id, player.id, now)
    fate = player.chance.random()
    if fate < player.crew.returned:
        workers.give_back(connection, assignment_id, now)
        return "returned"
    if fate < player.crew.returned + player.crew.abandoned:
        return "abandoned"
    question = connection.execute(_QUESTION, {"hit": hit_id}).scalar_one()
    workers.submit(connection, assignment_id, _fitting(question, player.choose(player.crew.answers)), now)
    return "submitted"


def _fitting(question: str, answers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the answers that a question has a place for; a page takes them all."""
    try:
        form = read_question(question)
    except DocumentError:
        return list(answers)
    if not isinstance(form, QuestionForm):
        return list(answers)
    asked = {question.identifier for question in form.questions}
    return [(name, text) for name, text in answers if name in asked]
