"""HITs and HIT types: entries only."""

from mturk_translators.fields import (
    Choices,
    Identifier,
    Integer,
    Text,
    hit_id,
    layout_id,
    qualification_type_id,
)
from mturk_translators.flows.hits import create_hit
from mturk_translators.operation import Entry, Filter, Operation, Pages, When, exactly_one_of, groups
from mturk_translators.shapes.hits import HIT_ALONE, HIT_TYPE_PROPERTIES, HITS, HITS_FOR_QUALIFICATION_TYPE
from mturk_translators.shapes.reviews import REVIEW_POLICY
from mturk_translators.structures import Each, Structure

_SORTS = ("Title", "Reward", "Expiration", "CreationTime", "Enumeration")

ENTRIES: dict[str, Entry] = {
    "CreateHIT": Operation(
        takes=(
            When(
                "HITTypeId",
                then=(
                    Identifier("HITTypeId"),
                    Integer("LifetimeInSeconds", low=30, high=31_536_000),
                ),
                otherwise=(
                    *HIT_TYPE_PROPERTIES,
                    Integer("LifetimeInSeconds", low=30, high=31_536_000, required=True),
                ),
            ),
            Integer("MaxAssignments", low=1, high=1_000_000_000),
            Text("Question"),
            layout_id(),
            Each(
                "HITLayoutParameter",
                Structure("HITLayoutParameter", (Text("Name", required=True), Text("Value", required=True))),
                modern="HITLayoutParameters",
            ),
            Text("RequesterAnnotation", longest=255),
            Text("UniqueRequestToken", longest=64),
            Structure("AssignmentReviewPolicy", REVIEW_POLICY),
            Structure("HITReviewPolicy", REVIEW_POLICY),
        ),
        needs=(exactly_one_of("Question", "HITLayoutId"),),
        flow=create_hit,
        calls=("CreateHIT", "CreateHITWithHITType"),
        reply="HIT",
        gives=HIT_ALONE,
        result="HIT",
        groups=groups("HITDetail HITQuestion HITAssignmentSummary"),
    ),
    "RegisterHITType": Operation(
        takes=HIT_TYPE_PROPERTIES,
        modern="CreateHITType",
        gives=(Identifier("HITTypeId", required=True),),
    ),
    "GetHIT": Operation(
        takes=(hit_id(required=True),),
        modern="GetHIT",
        reply="HIT",
        gives=HIT_ALONE,
        result="HIT",
        groups=groups("HITDetail HITQuestion HITAssignmentSummary", "Minimal HITDetail HITQuestion"),
    ),
    "SearchHITs": Operation(
        pages=Pages(listing=HITS, sorts=_SORTS, sort="CreationTime"),
        groups=groups("HITDetail HITQuestion HITAssignmentSummary", "Minimal HITDetail HITAssignmentSummary"),
    ),
    "GetReviewableHITs": Operation(
        pages=Pages(
            listing=HITS,
            sorts=_SORTS,
            sort="Expiration",
            descending=True,
            filters=(
                Filter("HITStatus", Choices("Status", values=("Reviewable", "Reviewing"), default=("Reviewable",))),
                Filter("HITTypeId", Identifier("HITTypeId")),
            ),
            only=frozenset({"HITId"}),
        ),
    ),
    "GetHITsForQualificationType": Operation(
        takes=(qualification_type_id(required=True),),
        pages=Pages(listing=HITS_FOR_QUALIFICATION_TYPE),
        groups=groups("HITDetail HITQuestion HITAssignmentSummary", "Minimal HITDetail HITQuestion"),
    ),
}
