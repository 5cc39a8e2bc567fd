"""Qualification types."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select

from mturk_gateway.marketplace.ids import new_entity_id
from mturk_gateway.marketplace.protocol.errors import does_not_exist, parameter_error, request_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.limits import check_limits
from mturk_gateway.marketplace.services.questions import check_answer_key, check_test
from mturk_gateway.marketplace.services.requirements import SYSTEM_TYPES
from mturk_gateway.marketplace.tables import qualification_types


def create_qualification_type(call: Call) -> Reply:
    """CreateQualificationType (modern-mturk 4.3)."""
    parameters = call.parameters
    check_limits(parameters)
    _check_test(call)
    _check_name(call)
    identifier = new_entity_id()
    auto_granted = parameters.get("AutoGranted", False)
    call.connection.execute(
        insert(qualification_types).values(
            id=identifier,
            requester_id=call.requester.id,
            name=parameters["Name"],
            keywords=parameters.get("Keywords"),
            description=parameters["Description"],
            status=parameters["QualificationTypeStatus"],
            test=parameters.get("Test"),
            test_duration=parameters.get("TestDurationInSeconds"),
            answer_key=parameters.get("AnswerKey"),
            retry_delay=parameters.get("RetryDelayInSeconds"),
            auto_granted=auto_granted,
            auto_granted_value=parameters.get("AutoGrantedValue", 1) if auto_granted else None,
            creation_time=call.now,
        )
    )
    return {"QualificationType": _render(_find(call, identifier))}


def get_qualification_type(call: Call) -> Reply:
    """GetQualificationType: one of the requester's own."""
    return {"QualificationType": _render(_find(call, call.parameters["QualificationTypeId"]))}


def check_qualification_type(call: Call, identifier: str) -> None:
    """Accept the id of one of Amazon's types or of the requester's own, or raise Fault (RequestError)."""
    if identifier not in SYSTEM_TYPES:
        _find(call, identifier)


def _check_test(call: Call) -> None:
    parameters = call.parameters
    if "Test" in parameters:
        check_test(parameters["Test"])
        if "TestDurationInSeconds" not in parameters:
            raise parameter_error("The parameter TestDurationInSeconds is required when Test is given.")
        if parameters.get("AutoGranted"):
            raise parameter_error("A QualificationType with a Test cannot be AutoGranted.")
    if "AnswerKey" in parameters:
        check_answer_key(parameters["AnswerKey"])
        if "Test" not in parameters:
            raise parameter_error("The parameter AnswerKey can only be given together with Test.")


def _check_name(call: Call) -> None:
    statement = select(qualification_types.c.id).where(
        qualification_types.c.requester_id == call.requester.id, qualification_types.c.name == call.parameters["Name"]
    )
    if call.connection.execute(statement).one_or_none() is not None:
        raise request_error(
            "QualificationTypeAlreadyExists",
            "You have already created a QualificationType with this name. A QualificationType's name must be unique "
            "among all of the QualificationTypes created by the same user.",
        )


def _find(call: Call, identifier: str) -> Row[Any]:
    statement = select(qualification_types).where(
        qualification_types.c.id == identifier, qualification_types.c.requester_id == call.requester.id
    )
    row = call.connection.execute(statement).one_or_none()
    if row is None:
        raise does_not_exist("QualificationType", identifier)
    return row


def _render(kind: Row[Any]) -> dict[str, Any]:
    return {
        "QualificationTypeId": kind.id,
        "CreationTime": kind.creation_time,
        "Name": kind.name,
        "Description": kind.description,
        "Keywords": kind.keywords,
        "QualificationTypeStatus": kind.status,
        "Test": kind.test,
        "TestDurationInSeconds": kind.test_duration,
        "AnswerKey": kind.answer_key,
        "RetryDelayInSeconds": kind.retry_delay,
        "IsRequestable": kind.status == "Active",
        "AutoGranted": kind.auto_granted,
        "AutoGrantedValue": kind.auto_granted_value,
    }
