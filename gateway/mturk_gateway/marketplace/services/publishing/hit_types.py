"""HIT types: the part of a HIT that many HITs share."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import Row, bindparam, insert, select

from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.protocol.errors import parameter_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.limits import check_limits
from mturk_gateway.marketplace.services.paying import money
from mturk_gateway.marketplace.services.publishing.requirements import canonical_requirements, check_types
from mturk_gateway.marketplace.tables import hit_type_qualifications, hit_types

_DEFAULT_AUTO_APPROVAL_DELAY = 2_592_000

_KNOWN = select(hit_types.c.reward, hit_types.c.requirements).where(
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
        "reward": money.amount_of(money.cents(parameters["Reward"])),
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


def find_usable_hit_type(call: Call, identifier: str) -> Row[str, str]:
    """The same for a type that HITs can be given. Raises Fault (RequestError) when it requires what is Inactive."""
    known = find_hit_type(call, identifier)
    check_types(call, json.loads(known.requirements))
    return known


def find_hit_type(call: Call, identifier: str) -> Row[str, str]:
    """The reward and the requirements of one of the requester's HIT types. Raises Fault (ParameterValidationError)."""
    known = call.connection.execute(_KNOWN, {"hit_type": identifier, "owner": call.requester.id}).one_or_none()
    if known is None:
        raise parameter_error(f'The value "{identifier}" is not valid for the parameter HITTypeId.')
    return known
