"""What happens to assignments by itself (modern-mturk 3.3), computed from stored times whenever somebody looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from mturk_gateway.marketplace.tables import assignments, hits


def due(connection: Connection, now: int) -> bool:
    """Whether a timer has fired whose effects are not stored yet; one look at an index."""
    first = connection.execute(select(func.min(assignments.c.due))).scalar_one()
    return first is not None and first <= now


def settle(connection: Connection, now: int) -> None:
    """Store the effects of all timers up to now, dated when they fired: abandoned work and automatic approvals."""
    if not due(connection, now):
        return
    abandoned = _fire(connection, now, "Accepted", {"state": "Abandoned", "given_up_at": assignments.c.due})
    approved = _fire(connection, now, "Submitted", {"state": "Approved", "approval_time": assignments.c.due})
    if abandoned:
        connection.execute(
            update(hits).where(hits.c.id == bindparam("hit")).values(pending=hits.c.pending - bindparam("number")),
            [{"hit": hit, "number": number} for hit, number in abandoned.items()],
        )
    if approved:
        connection.execute(
            update(hits)
            .where(hits.c.id == bindparam("hit"))
            .values(submitted=hits.c.submitted - bindparam("number"), approved=hits.c.approved + bindparam("number")),
            [{"hit": hit, "number": number} for hit, number in approved.items()],
        )


def _fire(connection: Connection, now: int, state: str, values: Mapping[str, Any]) -> Counter[str]:
    """Change the due assignments that are in a state; how many of each HIT there were."""
    statement = (
        update(assignments)
        .where(assignments.c.state == state, assignments.c.due <= now)
        .values(**values, due=None)
        .returning(assignments.c.hit_id)
    )
    return Counter(connection.execute(statement).scalars())
