"""Flows about assignments."""

from __future__ import annotations

from typing import Any

from mturk_translators.faults import ModernError
from mturk_translators.operation import Call, Context, Steps


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
