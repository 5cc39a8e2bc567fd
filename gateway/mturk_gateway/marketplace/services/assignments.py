"""Assignments, as requesters see them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, select, update

from mturk_gateway.marketplace.protocol.errors import Fault, does_not_exist, request_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.changes import ChangeLog
from mturk_gateway.marketplace.services.hits import find_hit, render_hit
from mturk_gateway.marketplace.services.pages import Pages
from mturk_gateway.marketplace.tables import assignments, hits

_KNOWN = ("Submitted", "Approved", "Rejected")
_OVERRIDE_WINDOW = 30 * 86_400


def get_assignment(call: Call) -> Reply:
    """GetAssignment, with its HIT; work in progress is not shown (modern-mturk 4.2)."""
    assignment = _find(call)
    if assignment.state == "Accepted":
        # The first status is misnamed, and clients compare it like that (modern-mturk 1.3).
        raise _wrong_state("Reviewable,Approved,Rejected")
    hit = find_hit(call, assignment.hit_id)
    return {"Assignment": _render(assignment, call.now), "HIT": render_hit(hit, call.now)}


def list_assignments_for_hit(call: Call) -> Reply:
    """ListAssignmentsForHIT, oldest submission first, in any state of the HIT."""
    hit = find_hit(call, call.parameters["HITId"])
    return _OF_HIT.reply(call, owner=hit.id, states=call.parameters.get("AssignmentStatuses") or _KNOWN)


def approve_assignment(call: Call) -> Reply:
    """ApproveAssignment; with OverrideRejection also a rejected one, for 30 days and while its HIT exists."""
    assignment = _find(call)
    if assignment.state != "Submitted" and not _may_override(call, assignment):
        raise _wrong_state("Submitted")
    _decide(call, assignment, "Approved", "approval_time")
    return {}


def reject_assignment(call: Call) -> Reply:
    """RejectAssignment; an empty RequesterFeedback is none, as old callers may leave it out (modern-mturk 4.2)."""
    assignment = _find(call)
    if assignment.state != "Submitted":
        raise _wrong_state("Submitted")
    _decide(call, assignment, "Rejected", "rejection_time")
    return {}


def _find(call: Call) -> Row[Any]:
    identifier = call.parameters["AssignmentId"]
    statement = (
        select(assignments, hits.c.disposed_at)
        .join_from(assignments, hits)
        .where(
            assignments.c.id == identifier,
            assignments.c.given_up_at.is_(None),
            hits.c.requester_id == call.requester.id,
        )
    )
    row = call.connection.execute(statement).one_or_none()
    if row is None:
        raise does_not_exist("Assignment", identifier)
    return row


def _may_override(call: Call, assignment: Row[Any]) -> bool:
    return bool(
        assignment.state == "Rejected"
        and call.parameters.get("OverrideRejection")
        and assignment.disposed_at is None
        and call.now <= assignment.submit_time + _OVERRIDE_WINDOW
    )


def _decide(call: Call, assignment: Row[Any], state: str, time_column: str) -> None:
    """Store a decision, its time and, if there is one, the requester's feedback; keep the HIT's counters right."""
    values: dict[str, Any] = {"state": state, time_column: call.now, "due": None}
    if call.parameters.get("RequesterFeedback"):
        values["feedback"] = call.parameters["RequesterFeedback"]
    call.connection.execute(update(assignments).where(assignments.c.id == assignment.id).values(**values))
    counters: dict[str, ColumnElement[int]] = {
        assignment.state.lower(): hits.c[assignment.state.lower()] - 1,
        state.lower(): hits.c[state.lower()] + 1,
    }
    call.connection.execute(update(hits).where(hits.c.id == assignment.hit_id).values(**counters))


def _wrong_state(allowed: str) -> Fault:
    return request_error("InvalidAssignmentState", f"This operation can be called with a status of: {allowed}")


def _render(assignment: Row[Any], _now: int) -> dict[str, Any]:
    """The Assignment structure; never a Deadline, which no recording shows (modern-mturk 1.5)."""
    return {
        "AssignmentId": assignment.id,
        "WorkerId": assignment.worker_id,
        "HITId": assignment.hit_id,
        "AssignmentStatus": assignment.state,
        "AutoApprovalTime": assignment.auto_approval_time,
        "AcceptTime": assignment.accept_time,
        "SubmitTime": assignment.submit_time,
        "ApprovalTime": assignment.approval_time,
        "RejectionTime": assignment.rejection_time,
        "Answer": assignment.answer,
        "RequesterFeedback": assignment.feedback,
    }


_OF_HIT = Pages(
    select(assignments).where(
        assignments.c.hit_id == bindparam("owner"), assignments.c.state.in_(bindparam("states", expanding=True))
    ),
    (assignments.c.submit_time, assignments.c.id),
    "Assignments",
    _render,
    ChangeLog(assignments, assignments.c.hit_id),
)
