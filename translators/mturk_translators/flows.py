"""Operations that take more than one modern call, as generators: they yield calls and are sent replies."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from mturk_translators.faults import MTURK, Fault, ModernError, is_state_error, legacy_fault, quotes_state
from mturk_translators.operation import Call, Context, Reply, Steps


def create_hit(given: dict[str, Any], context: Context) -> Steps:
    """Create a HIT, of a known HIT type or with properties of its own.

    A caller without a token gets one for the life of this request, so that a repeated call cannot create twice; that
    our own token is used already means that the first try succeeded (legacy-hits 24, idempotency).
    """
    operation = "CreateHIT"
    if "HITTypeId" in given:
        operation = "CreateHITWithHITType"
        given = {"LifetimeInSeconds": context.lifetime, **given}
    try:
        return (yield Call(operation, {"UniqueRequestToken": context.token, **given}))
    except ModernError as error:
        existing = re.search(r'"([A-Z0-9]+)"', error.message)
        if "UniqueRequestToken" in given or error.code != MTURK + "HitAlreadyExists" or not existing:
            raise
        return (yield Call("GetHIT", {"HITId": existing[1]}))


def reject_assignment(given: dict[str, Any], _context: Context) -> Steps:
    """Reject an assignment. The modern API demands feedback: none is said as "", and if that is refused as a blank."""
    if "RequesterFeedback" in given:
        return (yield Call("RejectAssignment", given))
    try:
        return (yield Call("RejectAssignment", {**given, "RequesterFeedback": ""}))
    except ModernError as error:
        if error.type != "ValidationException":
            raise
        return (yield Call("RejectAssignment", {**given, "RequesterFeedback": " "}))


_SUBJECTS = (
    ("AssignmentId", "GetAssignment", "Assignment", "AssignmentStatus"),
    ("HITId", "GetHIT", "HIT", "HITStatus"),
)


def explain(error: ModernError, params: dict[str, Any]) -> Generator[Call, Reply, Fault]:
    """Find the legacy form of an error, asking for the object's state where the message lacks it.

    A PHP client reads CurrentState on a refused approval (legacy-common 8.1), which no modern message quotes.
    """
    state = None
    subject = next((row for row in _SUBJECTS if row[0] in params), None)
    if subject and is_state_error(error) and not quotes_state(error):
        name, operation, member, status = subject
        try:
            reply = yield Call(operation, {name: params[name]})
            state = reply[member][status]
        except ModernError:
            state = None
    return legacy_fault(error, params, state)
