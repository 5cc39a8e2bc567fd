"""Making, changing and deleting qualification types (modern-mturk 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.protocol.errors import parameter_error, request_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.limits import check_limits
from mturk_gateway.marketplace.services.publishing.questions import check_answer_key, check_test
from mturk_gateway.marketplace.services.qualifying.qualification_types import find_own_type, render_type
from mturk_gateway.marketplace.services.qualifying.requesting import OPEN
from mturk_gateway.marketplace.tables import (
    hit_type_qualifications,
    hit_types,
    qualification_requests,
    qualification_types,
)

_DEFAULT_VALUE = 1

# Name and keywords cannot be changed; a test is changed as a whole.
_CHANGEABLE = {
    "Description": "description",
    "QualificationTypeStatus": "status",
    "RetryDelayInSeconds": "retry_delay",
}

_THIS = qualification_types.c.id == bindparam("identifier")
_OF_THIS = qualification_requests.c.qualification_type_id == bindparam("identifier")
_SAME_NAME = select(qualification_types.c.id).where(
    qualification_types.c.requester_id == bindparam("owner"),
    qualification_types.c.name == bindparam("name"),
    qualification_types.c.deleted_at.is_(None),
)
_CREATE = insert(qualification_types)
_CHANGE = update(qualification_types).where(_THIS)
_DELETE = _CHANGE.values(deleted_at=bindparam("now"))
_REJECT_REQUESTS = (
    update(qualification_requests)
    .where(_OF_THIS, qualification_requests.c.status.in_(OPEN))
    .values(status="Rejected", due=None, reason="The qualification type was deleted.")
)
# With its id for a fingerprint, the same values make a new one.
_DELETE_HIT_TYPES = (
    update(hit_types)
    .where(
        hit_types.c.deleted_at.is_(None),
        hit_types.c.id.in_(
            select(hit_type_qualifications.c.hit_type_id).where(
                hit_type_qualifications.c.qualification_type_id == bindparam("identifier")
            )
        ),
    )
    .values(deleted_at=bindparam("now"), fingerprint=hit_types.c.id)
)


def create_qualification_type(call: Call) -> Reply:
    """CreateQualificationType; a name is unique among a requester's types that are not deleted."""
    parameters = call.parameters
    check_limits(parameters)
    _check_test(parameters)
    auto_granted = parameters.get("AutoGranted", False)
    if "Test" in parameters and auto_granted:
        raise _tested_and_granted()
    _check_name(call)
    identifier = new_entity_id()
    values = {
        "id": identifier,
        "requester_id": call.requester.id,
        "name": parameters["Name"],
        "keywords": parameters.get("Keywords"),
        "description": parameters["Description"],
        "status": parameters["QualificationTypeStatus"],
        "test": parameters.get("Test"),
        "test_duration": parameters.get("TestDurationInSeconds"),
        "answer_key": parameters.get("AnswerKey"),
        "retry_delay": parameters.get("RetryDelayInSeconds"),
        "auto_granted": auto_granted,
        "auto_granted_value": parameters.get("AutoGrantedValue", _DEFAULT_VALUE) if auto_granted else None,
        "creation_time": call.now,
        "newest_first": -call.now,
    }
    call.connection.execute(_CREATE, values)
    return {"QualificationType": render_type(find_own_type(call, identifier), call.now)}


def update_qualification_type(call: Call) -> Reply:
    """UpdateQualificationType: what is given replaces what was there.

    A test comes with its duration, and without a key it has none any more. It can be replaced and never removed, nor
    can retries be disabled: there is no way to ask for either.
    """
    parameters = call.parameters
    check_limits(parameters)
    known = find_own_type(call, parameters["QualificationTypeId"])
    _check_test(parameters)
    if "TestDurationInSeconds" in parameters and "Test" not in parameters:
        raise parameter_error("The parameter TestDurationInSeconds can only be changed together with Test.")
    auto_granted = parameters.get("AutoGranted", known.auto_granted)
    if auto_granted and ("Test" in parameters or known.test is not None):
        raise _tested_and_granted()
    values = {column: parameters[name] for name, column in _CHANGEABLE.items() if name in parameters}
    values["auto_granted"] = auto_granted
    values["auto_granted_value"] = None
    if auto_granted:
        before = _DEFAULT_VALUE if known.auto_granted_value is None else known.auto_granted_value
        values["auto_granted_value"] = parameters.get("AutoGrantedValue", before)
    if "Test" in parameters:
        values["test"] = parameters["Test"]
        values["test_duration"] = parameters["TestDurationInSeconds"]
        values["answer_key"] = parameters.get("AnswerKey")
    call.connection.execute(_CHANGE, {"identifier": known.id, **values})
    return {"QualificationType": render_type(find_own_type(call, known.id), call.now)}


def delete_qualification_type(call: Call) -> Reply:
    """DeleteQualificationType: who has asked for it is rejected, and HIT types that require it are deleted.

    Workers keep what they hold, because HITs that there are may require it. The name is free at once (modern-mturk
    3.3).
    """
    identifier = find_own_type(call, call.parameters["QualificationTypeId"]).id
    call.connection.execute(_REJECT_REQUESTS, {"identifier": identifier})
    call.connection.execute(_DELETE_HIT_TYPES, {"identifier": identifier, "now": call.now})
    call.connection.execute(_DELETE, {"identifier": identifier, "now": call.now})
    return {}


def _check_test(parameters: Mapping[str, Any]) -> None:
    if "Test" in parameters:
        check_test(parameters["Test"])
        if "TestDurationInSeconds" not in parameters:
            raise parameter_error("The parameter TestDurationInSeconds is required when Test is given.")
    if "AnswerKey" in parameters:
        check_answer_key(parameters["AnswerKey"])
        if "Test" not in parameters:
            raise parameter_error("The parameter AnswerKey can only be given together with Test.")


def _tested_and_granted() -> Exception:
    return parameter_error("A QualificationType with a Test cannot be AutoGranted.")


def _check_name(call: Call) -> None:
    same = {"owner": call.requester.id, "name": call.parameters["Name"]}
    if call.connection.execute(_SAME_NAME, same).one_or_none() is not None:
        raise request_error(
            "QualificationTypeAlreadyExists",
            "You have already created a QualificationType with this name. A QualificationType's name must be unique "
            "among all of the QualificationTypes created by the same user.",
        )
