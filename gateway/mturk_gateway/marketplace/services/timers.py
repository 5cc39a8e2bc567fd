"""What happens to assignments by itself (modern-mturk 3.3), computed from stored times whenever somebody looks."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, bindparam, func, select, update

from mturk_gateway.database import Database
from mturk_gateway.marketplace.tables import assignments, hits

_NEXT = select(func.min(assignments.c.due))
_DUE = (
    select(assignments.c.id, assignments.c.hit_id, assignments.c.state)
    .where(assignments.c.due <= bindparam("now"))
    .order_by(assignments.c.due)
)
_THIS = assignments.c.id == bindparam("assignment")
_ITS_HIT = hits.c.id == bindparam("hit")
_ABANDON = update(assignments).where(_THIS).values(state="Abandoned", given_up_at=assignments.c.due, due=None)
_APPROVE = update(assignments).where(_THIS).values(state="Approved", approval_time=assignments.c.due, due=None)
_COUNT_ABANDONED = update(hits).where(_ITS_HIT).values(pending=hits.c.pending - 1)
_COUNT_APPROVED = update(hits).where(_ITS_HIT).values(submitted=hits.c.submitted - 1, approved=hits.c.approved + 1)


def watch(database: Database) -> Callable[[int], bool]:
    """A function that says whether a timer has fired by now whose effects are not stored yet: one look at an index."""
    read = database.quick.prepare(_NEXT)

    def due(now: int) -> bool:
        first = read({})[0][0]
        return first is not None and first <= now

    return due


def settle(connection: Connection, now: int) -> None:
    """Store the effects of all timers up to now, dated when they fired: abandoned work and automatic approvals."""
    fired = connection.execute(_DUE, {"now": now}).all()
    for state, change, count in (
        ("Accepted", _ABANDON, _COUNT_ABANDONED),
        ("Submitted", _APPROVE, _COUNT_APPROVED),
    ):
        # One row at a time, because each takes a number of its own for its change.
        rows = [{"assignment": row.id, "hit": row.hit_id} for row in fired if row.state == state]
        if rows:
            connection.execute(change, rows)
            connection.execute(count, rows)
