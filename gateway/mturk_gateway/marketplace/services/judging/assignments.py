"""Assignments, as requesters see them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, select

from mturk_gateway.marketplace.protocol.errors import Fault, does_not_exist, request_error
from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.judging import decisions
from mturk_gateway.marketplace.services.judging.decisions import Submission
from mturk_gateway.marketplace.services.lists.changes import ChangeLog
from mturk_gateway.marketplace.services.lists.pages import Pages
from mturk_gateway.marketplace.services.publishing.hits import find_hit, render_hit
from mturk_gateway.marketplace.tables import assignments, hits

_KNOWN = ("Submitted", "Approved", "Rejected")
_OVERRIDE_WINDOW = 30 * 86_400

_ONE = (
    select(assignments)
    .join_from(assignments, hits)
    .where(
        assignments.c.id == bindparam("assignment"),
        assignments.c.given_up_at.is_(None),
        hits.c.requester_id == bindparam("owner"),
    )
)


def get_assignment(call: Call) -> Reply:
    """GetAssignment, with its HIT; work in progress is not shown (modern-mturk 4.2)."""
    assignment = _find(call, call.parameters["AssignmentId"])
    if assignment.state == "Accepted":
        # The first status is misnamed, and clients compare it like that (modern-mturk 1.3).
        raise _wrong_state("Reviewable,Approved,Rejected")
    hit = find_hit(call, assignment.hit_id)
    return {"Assignment": _render(assignment, call.now), "HIT": render_hit(hit, call.now)}


def list_assignments_for_hit(call: Call) -> Reply:
    """ListAssignmentsForHIT, oldest submission first, in any state of the HIT."""
    hit = find_hit(call, call.parameters["HITId"])
    return _OF_HIT.reply(call, owner=hit.id, states=sorted(set(call.parameters.get("AssignmentStatuses") or _KNOWN)))


def approve_assignment(call: Call) -> Reply:
    """ApproveAssignment; with OverrideRejection also a rejected one, for 30 days and while its HIT exists."""
    submission = _find_submission(call)
    feedback = call.parameters.get("RequesterFeedback")
    if submission.state == "Submitted":
        decisions.approve(call.connection, submission, call.now, feedback)
    elif _may_override(call, submission):
        decisions.override(call.connection, call.requester, submission, call.now, feedback)
    else:
        raise _wrong_state("Submitted")
    return {}


def reject_assignment(call: Call) -> Reply:
    """RejectAssignment; an empty RequesterFeedback is none, as old callers may leave it out (modern-mturk 4.2)."""
    submission = _find_submission(call)
    if submission.state != "Submitted":
        raise _wrong_state("Submitted")
    decisions.reject(call.connection, submission, call.now, call.parameters["RequesterFeedback"])
    return {}


def find_work(call: Call, identifier: str) -> Row[Any]:
    """An assignment of the requester's that was handed in. Raises Fault when there is none, or it is in progress."""
    work = _find(call, identifier)
    if work.state not in _KNOWN:
        raise does_not_exist("Assignment", identifier)
    return work


def check_assignment(call: Call, identifier: str, hit_id: str | None) -> None:
    """Accept work that was handed in, of a HIT if one is named. Raises Fault when there is no such."""
    work = find_work(call, identifier)
    if hit_id not in (None, work.hit_id):
        raise does_not_exist("Assignment", identifier)


def _find(call: Call, identifier: str) -> Row[Any]:
    row = call.connection.execute(_ONE, {"assignment": identifier, "owner": call.requester.id}).one_or_none()
    if row is None:
        raise does_not_exist("Assignment", identifier)
    return row


def _find_submission(call: Call) -> Submission:
    work = _find(call, call.parameters["AssignmentId"])
    if work.state not in _KNOWN:
        raise _wrong_state("Submitted")
    return decisions.find_submission(call.connection, work.id)


def _may_override(call: Call, submission: Submission) -> bool:
    return bool(
        submission.state == "Rejected"
        and call.parameters.get("OverrideRejection")
        and submission.disposed_at is None
        and call.now <= submission.submit_time + _OVERRIDE_WINDOW
    )


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
    # The id of an assignment is all that is needed to submit it, so it is a secret until then.
    ChangeLog(assignments, assignments.c.hit_id, told=assignments.c.submit_time.is_not(None)),
)
