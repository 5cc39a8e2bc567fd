"""What happens by itself (modern-mturk 3.3), computed from stored times whenever somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, union_all, update

from mturk_gateway.database import Database
from mturk_gateway.marketplace.services import decisions, events, progress, qualifying
from mturk_gateway.marketplace.services.hits import event_of, load_hit
from mturk_gateway.marketplace.tables import assignments, hits, qualification_requests

_TIMED = (assignments, hits, qualification_requests)
_NEXT = union_all(*(select(func.min(table.c.due)) for table in _TIMED))
_DUE_APPROVALS = decisions.SUBMISSIONS.where(
    assignments.c.due <= bindparam("now"), assignments.c.state == "Submitted"
).order_by(assignments.c.due)
_DEADLINES = select(assignments.c.id, assignments.c.due).where(
    assignments.c.due <= bindparam("now"), assignments.c.state == "Accepted"
)
_EXPIRATIONS = select(hits.c.id, hits.c.due).where(hits.c.due <= bindparam("now"))
_TESTS = select(qualification_requests.c.id, qualification_requests.c.due).where(
    qualification_requests.c.due <= bindparam("now")
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


def watch(database: Database) -> Callable[[int], bool]:
    """A function that says whether a timer has fired by now whose effects are not stored yet: a look at each index."""
    read = database.quick.prepare(_NEXT)

    def due(now: int) -> bool:
        return any(first is not None and first <= now for (first,) in read({}))

    return due


def settle(connection: Connection, now: int) -> None:
    """Store the effects of all timers up to now, dated when they fired.

    Effects can start timers that fire in the past as well, so it goes on until there are none.
    """
    while _settle_once(connection, now):
        pass


def _settle_once(connection: Connection, now: int) -> bool:
    approvals = [decisions.Submission._make(row) for row in connection.execute(_DUE_APPROVALS, {"now": now})]
    decisions.approve_when_due(connection, approvals)
    fired = [
        (due, effect, identifier)
        for statement, effect in _EFFECTS
        for identifier, due in connection.execute(statement, {"now": now}).all()
    ]
    for due, take_effect, identifier in sorted(fired, key=lambda timer: timer[0]):
        take_effect(connection, identifier, due)
    return bool(approvals or fired)


def _abandon(connection: Connection, assignment_id: str, time: int) -> None:
    """The worker gave up at the deadline; the HIT has waited for work on its way, and goes on now (worker-side 2)."""
    hit_id, worker_id, deadline = connection.execute(_WORK, {"assignment": assignment_id}).one()
    connection.execute(_ABANDON, {"assignment": assignment_id})
    connection.execute(_FREE, {"hit": hit_id})
    hit = load_hit(connection, hit_id)
    events.record(connection, event_of("AssignmentAbandoned", deadline, hit, assignment_id, worker_id))
    progress.work_ended(connection, hit_id, time)


_EFFECTS: Sequence[tuple[Select[Any], Callable[[Connection, str, int], None]]] = (
    (_DEADLINES, _abandon),
    (_EXPIRATIONS, progress.expire),
    (_TESTS, qualifying.end_test),
)
