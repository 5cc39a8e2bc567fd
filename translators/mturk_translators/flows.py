"""Operations that take more than one modern call, as generators: they yield calls and are sent replies."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from mturk_translators.faults import MTURK, Fault, ModernError, is_state_error, legacy_fault, quotes_state
from mturk_translators.operation import Call, Context, Listing, Reply, Steps, writes, written_by


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


def read_again(
    listing: Listing, params: dict[str, Any], member: str, item: str
) -> Generator[Call, Reply, dict[str, dict[str, Any] | None]]:
    """The rows of a listing that a write was about, as they are now, by ID; None for one that is no longer listed.

    `member` and `item` are what `written_by` gave.
    """
    way = next((way for way in listing.again if way.written == member), None)
    if way is None:
        return {}
    try:
        row = (yield Call(way.modern, {member: item})).get(way.reply, {})
    except ModernError as error:
        if not (error.code or "").endswith("DoesNotExist"):
            raise
        return {item: None} if member == listing.id else {}
    return {row[listing.id]: row if listing.belongs(row, params) else None} if listing.id in row else {}


Written = list[tuple[str, str] | None]
"""What has been written, as `written_by` says it, oldest first."""


def watched(steps: Steps, written: Written) -> Steps:
    """The same steps; what they write is added to `written` as soon as the upstream has answered.

    Also when a call failed: one that timed out may have been carried out.
    """
    try:
        call = next(steps)
        while True:
            try:
                reply = yield call
            except ModernError as error:
                _note(call, None, written)
                call = steps.throw(error)
            else:
                _note(call, reply, written)
                call = steps.send(reply)
    except StopIteration as end:
        outcome: Reply = end.value
        return outcome


def _note(call: Call, reply: Reply | None, written: Written) -> None:
    if writes(call.operation):
        written.append(written_by(call, reply))
