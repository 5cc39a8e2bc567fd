"""CreateHIT and CreateHITWithHITType."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import bindparam, insert, select

from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.protocol.errors import does_not_exist, parameter_error, request_error
from mturk_gateway.marketplace.services import idempotency
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.hit_types import ensure_hit_type
from mturk_gateway.marketplace.services.hits import find_hit, render_hit
from mturk_gateway.marketplace.services.limits import check_limits
from mturk_gateway.marketplace.services.questions import check_question
from mturk_gateway.marketplace.tables import hit_types, hits, next_change

# Both operations were one before 2017, so a token used with either is used.
_TOKENS = "CreateHIT"

_HIT_TYPE = select(hit_types.c.id).where(
    hit_types.c.id == bindparam("hit_type"), hit_types.c.requester_id == bindparam("owner")
)
_NEW = insert(hits).values(change=next_change(hits.c.requester_id))


def create_hit(call: Call) -> Reply:
    """CreateHIT; finds or creates the HIT type of its values."""
    _check(call)
    return _create(call, ensure_hit_type(call))


def create_hit_with_hit_type(call: Call) -> Reply:
    """CreateHITWithHITType."""
    _check(call)
    identifier = call.parameters["HITTypeId"]
    known = call.connection.execute(_HIT_TYPE, {"hit_type": identifier, "owner": call.requester.id})
    if known.one_or_none() is None:
        raise parameter_error(f'The value "{identifier}" is not valid for the parameter HITTypeId.')
    return _create(call, identifier)


def _check(call: Call) -> None:
    parameters = call.parameters
    check_limits(parameters)
    if ("Question" in parameters) == ("HITLayoutId" in parameters):
        raise parameter_error("Exactly one of the parameters Question and HITLayoutId must be given.")
    if "HITLayoutId" in parameters:
        raise does_not_exist("HITLayout", parameters["HITLayoutId"])
    check_question(parameters["Question"])
    made = idempotency.made_before(call, _TOKENS)
    if made is not None:
        raise request_error("HitAlreadyExists", f'The HIT with ID "{made}" already exists.')


def _create(call: Call, hit_type_id: str) -> Reply:
    parameters = call.parameters
    identifier = new_entity_id()
    call.connection.execute(
        _NEW,
        {
            "id": identifier,
            "owner": call.requester.id,
            "requester_id": call.requester.id,
            "hit_type_id": hit_type_id,
            "question": parameters["Question"],
            "annotation": parameters.get("RequesterAnnotation"),
            "assignment_review_policy": _stored(parameters.get("AssignmentReviewPolicy")),
            "hit_review_policy": _stored(parameters.get("HITReviewPolicy")),
            "creation_time": call.now,
            "newest_first": -call.now,
            "expiration": call.now + parameters["LifetimeInSeconds"],
            "max_assignments": parameters.get("MaxAssignments", 1),
            "pending": 0,
            "submitted": 0,
            "approved": 0,
            "rejected": 0,
            "reviewing": False,
        },
    )
    idempotency.remember(call, _TOKENS, identifier)
    return {"HIT": render_hit(find_hit(call, identifier), call.now)}


def _stored(policy: dict[str, Any] | None) -> str | None:
    return None if policy is None else json.dumps(policy)
