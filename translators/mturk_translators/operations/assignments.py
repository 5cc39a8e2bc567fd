"""Assignments: entries only."""

from mturk_translators.fields import Choices, Text, assignment_id, hit_id
from mturk_translators.flows.assignments import reject_assignment
from mturk_translators.operation import Entry, Filter, Operation, Pages, groups
from mturk_translators.shapes.assignments import ASSIGNMENT, ASSIGNMENTS
from mturk_translators.shapes.hits import HIT
from mturk_translators.structures import Structure

_FEEDBACK = Text("RequesterFeedback", longest=1024, clean=True)

ENTRIES: dict[str, Entry] = {
    "GetAssignment": Operation(
        takes=(assignment_id(required=True),),
        modern="GetAssignment",
        gives=(Structure("Assignment", ASSIGNMENT), Structure("HIT", HIT)),
        groups=groups("AssignmentFeedback HITDetail HITQuestion", "Minimal HITDetail HITQuestion"),
    ),
    "GetAssignmentsForHIT": Operation(
        takes=(hit_id(required=True),),
        pages=Pages(
            listing=ASSIGNMENTS,
            sorts=("AcceptTime", "SubmitTime", "AssignmentStatus", "Answer"),
            sort="SubmitTime",
            filters=(
                Filter("AssignmentStatus", Choices("AssignmentStatus", values=("Submitted", "Approved", "Rejected"))),
            ),
        ),
        groups=groups("AssignmentFeedback"),
    ),
    "ApproveAssignment": Operation(
        takes=(assignment_id(required=True), _FEEDBACK),
        modern="ApproveAssignment",
    ),
    "RejectAssignment": Operation(
        takes=(assignment_id(required=True), _FEEDBACK),
        flow=reject_assignment,
        calls=("RejectAssignment",),
    ),
}
