"""Review policies, and what they found and did."""

from __future__ import annotations

from typing import Any

from mturk_translators.call import Reply
from mturk_translators.field import in_group
from mturk_translators.fields import Text, Time
from mturk_translators.listing import Key, Listing
from mturk_translators.structures import Each, Structure
from mturk_translators.values import text_key

REVIEW_POLICY = (
    Text("PolicyName", required=True),
    Each(
        "Parameter",
        Structure(
            "Parameter",
            (
                Text("Key"),
                Each("Value", Text("Value"), modern="Values"),
                Each(
                    "MapEntry",
                    Structure("MapEntry", (Text("Key"), Each("Value", Text("Value"), modern="Values"))),
                    modern="MapEntries",
                ),
            ),
        ),
        modern="Parameters",
    ),
)

REVIEW_RESULT = (
    Text("ActionId"),
    Text("SubjectId"),
    Text("SubjectType"),
    Text("ObjectType", modern="SubjectType"),
    Text("QuestionId"),
    Text("Key"),
    Text("Value", empty=True),
)
"""The schema has SubjectType; the documentation has ObjectType in its place, and MTurkR reads that (structures 8)."""

REVIEW_ACTION = (
    Text("ActionId"),
    Text("ActionName"),
    Text("ObjectId", modern="TargetId"),
    Text("ObjectType", modern="TargetType"),
    Text("Status"),
    Time("CompleteTime"),
    Text("Result"),
    Text("ErrorCode"),
)

_RESULT, _ACTION = "0", "1"


def _records(reply: Reply) -> list[dict[str, Any]]:
    """The results and actions of whatever reports a reply has, as rows that know which of the two they are."""
    if "HITId" not in reply:
        raise LookupError("HITId")
    reports = [reply.get(name) or {} for name in ("AssignmentReviewReport", "HITReviewReport")]
    results = [result for report in reports for result in report.get("ReviewResults", ())]
    actions = [action for report in reports for action in report.get("ReviewActions", ())]
    return [
        *({"Kind": _RESULT, "Subject": result.get("SubjectId"), "ReviewResult": result} for result in results),
        *({"Kind": _ACTION, "Subject": action.get("TargetId"), "ReviewAction": action} for action in actions),
    ]


REVIEW_RECORDS = Listing(
    modern="ListReviewPolicyResultsForHIT",
    items=_records,
    id=None,
    element="",
    fields=in_group("Minimal", Structure("ReviewResult", REVIEW_RESULT), Structure("ReviewAction", REVIEW_ACTION)),
    keys=(Key("Kind", text_key), Key("Subject", text_key)),
)
"""What the policies of one level found and did for a HIT: its call is given that level alone."""
