"""More assignments and more time for a HIT, whether the requester or a review policy gives them."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, update

from mturk_gateway.marketplace.protocol.errors import request_error
from mturk_gateway.marketplace.requesters import Requester
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.paying.money import Transfer
from mturk_gateway.marketplace.services.publishing.hits import Hit, available, event_of
from mturk_gateway.marketplace.services.telling import events
from mturk_gateway.marketplace.tables import hits

_MANY = 10

_GROW = (
    update(hits)
    .where(hits.c.id == bindparam("hit"))
    .values(
        max_assignments=hits.c.max_assignments + bindparam("further"),
        expiration=bindparam("until"),
        due=bindparam("next"),
        reviewing=bindparam("in_review"),
    )
)


def grow(
    connection: Connection, requester: Requester, hit: Hit, now: int, *, assignments: int = 0, until: int | None = None
) -> None:
    """Add assignments, and move the expiration to a later moment.

    A HIT that workers can take again has left the review for good. Raises Fault: InsufficientFunds when what the
    assignments may cost is not there.
    """
    cost = assignments * (money.cents(hit.reward) + hit.fee)
    money.spend(connection, requester, [Transfer(requester.id, now, "hold", "available", "held", cost, hit_id=hit.id)])
    expiration = hit.expiration if until is None else until
    can_be_taken = available(hit) + assignments > 0 and expiration > now
    connection.execute(
        _GROW,
        {
            "hit": hit.id,
            "further": assignments,
            "until": expiration,
            "next": expiration if expiration > now else None,
            "in_review": hit.reviewing and not can_be_taken,
        },
    )
    events.record(connection, event_of("HITExtended", now, hit))


def check_increase(hit: Hit, assignments: int) -> None:
    """Refuse to take a HIT from fewer than ten assignments to ten or more, for which other fees held.

    Raises Fault: InvalidMaximumAssignmentsIncrease (modern-mturk 4.1).
    """
    if hit.max_assignments < _MANY <= hit.max_assignments + assignments:
        raise request_error(
            "InvalidMaximumAssignmentsIncrease",
            "A HIT that was created with fewer than 10 assignments cannot be extended to 10 or more.",
        )
