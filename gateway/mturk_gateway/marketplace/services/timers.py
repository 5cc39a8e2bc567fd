"""What happens by itself (modern-mturk 3.3), computed from stored times whenever somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    select,
    union_all,
    update,
)

from mturk_gateway.database import Database
from mturk_gateway.marketplace.services.judging import decisions
from mturk_gateway.marketplace.services.publishing import progress
from mturk_gateway.marketplace.services.publishing.hits import event_of, load_hit
from mturk_gateway.marketplace.services.qualifying import requesting
from mturk_gateway.marketplace.services.telling import events
from mturk_gateway.marketplace.tables import assignments, hits, qualification_requests

_CHUNK = 200
"""Timers whose effects are stored at once, so that nobody waits for long to write something else."""


class _Timer(NamedTuple):
    """Something that is due: when, of which kind, and what it is about. `alone` where it may start other timers."""

    due: int
    kind: str
    id: str
    alone: bool


_ORDER = ("expiration", "approval", "deadline", "test")
"""Which comes first of those that are due in the same second."""

_TIMED = (hits, assignments, qualification_requests)


def _statements(*, of_one: bool) -> Sequence[Select[Any]]:
    """The first timers of each table, of one requester or of all, in the columns of `_Timer`."""
    judged = hits.c.hit_review_policy.is_not(None)
    waiting = assignments.c.state == "Accepted"
    statements = (
        select(hits.c.due, literal("expiration"), hits.c.id, judged),
        select(
            assignments.c.due,
            case((waiting, "deadline"), else_="approval"),
            assignments.c.id,
            and_(waiting, judged),
        ).join_from(assignments, hits),
        select(qualification_requests.c.due, literal("test"), qualification_requests.c.id, false()),
    )
    limited = []
    for table, statement in zip(_TIMED, statements, strict=True):
        fired = statement.where(table.c.due <= bindparam("now"))
        if of_one:
            fired = fired.where(table.c.requester_id == bindparam("owner"))
        limited.append(fired.order_by(table.c.due).limit(bindparam("most", type_=Integer)))
    return limited


_OF_ALL, _OF_ONE = _statements(of_one=False), _statements(of_one=True)
_DUE_APPROVALS = decisions.SUBMISSIONS.where(assignments.c.id.in_(bindparam("due", expanding=True))).order_by(
    assignments.c.due, assignments.c.id
)
_WORK = select(assignments.c.hit_id, assignments.c.worker_id, assignments.c.deadline).where(
    assignments.c.id == bindparam("assignment")
)
_ABANDON = (
    update(assignments)
    .where(assignments.c.id == bindparam("assignment"))
    .values(state="Abandoned", given_up_at=assignments.c.deadline, due=None)
)
_FREE = update(hits).where(hits.c.id == bindparam("hit")).values(pending=hits.c.pending - 1)


def watch(database: Database) -> Callable[[int, str | None], bool]:
    """A function that says whether a timer has fired by now whose effects are not stored yet: a look at each index.

    It is asked about one requester, or with None about all.
    """
    of_all = database.quick.prepare(union_all(*(select(func.min(table.c.due)) for table in _TIMED)))
    of_one = database.quick.prepare(
        union_all(
            *(select(func.min(table.c.due)).where(table.c.requester_id == bindparam("owner")) for table in _TIMED)
        )
    )

    def due(now: int, requester_id: str | None) -> bool:
        rows = of_all({}) if requester_id is None else of_one({"owner": requester_id})
        return any(first is not None and first <= now for (first,) in rows)

    return due


def settle(connection: Connection, now: int, requester_id: str | None = None) -> None:
    """Store the effects of all timers up to now, of one requester or of all, dated when they fired."""
    while settle_some(connection, now, requester_id):
        pass


def settle_some(connection: Connection, now: int, requester_id: str | None = None) -> bool:
    """Store the effects of the first of those timers; whether there may be more.

    They take effect in the order of time, so that it makes no difference who looks when. A review policy may start
    timers that are due as well; what comes after it is looked up again.
    """
    timers = _first(connection, now, requester_id)
    for (kind, alone), run in groupby(timers, key=lambda timer: (timer.kind, timer.alone)):
        fired = list(run)
        _EFFECTS[kind](connection, fired[:1] if alone else fired)
        if alone:
            break
    return bool(timers)


def _first(connection: Connection, now: int, requester_id: str | None) -> list[_Timer]:
    """The first timers in the order in which they take effect."""
    given = {"now": now, "most": _CHUNK, "owner": requester_id}
    statements = _OF_ALL if requester_id is None else _OF_ONE
    timers = [_Timer._make(row) for statement in statements for row in connection.execute(statement, given)]
    timers.sort(key=lambda timer: (timer.due, _ORDER.index(timer.kind), timer.id))
    return timers[:_CHUNK]


def _approve(connection: Connection, fired: Sequence[_Timer]) -> None:
    rows = connection.execute(_DUE_APPROVALS, {"due": [timer.id for timer in fired]})
    decisions.approve_when_due(connection, [decisions.Submission._make(row) for row in rows])


def _expire(connection: Connection, fired: Sequence[_Timer]) -> None:
    progress.expire(connection, {timer.id: timer.due for timer in fired})


def _abandon(connection: Connection, fired: Sequence[_Timer]) -> None:
    """The workers gave up at the deadline; the HIT has waited for work on its way, and goes on now (worker-side 2)."""
    for timer in fired:
        hit_id, worker_id, deadline = connection.execute(_WORK, {"assignment": timer.id}).one()
        connection.execute(_ABANDON, {"assignment": timer.id})
        connection.execute(_FREE, {"hit": hit_id})
        hit = load_hit(connection, hit_id)
        events.record(connection, event_of("AssignmentAbandoned", deadline, hit, timer.id, worker_id))
        progress.work_ended(connection, hit_id, timer.due)


def _end_tests(connection: Connection, fired: Sequence[_Timer]) -> None:
    for timer in fired:
        requesting.end_test(connection, timer.id, timer.due)


_EFFECTS: dict[str, Callable[[Connection, Sequence[_Timer]], None]] = {
    "expiration": _expire,
    "approval": _approve,
    "deadline": _abandon,
    "test": _end_tests,
}
