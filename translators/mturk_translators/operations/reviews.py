"""What review policies found and did: entries only."""

from mturk_translators.fields import Boolean, Choices, Text, assignment_id, hit_id
from mturk_translators.listing import Filter, Pages, Reports
from mturk_translators.operation import Operation
from mturk_translators.shapes.reviews import REVIEW_RECORDS
from mturk_translators.structures import Structure

_LEVELS = ("Assignment", "HIT")
_POLICY = (Text("PolicyName"),)

ENTRIES: dict[str, Operation] = {
    "GetReviewResultsForHIT": Operation(
        about="Lists what the review policies of a HIT found and did.",
        takes=(
            hit_id(required=True),
            Boolean("RetrieveActions", default=True),
            Boolean("RetrieveResults", default=True),
        ),
        reports=Reports(
            each=Choices("PolicyLevel", modern="PolicyLevels", values=_LEVELS, default=_LEVELS),
            elements=(("Assignment", "AssignmentReviewReport"), ("HIT", "HITReviewReport")),
            pages=Pages(
                listing=REVIEW_RECORDS,
                sort="Kind",
                filters=(Filter("Subject", assignment_id()),),
                size=400,
                largest=65_535,
                counters=("PageNumber", "NumResults", "TotalNumResults"),
            ),
        ),
        gives=(
            hit_id(required=True),
            Structure("AssignmentReviewPolicy", _POLICY),
            Structure("HITReviewPolicy", _POLICY),
        ),
        differences=(12, 18, 23, 32, 42),
    ),
}
