"""What an error means to legacy clients, where that takes a question."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from mturk_translators.call import Call, LedgerCall, Reply
from mturk_translators.faults import (
    MTURK,
    Fault,
    ModernError,
    expected_states,
    is_state_error,
    legacy_fault,
    quotes_state,
)
from mturk_translators.flows.walks import find_row

_SUBJECTS = (
    ("AssignmentId", "GetAssignment", "Assignment", "AssignmentStatus"),
    ("HITId", "GetHIT", "HIT", "HITStatus"),
)

_STATES = {
    MTURK + "InvalidQualificationTypeState": ("Active", "Inactive", "Disposing"),
    MTURK + "InvalidQualificationState": ("Granted", "Revoked"),
}
"""All states of objects that the modern API does not show in each of them; `Disposing` was recorded (quals 3.3)."""

Questions = Generator[Call | LedgerCall, Reply, Fault]


def explain(error: ModernError, params: dict[str, Any]) -> Questions:
    """Find the legacy form of an error, asking for what it should tell and the message lacks.

    A PHP client reads CurrentState on a refused approval (legacy-common 8.1), which no modern message quotes; and a
    name that is taken was answered with the ID of the qualification type that has it (quals 0.5).
    """
    if error.code == MTURK + "QualificationTypeAlreadyExists" and "Name" in params:
        return (yield from _explain_taken_name(error, params))
    state = None
    subject = next((row for row in _SUBJECTS if row[0] in params), None)
    if is_state_error(error) and not quotes_state(error):
        left = set(_STATES.get(error.code or "", ())).difference(expected_states(error))
        if len(left) == 1:
            (state,) = left
        elif subject:
            name, operation, member, status = subject
            try:
                reply = yield Call(operation, {name: params[name]})
                state = str(reply[member][status])
            except ModernError:
                state = None
    return legacy_fault(error, params, state)


def _explain_taken_name(error: ModernError, params: dict[str, Any]) -> Questions:
    own = {"Query": params["Name"], "MustBeRequestable": False, "MustBeOwnedByCaller": True}
    listing = Call("ListQualificationTypes", own)
    try:
        row = yield from find_row(listing, "QualificationTypes", lambda row: row.get("Name") == params["Name"])
    except ModernError:
        row = None
    known = {"QualificationTypeId": row["QualificationTypeId"]} if row else {}
    return legacy_fault(error, {**params, **known})
