"""When work on a HIT comes to an end (modern-mturk 3.1)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, select, update

from mturk_gateway.marketplace.services.judging import review_policies
from mturk_gateway.marketplace.services.publishing.hits import FREE, Hit, event_of, load_hit, status
from mturk_gateway.marketplace.services.telling import events
from mturk_gateway.marketplace.services.telling.events import Event
from mturk_gateway.marketplace.tables import hits

_THESE = hits.c.id.in_(bindparam("these", expanding=True))
_STANDS = select(
    *(hits.c[name] for name in ("id", "requester_id", "hit_type_id", "pending")),
    FREE.label("free"),
    hits.c.hit_review_policy.is_not(None).label("reviewed"),
).where(_THESE)
# Nothing that a listing shows has changed, so the number of the last change stays.
_EXPIRED = update(hits).where(_THESE).values(due=None, change=hits.c.change)


def work_ended(connection: Connection, hit_id: str, now: int) -> None:
    """To be called after somebody's work on a HIT has ended, however it did: the HIT may be Reviewable now."""
    hit = load_hit(connection, hit_id)
    if status(hit, now) in {"Reviewable", "Reviewing"}:
        _become_reviewable(connection, hit, now)


def expire(connection: Connection, expirations: Mapping[str, int]) -> None:
    """To be called once when the lifetimes of HITs are over: ids with the moments, in the order of these."""
    connection.execute(_EXPIRED, {"these": list(expirations)})
    stands = {row.id: row for row in connection.execute(_STANDS, {"these": list(expirations)})}
    happened = []
    for identifier, time in expirations.items():
        hit = stands[identifier]
        about = (time, hit.requester_id, hit.hit_type_id, hit.id)
        happened.append(Event("HITExpired", *about))
        # Where all is submitted, the HIT has been Reviewable before.
        if hit.free and not hit.pending:
            if hit.reviewed:
                events.record_all(connection, happened)
                happened = []
                _become_reviewable(connection, load_hit(connection, identifier), time)
            else:
                happened.append(Event("HITReviewable", *about))
    events.record_all(connection, happened)


def _become_reviewable(connection: Connection, hit: Hit, now: int) -> None:
    events.record(connection, event_of("HITReviewable", now, hit))
    review_policies.after_work(connection, hit, now)
