"""HIT types: the part of a HIT that many HITs share."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import bindparam, insert, select

from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.protocol.errors import parameter_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.limits import check_limits
from mturk_gateway.marketplace.services.requirements import canonical_requirements
from mturk_gateway.marketplace.tables import hit_type_qualifications, hit_types

_DEFAULT_AUTO_APPROVAL_DELAY = 2_592_000

_KNOWN = select(hit_types.c.reward).where(
    hit_types.c.id == bindparam("hit_type"),
    hit_types.c.requester_id == bindparam("owner"),
    hit_types.c.deleted_at.is_(None),
)
_SAME = select(hit_types.c.id).where(
    hit_types.c.requester_id == bindparam("owner"), hit_types.c.fingerprint == bindparam("fingerprint")
)


def create_hit_type(call: Call) -> Reply:
    """CreateHITType; the same values give the same id (modern-mturk 2.1)."""
    check_limits(call.parameters)
    return {"HITTypeId": ensure_hit_type(call)}


def ensure_hit_type(call: Call) -> str:
    """The id of the requester's HIT type with the values of the call, which is created if there is none."""
    parameters = call.parameters
    requirements = canonical_requirements(call)
    values = {
        "title": parameters["Title"],
        "description": parameters["Description"],
        "keywords": parameters.get("Keywords"),
        "reward": canonical_amount(parameters["Reward"]),
        "assignment_duration": parameters["AssignmentDurationInSeconds"],
        "auto_approval_delay": parameters.get("AutoApprovalDelayInSeconds", _DEFAULT_AUTO_APPROVAL_DELAY),
    }
    identity = [values, sorted(json.dumps(requirement, sort_keys=True) for requirement in requirements)]
    fingerprint = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    known: str | None = call.connection.execute(
        _SAME, {"owner": call.requester.id, "fingerprint": fingerprint}
    ).scalar_one_or_none()
    if known is not None:
        return known
    identifier = new_entity_id()
    call.connection.execute(
        insert(hit_types).values(
            **values,
            id=identifier,
            requester_id=call.requester.id,
            group_id=new_entity_id(),
            fingerprint=fingerprint,
            requirements=json.dumps(requirements),
        )
    )
    needed = sorted({requirement["QualificationTypeId"] for requirement in requirements})
    if needed:
        call.connection.execute(
            insert(hit_type_qualifications),
            [{"hit_type_id": identifier, "qualification_type_id": needed_id} for needed_id in needed],
        )
    return identifier


def check_hit_type(call: Call, identifier: str) -> str:
    """The reward of one of the requester's HIT types. Raises Fault (ParameterValidationError) when there is none."""
    reward: str | None = call.connection.execute(
        _KNOWN, {"hit_type": identifier, "owner": call.requester.id}
    ).scalar_one_or_none()
    if reward is None:
        raise parameter_error(f'The value "{identifier}" is not valid for the parameter HITTypeId.')
    return reward


def canonical_amount(amount: str) -> str:
    """A CurrencyAmount with two decimals and without leading zeros; the model allows "5", "5." and "0.5"."""
    whole, _, cents = amount.partition(".")
    return f"{whole.lstrip('0') or '0'}.{cents:0<2}"
