"""Assignments: entries only."""

from mturk_translators.fields import Choices, Text, assignment_id, hit_id
from mturk_translators.flows.assignments import approve_rejected_assignment, reject_assignment
from mturk_translators.listing import Filter, Pages
from mturk_translators.operation import NO_GROUPS, Operation, groups
from mturk_translators.shapes.assignments import ASSIGNMENT, ASSIGNMENTS
from mturk_translators.shapes.hits import HIT
from mturk_translators.structures import Structure

_FEEDBACK = Text("RequesterFeedback", longest=1024, clean=True)

ENTRIES: dict[str, Operation] = {
    "GetAssignment": Operation(
        about="Gets a submitted assignment and its HIT.",
        takes=(assignment_id(required=True),),
        modern="GetAssignment",
        gives=(Structure("Assignment", ASSIGNMENT), Structure("HIT", HIT)),
        groups=groups("AssignmentFeedback HITDetail HITQuestion", "Minimal HITDetail HITQuestion"),
        differences=(20, 26, 28, 61),
    ),
    "GetAssignmentsForHIT": Operation(
        about="Lists the submitted assignments of a HIT.",
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
        differences=(12, 13, 16, 28, 49),
    ),
    "ApproveAssignment": Operation(
        about="Approves a submitted assignment, so that its worker is paid.",
        takes=(assignment_id(required=True), _FEEDBACK),
        modern="ApproveAssignment",
        differences=(61,),
    ),
    "RejectAssignment": Operation(
        about="Rejects a submitted assignment, so that its worker is not paid.",
        takes=(assignment_id(required=True), _FEEDBACK),
        flow=reject_assignment,
        calls=("RejectAssignment",),
        differences=(53, 61),
    ),
    "ApproveRejectedAssignment": Operation(
        about="Approves an assignment that was rejected before, within 30 days after it was submitted.",
        takes=(assignment_id(required=True), _FEEDBACK),
        flow=approve_rejected_assignment,
        calls=("GetAssignment", "ApproveAssignment"),
        differences=(61,),
    ),
    "GetFileUploadURL": Operation(
        about="Gets a URL, good for a minute, of a file that was uploaded as an answer.",
        takes=(assignment_id(required=True), Text("QuestionIdentifier", required=True)),
        modern="GetFileUploadURL",
        gives=(Text("FileUploadURL", required=True),),
        groups=NO_GROUPS,
        differences=(38, 61),
    ),
}
