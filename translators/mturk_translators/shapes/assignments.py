"""Assignments, and the listing of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mturk_translators.field import in_group
from mturk_translators.fields import Text, Time, assignment_id, hit_id
from mturk_translators.listing import Again, Key, Listing
from mturk_translators.values import text_key, time_key

ASSIGNMENT = (
    *in_group(
        "Minimal",
        assignment_id(required=True),
        Text("WorkerId"),
        hit_id(),
        Text("AssignmentStatus"),
        Time("AutoApprovalTime"),
        Time("AcceptTime"),
        Time("SubmitTime"),
        Time("ApprovalTime"),
        Time("RejectionTime"),
        Text("Answer", empty=True),
    ),
    *in_group("AssignmentFeedback", Text("RequesterFeedback")),
)
"""Deadline is documented, but no recording has it (structures 2)."""


def _is_of_hit(assignment: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    return bool(assignment.get("HITId") == params["HITId"])


ASSIGNMENTS = Listing(
    modern="ListAssignmentsForHIT",
    items="Assignments",
    id="AssignmentId",
    element="Assignment",
    fields=ASSIGNMENT,
    keys=(
        Key("AssignmentStatus", text_key),
        Key("AcceptTime", time_key),
        Key("SubmitTime", time_key),
        Key("Answer", text_key),
    ),
    again=(Again("AssignmentId", "GetAssignment", "Assignment"),),
    belongs=_is_of_hit,
)
