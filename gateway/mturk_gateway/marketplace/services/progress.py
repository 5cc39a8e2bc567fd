"""When work on a HIT comes to an end (modern-mturk 3.1)."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, update

from mturk_gateway.marketplace.services import events, review_policies
from mturk_gateway.marketplace.services.hits import Hit, event_of, load_hit, status
from mturk_gateway.marketplace.tables import hits

# Nothing that a listing shows has changed, so the number of the last change stays.
_EXPIRED = update(hits).where(hits.c.id == bindparam("hit")).values(due=None, change=hits.c.change)


def work_ended(connection: Connection, hit_id: str, now: int) -> None:
    """To be called after somebody's work on a HIT has ended, however it did: the HIT may be Reviewable now."""
    hit = load_hit(connection, hit_id)
    if status(hit, now) in {"Reviewable", "Reviewing"}:
        _become_reviewable(connection, hit, now)


def expire(connection: Connection, hit_id: str, now: int) -> None:
    """To be called once when a HIT's lifetime is over, `now` being the moment of that."""
    connection.execute(_EXPIRED, {"hit": hit_id})
    hit = load_hit(connection, hit_id)
    events.record(connection, event_of("HITExpired", now, hit))
    all_submitted = hit.pending + hit.submitted + hit.approved + hit.rejected >= hit.max_assignments
    if not (hit.pending or all_submitted):
        _become_reviewable(connection, hit, now)


def _become_reviewable(connection: Connection, hit: Hit, now: int) -> None:
    events.record(connection, event_of("HITReviewable", now, hit))
    review_policies.after_work(connection, hit, now)
