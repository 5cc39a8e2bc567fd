"""Qualifications of workers, as the requester who owns their type gives, takes and reads them (modern-mturk 4.3)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from mturk_gateway.marketplace.protocol.errors import Fault, request_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.lists.pages import Pages
from mturk_gateway.marketplace.services.qualifying.grants import DEFAULT_VALUE, grant
from mturk_gateway.marketplace.services.qualifying.qualification_types import find_own_type, find_type
from mturk_gateway.marketplace.tables import messages, qualifications

_KIND = qualifications.c.qualification_type_id == bindparam("kind")
_THIS = _KIND & (qualifications.c.worker_id == bindparam("worker"))
_ONE = select(qualifications).where(_THIS)
_REVOKE = update(qualifications).where(_THIS).values(status="Revoked", reason=bindparam("given_reason"))
_TELL = insert(messages)


def associate_qualification_with_worker(call: Call) -> Reply:
    """AssociateQualificationWithWorker: also to an id that nobody has registered, and over what the worker holds.

    A request that the worker made stays pending. The worker gets a message unless SendNotification is false.
    """
    parameters = call.parameters
    kind = find_own_type(call, parameters["QualificationTypeId"])
    worker_id, value = parameters["WorkerId"], parameters.get("IntegerValue", DEFAULT_VALUE)
    grant(call.connection, kind.id, worker_id, value, call.now)
    if parameters.get("SendNotification", True):
        message = {
            "requester_id": call.requester.id,
            "worker_id": worker_id,
            "time": call.now,
            "subject": f"You have been given the qualification {kind.name}",
            "text": f"{call.requester.name} has given you the qualification {kind.name} with the value {value}.",
        }
        call.connection.execute(_TELL, message)
    return {}


def disassociate_qualification_from_worker(call: Call) -> Reply:
    """DisassociateQualificationFromWorker; an empty Reason is none."""
    held = _find_granted(call, find_own_type(call, call.parameters["QualificationTypeId"]))
    names = {"kind": held.qualification_type_id, "worker": held.worker_id}
    call.connection.execute(_REVOKE, {**names, "given_reason": call.parameters.get("Reason") or None})
    return {}


def get_qualification_score(call: Call) -> Reply:
    """GetQualificationScore. Nobody is told one of Amazon's types (legacy-qualifications-workers 5.4)."""
    kind = find_type(call, call.parameters["QualificationTypeId"])
    if kind.requester_id is None:
        raise _not_held()
    return {"Qualification": _render(_find_granted(call, kind), call.now)}


def list_workers_with_qualification_type(call: Call) -> Reply:
    """ListWorkersWithQualificationType: those who hold it unless Revoked is asked for, latest GrantTime first."""
    kind = find_own_type(call, call.parameters["QualificationTypeId"])
    return _OF_TYPE.reply(call, kind=kind.id, status=call.parameters.get("Status", "Granted"))


def _find_granted(call: Call, kind: Row[Any]) -> Row[Any]:
    """The worker's qualification; both errors have texts that clients look for (modern-mturk 1.3)."""
    row = call.connection.execute(_ONE, {"kind": kind.id, "worker": call.parameters["WorkerId"]}).one_or_none()
    if row is None:
        raise _not_held()
    if row.status != "Granted":
        raise request_error("InvalidQualificationState", "This operation can be called with a status of: Granted")
    return row


def _not_held() -> Fault:
    return request_error("QualificationDoesNotExist", "You requested a Qualification that does not exist.")


def _render(qualification: Row[Any], _now: int) -> dict[str, Any]:
    """The Qualification structure; only Amazon's type of locales has a LocaleValue, and it is never read."""
    return {
        "QualificationTypeId": qualification.qualification_type_id,
        "WorkerId": qualification.worker_id,
        "GrantTime": qualification.grant_time,
        "IntegerValue": qualification.value,
        "Status": qualification.status,
    }


_OF_TYPE = Pages(
    select(qualifications).where(_KIND, qualifications.c.status == bindparam("status")),
    (qualifications.c.newest_first, qualifications.c.worker_id),
    "Qualifications",
    _render,
)
