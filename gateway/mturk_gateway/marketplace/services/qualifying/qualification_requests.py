"""Requests for qualifications, as the requester decides on them (modern-mturk 4.3)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, select, update

from mturk_gateway.marketplace.protocol.errors import does_not_exist, request_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.lists.pages import Pages
from mturk_gateway.marketplace.services.qualifying.grants import DEFAULT_VALUE, grant
from mturk_gateway.marketplace.services.qualifying.qualification_types import find_own_type
from mturk_gateway.marketplace.tables import qualification_requests

_OWN = qualification_requests.c.requester_id == bindparam("owner")
# A test that is being taken is the worker's alone.
_ONE = select(qualification_requests).where(
    qualification_requests.c.id == bindparam("identifier"), _OWN, qualification_requests.c.status != "Testing"
)
_DECIDE = update(qualification_requests).where(qualification_requests.c.id == bindparam("identifier"))
_GRANT = _DECIDE.values(status="Granted")
_REJECT = _DECIDE.values(status="Rejected", reason=bindparam("given_reason"))


def list_qualification_requests(call: Call) -> Reply:
    """ListQualificationRequests: the pending ones for all of the requester's types, or for one, newest first."""
    if "QualificationTypeId" in call.parameters:
        kind = find_own_type(call, call.parameters["QualificationTypeId"])
        return _OF_TYPE.reply(call, owner=call.requester.id, kind=kind.id)
    return _ALL.reply(call, owner=call.requester.id)


def accept_qualification_request(call: Call) -> Reply:
    """AcceptQualificationRequest: grants the qualification, over what the worker holds meanwhile."""
    request = _find_pending(call)
    value = call.parameters.get("IntegerValue", DEFAULT_VALUE)
    call.connection.execute(_GRANT, {"identifier": request.id})
    grant(call.connection, request.qualification_type_id, request.worker_id, value, call.now)
    return {}


def reject_qualification_request(call: Call) -> Reply:
    """RejectQualificationRequest: what the worker holds stays; an empty Reason is none."""
    request = _find_pending(call)
    reason = call.parameters.get("Reason") or None
    call.connection.execute(_REJECT, {"identifier": request.id, "given_reason": reason})
    return {}


def _find_pending(call: Call) -> Row[Any]:
    identifier = call.parameters["QualificationRequestId"]
    row = call.connection.execute(_ONE, {"identifier": identifier, "owner": call.requester.id}).one_or_none()
    if row is None:
        raise does_not_exist("QualificationRequest", identifier)
    if row.status != "Pending":
        # The model's documentation calls the status of a pending request Submitted.
        raise request_error(
            "InvalidQualificationRequestState", "This operation can be called with a status of: Submitted"
        )
    return row


def _render(request: Row[Any], _now: int) -> dict[str, Any]:
    return {
        "QualificationRequestId": request.id,
        "QualificationTypeId": request.qualification_type_id,
        "WorkerId": request.worker_id,
        "Test": request.test,
        "Answer": request.answer,
        "SubmitTime": request.submit_time,
    }


_PENDING = select(qualification_requests).where(_OWN, qualification_requests.c.status == "Pending")
_NEWEST_FIRST = (qualification_requests.c.newest_first, qualification_requests.c.id)
_ALL = Pages(_PENDING, _NEWEST_FIRST, "QualificationRequests", _render)
_OF_TYPE = Pages(
    _PENDING.where(qualification_requests.c.qualification_type_id == bindparam("kind")),
    _NEWEST_FIRST,
    "QualificationRequests",
    _render,
)
