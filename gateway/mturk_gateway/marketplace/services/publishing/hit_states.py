"""Operations that change the state of a HIT: its time, its capacity, its type, its review, its disposal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from mturk_gateway.marketplace.protocol.errors import out_of_range, request_error
from mturk_gateway.marketplace.services import idempotency
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.limits import MOST_ASSIGNMENTS, YEAR, check_range
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.paying.fees import assignment_fee
from mturk_gateway.marketplace.services.paying.money import Transfer
from mturk_gateway.marketplace.services.publishing import progress
from mturk_gateway.marketplace.services.publishing.hit_growth import check_increase, grow
from mturk_gateway.marketplace.services.publishing.hit_types import find_usable_hit_type
from mturk_gateway.marketplace.services.publishing.hits import Hit, available, event_of, find_hit, status, wrong_state
from mturk_gateway.marketplace.services.telling import events
from mturk_gateway.marketplace.tables import hits

_SHORTEST_EXTENSION = 60
_CLOCK_TOLERANCE = 5
_ALIVE = ("Assignable", "Unassignable", "Reviewable", "Reviewing")


def update_expiration_for_hit(call: Call) -> Reply:
    """UpdateExpirationForHIT (modern-mturk 4.1.1).

    A moment that has passed, or passes within a client's clock error, ends the HIT now. A later one must extend it;
    asking for the expiration that it already has succeeds, because refusing repeated requests hurt everybody. Ending
    what was disposed of succeeds as well: Dallinger ends a HIT before it deletes it and is prepared for one that is
    gone at the second step only.
    """
    hit = find_hit(call, call.parameters["HITId"])
    expire_at = call.parameters["ExpireAt"]
    if expire_at <= call.now + _CLOCK_TOLERANCE:
        if hit.expiration > call.now and hit.disposed_at is None:
            _change(call, hit.id, expiration=call.now)
            progress.expire(call.connection, {hit.id: call.now})
    elif hit.disposed_at is not None:
        raise wrong_state(hit, call.now, *_ALIVE)
    elif expire_at != hit.expiration:
        increment = expire_at - max(call.now, hit.expiration)
        if not _SHORTEST_EXTENSION <= increment <= YEAR:
            raise out_of_range("ExpirationIncrementInSeconds", increment, _SHORTEST_EXTENSION, YEAR)
        grow(call.connection, call.requester, hit, call.now, until=expire_at)
    return {}


def create_additional_assignments_for_hit(call: Call) -> Reply:
    """CreateAdditionalAssignmentsForHIT; the expiration stays, so an expired HIT stays Reviewable."""
    hit = _find_alive(call)
    number = call.parameters["NumberOfAdditionalAssignments"]
    if not 1 <= number <= MOST_ASSIGNMENTS:
        raise out_of_range("NumberOfAdditionalAssignments", number, 1, MOST_ASSIGNMENTS)
    check_range({"MaxAssignments": hit.max_assignments + number}, "MaxAssignments", 1, MOST_ASSIGNMENTS)
    idempotency.refuse_repetition(call)
    if not call.terms.any_increase:
        check_increase(hit, number)
    grow(call.connection, call.requester, hit, call.now, assignments=number)
    return {}


def update_hit_type_of_hit(call: Call) -> Reply:
    """UpdateHITTypeOfHIT: the HIT takes the values of another type, which must pay the same.

    Work in progress keeps its deadline. A fee that depends on the type changes for all that is yet to be paid.
    """
    hit = _find_alive(call)
    identifier = call.parameters["HITTypeId"]
    hit_type = find_usable_hit_type(call, identifier)
    if hit_type.reward != hit.reward:
        raise request_error("InvalidParameterValue", "The new HITType must have the same Reward as the HIT.")
    fee = hit.fee
    if call.requester.charged:
        fee = assignment_fee(money.cents(hit.reward), hit.max_assignments, hit_type.requirements)
        _hold(call, hit, (fee - hit.fee) * (hit.max_assignments - hit.approved - hit.rejected))
    _change(call, hit.id, hit_type_id=identifier, fee=fee)
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
    (modern-mturk 1.3). What was held for assignments that nobody took is free.
    """
    hit = find_hit(call, call.parameters["HITId"])
    if status(hit, call.now) not in {"Reviewing", "Reviewable"} or hit.submitted:
        raise wrong_state(hit, call.now, "Reviewing", "Reviewable")
    _change(call, hit.id, disposed_at=call.now, due=None)
    _hold(call, hit, -available(hit) * (money.cents(hit.reward) + hit.fee))
    events.record(call.connection, event_of("HITDisposed", call.now, hit))
    return {}


def _hold(call: Call, hit: Hit, amount: int) -> None:
    """Set cents aside for a HIT, or with a negative amount give them back. Raises Fault (InsufficientFunds)."""
    if amount >= 0:
        move = Transfer(call.requester.id, call.now, "hold", "available", "held", amount, hit_id=hit.id)
        money.spend(call.connection, call.requester, [move])
    else:
        move = Transfer(call.requester.id, call.now, "release", "held", "available", -amount, hit_id=hit.id)
        money.move(call.connection, [move])


def _find_alive(call: Call) -> Hit:
    hit = find_hit(call, call.parameters["HITId"])
    if hit.disposed_at is not None:
        raise wrong_state(hit, call.now, *_ALIVE)
    return hit


def _change(call: Call, hit_id: str, **values: Any) -> None:
    call.connection.execute(update(hits).where(hits.c.id == hit_id).values(**values))
