"""CreateHIT and CreateHITWithHITType."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import bindparam, insert, select

from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.protocol.errors import parameter_error, request_error
from mturk_gateway.marketplace.services import idempotency
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.judging.review_policies import check_policy
from mturk_gateway.marketplace.services.limits import check_limits
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.paying.fees import assignment_fee
from mturk_gateway.marketplace.services.paying.money import Transfer
from mturk_gateway.marketplace.services.publishing import hit_layouts
from mturk_gateway.marketplace.services.publishing.hit_types import ensure_hit_type, find_usable_hit_type
from mturk_gateway.marketplace.services.publishing.hits import event_of, find_hit, render_hit
from mturk_gateway.marketplace.services.publishing.questions import check_question
from mturk_gateway.marketplace.services.telling import events
from mturk_gateway.marketplace.tables import hit_types, hits, next_change

# Both operations were one before 2017, so a token used with either is used.
_TOKENS = "CreateHIT"

_PRICE = select(hit_types.c.reward, hit_types.c.requirements).where(hit_types.c.id == bindparam("hit_type"))
_NEW = insert(hits).values(change=next_change(hits.c.requester_id))


def create_hit(call: Call) -> Reply:
    """CreateHIT; finds or creates the HIT type of its values."""
    question = _check(call)
    return _create(call, ensure_hit_type(call), question)


def create_hit_with_hit_type(call: Call) -> Reply:
    """CreateHITWithHITType."""
    question = _check(call)
    find_usable_hit_type(call, call.parameters["HITTypeId"])
    return _create(call, call.parameters["HITTypeId"], question)


def _check(call: Call) -> str:
    """The question, if all that does not depend on the HIT type is as it should be."""
    parameters = call.parameters
    check_limits(parameters)
    for level in ("Assignment", "HIT"):
        if f"{level}ReviewPolicy" in parameters:
            check_policy(parameters[f"{level}ReviewPolicy"], level)
    if ("Question" in parameters) == ("HITLayoutId" in parameters):
        raise parameter_error("Exactly one of the parameters Question and HITLayoutId must be given.")
    question: str = hit_layouts.question_of(call) if "HITLayoutId" in parameters else parameters["Question"]
    check_question(question)
    made = idempotency.made_before(call, _TOKENS)
    if made is not None:
        raise request_error("HitAlreadyExists", f'The HIT with ID "{made}" already exists.')
    return question


def _create(call: Call, hit_type_id: str, question: str) -> Reply:
    parameters = call.parameters
    identifier = new_entity_id()
    max_assignments = parameters.get("MaxAssignments", 1)
    call.connection.execute(
        _NEW,
        {
            "id": identifier,
            "owner": call.requester.id,
            "requester_id": call.requester.id,
            "hit_type_id": hit_type_id,
            "question": question,
            "layout_id": parameters.get("HITLayoutId"),
            "annotation": parameters.get("RequesterAnnotation"),
            "assignment_review_policy": _stored(parameters.get("AssignmentReviewPolicy")),
            "hit_review_policy": _stored(parameters.get("HITReviewPolicy")),
            "creation_time": call.now,
            "newest_first": -call.now,
            "expiration": call.now + parameters["LifetimeInSeconds"],
            "due": call.now + parameters["LifetimeInSeconds"],
            "max_assignments": max_assignments,
            "fee": _fee(call, hit_type_id, max_assignments),
            "pending": 0,
            "submitted": 0,
            "approved": 0,
            "rejected": 0,
            "reviewing": False,
        },
    )
    idempotency.remember(call, _TOKENS, identifier)
    hit = find_hit(call, identifier)
    cost = max_assignments * (money.cents(hit.reward) + hit.fee)
    hold = Transfer(call.requester.id, call.now, "hold", "available", "held", cost, hit_id=hit.id)
    # A Fault undoes the creation.
    money.spend(call.connection, call.requester, [hold])
    events.record(call.connection, event_of("HITCreated", call.now, hit))
    return {"HIT": render_hit(hit, call.now)}


def _fee(call: Call, hit_type_id: str, max_assignments: int) -> int:
    if not call.requester.charged:
        return 0
    reward, requirements = call.connection.execute(_PRICE, {"hit_type": hit_type_id}).one()
    return assignment_fee(money.cents(reward), max_assignments, requirements)


def _stored(policy: dict[str, Any] | None) -> str | None:
    return None if policy is None else json.dumps(policy)
