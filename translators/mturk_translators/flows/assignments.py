"""Flows about assignments."""

from __future__ import annotations

from typing import Any

from mturk_translators.call import Call
from mturk_translators.faults import INVALID_ASSIGNMENT_STATE, ModernError, assignment_state
from mturk_translators.operation import Context, Steps


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


def approve_rejected_assignment(given: dict[str, Any], _context: Context) -> Steps:
    """Approve an assignment that has been rejected, and only such a one.

    The modern call would approve one that is yet undecided as well, so its status is looked at before (legacy-hits 17).
    """
    assignment = given["AssignmentId"]
    try:
        status = (yield Call("GetAssignment", {"AssignmentId": assignment}))["Assignment"]["AssignmentStatus"]
    except ModernError as error:
        if error.code != INVALID_ASSIGNMENT_STATE:
            raise
        raise assignment_state(assignment, None, "Rejected") from None
    if status != "Rejected":
        raise assignment_state(assignment, status, "Rejected")
    return (yield Call("ApproveAssignment", {**given, "OverrideRejection": True}))
