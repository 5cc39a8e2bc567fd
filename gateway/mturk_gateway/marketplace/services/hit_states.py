"""Operations that change the state of a HIT: expiration, review status, disposal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from mturk_gateway.marketplace.protocol.errors import out_of_range
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.hits import available, find_hit, status, wrong_state
from mturk_gateway.marketplace.services.limits import YEAR
from mturk_gateway.marketplace.tables import hits

_SHORTEST_EXTENSION = 60
_CLOCK_TOLERANCE = 5


def update_expiration_for_hit(call: Call) -> Reply:
    """UpdateExpirationForHIT (modern-mturk 4.1.1).

    A moment that has passed, or passes within a client's clock error, ends the HIT now. A later one must extend it;
    asking for the expiration that it already has succeeds, because refusing repeated requests hurt everybody.
    """
    hit = find_hit(call, call.parameters["HITId"])
    expire_at = call.parameters["ExpireAt"]
    if hit.disposed_at is not None:
        raise wrong_state(hit, call.now, "Assignable", "Unassignable", "Reviewable", "Reviewing")
    if expire_at <= call.now + _CLOCK_TOLERANCE:
        if hit.expiration > call.now:
            _change(call, hit.id, expiration=call.now)
    elif expire_at != hit.expiration:
        increment = expire_at - max(call.now, hit.expiration)
        if not _SHORTEST_EXTENSION <= increment <= YEAR:
            raise out_of_range("ExpirationIncrementInSeconds", increment, _SHORTEST_EXTENSION, YEAR)
        # A HIT that workers can take again has left the review for good.
        _change(call, hit.id, expiration=expire_at, reviewing=hit.reviewing and available(hit) <= 0)
    return {}


def update_hit_review_status(call: Call) -> Reply:
    """UpdateHITReviewStatus: from Reviewable to Reviewing, or back with Revert."""
    hit = find_hit(call, call.parameters["HITId"])
    revert = call.parameters.get("Revert", False)
    needed = "Reviewing" if revert else "Reviewable"
    if status(hit, call.now) != needed:
        raise wrong_state(hit, call.now, needed)
    _change(call, hit.id, reviewing=not revert)
    return {}


def delete_hit(call: Call) -> Reply:
    """DeleteHIT: only when every submission is decided.

    For undecided ones Amazon gave the same error, although it then names the present state among the allowed ones
    (modern-mturk 1.3).
    """
    hit = find_hit(call, call.parameters["HITId"])
    if status(hit, call.now) not in {"Reviewing", "Reviewable"} or hit.submitted:
        raise wrong_state(hit, call.now, "Reviewing", "Reviewable")
    _change(call, hit.id, disposed_at=call.now)
    return {}


def _change(call: Call, hit_id: str, **values: Any) -> None:
    call.connection.execute(update(hits).where(hits.c.id == hit_id).values(**values))
