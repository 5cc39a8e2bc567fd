"""HITs and HIT types: entries only."""

from mturk_translators.fields import (
    Boolean,
    Choices,
    Identifier,
    Integer,
    Text,
    hit_id,
    layout_id,
    qualification_type_id,
)
from mturk_translators.flows.disabling import disable_hit, plan_disabling
from mturk_translators.flows.extending import LONGEST, SHORTEST, extend_hit, plan_extension
from mturk_translators.flows.hits import create_hit, force_expire_hit
from mturk_translators.listing import Filter, Pages
from mturk_translators.operation import Operation, Undertaking, When, at_least_one_of, exactly_one_of, groups
from mturk_translators.shapes.hits import (
    ALIVE,
    AT_WORK,
    HIT_ALONE,
    HIT_TYPE_PROPERTIES,
    HITS,
    HITS_FOR_QUALIFICATION_TYPE,
    TO_REVIEW,
)
from mturk_translators.shapes.reviews import REVIEW_POLICY
from mturk_translators.structures import Each, Structure

_SORTS = ("Title", "Reward", "Expiration", "CreationTime", "Enumeration")

ENTRIES: dict[str, Operation] = {
    "CreateHIT": Operation(
        about="Creates a HIT, of a HIT type or with properties of its own.",
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
        differences=(20, 24, 25, 30),
    ),
    "RegisterHITType": Operation(
        about="Makes a HIT type of the properties that HITs have in common, or finds the one that has them.",
        takes=HIT_TYPE_PROPERTIES,
        modern="CreateHITType",
        gives=(Identifier("HITTypeId", required=True),),
        differences=(25,),
    ),
    "GetHIT": Operation(
        about="Gets a HIT.",
        takes=(hit_id(required=True),),
        modern="GetHIT",
        shows_disposed=True,
        reply="HIT",
        gives=HIT_ALONE,
        result="HIT",
        groups=groups("HITDetail HITQuestion HITAssignmentSummary", "Minimal HITDetail HITQuestion"),
        differences=(20, 30),
    ),
    "SearchHITs": Operation(
        about="Lists all HITs of the requester that have not been disposed of.",
        pages=Pages(listing=HITS, sorts=_SORTS, sort="CreationTime"),
        groups=groups("HITDetail HITQuestion HITAssignmentSummary", "Minimal HITDetail HITAssignmentSummary"),
        differences=(11, 12, 13, 16, 20, 49),
    ),
    "GetReviewableHITs": Operation(
        about="Lists the IDs of the HITs that wait for their review, or are in it.",
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
        differences=(12, 13, 16, 49),
    ),
    "GetHITsForQualificationType": Operation(
        about="Lists the HITs that require a qualification of a type.",
        takes=(qualification_type_id(required=True),),
        pages=Pages(listing=HITS_FOR_QUALIFICATION_TYPE),
        groups=groups("HITDetail HITQuestion HITAssignmentSummary", "Minimal HITDetail HITQuestion"),
        differences=(3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20),
    ),
    "ChangeHITTypeOfHIT": Operation(
        about="Gives a HIT the properties of another HIT type, which must pay the same reward.",
        states=ALIVE,
        takes=(hit_id(required=True), Identifier("HITTypeId", required=True)),
        modern="UpdateHITTypeOfHIT",
    ),
    "SetHITAsReviewing": Operation(
        about="Marks a HIT as being reviewed, or takes the mark away.",
        states=TO_REVIEW,
        takes=(hit_id(required=True), Boolean("Revert", default=False)),
        modern="UpdateHITReviewStatus",
    ),
    "ForceExpireHIT": Operation(
        about="Ends a HIT now, without a decision about its assignments.",
        states=AT_WORK,
        takes=(hit_id(required=True),),
        flow=force_expire_hit,
        calls=("GetHIT", "UpdateExpirationForHIT"),
    ),
    "ExtendHIT": Operation(
        about="Gives a HIT more assignments, more time, or both.",
        states=ALIVE,
        takes=(
            hit_id(required=True),
            Integer("MaxAssignmentsIncrement", low=1, high=1_000_000_000, modern="NumberOfAdditionalAssignments"),
            Integer("ExpirationIncrementInSeconds", low=SHORTEST, high=LONGEST),
            Text("UniqueRequestToken", longest=64),
        ),
        needs=(at_least_one_of("MaxAssignmentsIncrement", "ExpirationIncrementInSeconds"),),
        undertaking=Undertaking(plan_extension, extend_hit, "UniqueRequestToken"),
        calls=("GetHIT", "CreateAdditionalAssignmentsForHIT", "UpdateExpirationForHIT"),
        differences=(23, 44, 51, 52),
    ),
    "DisableHIT": Operation(
        about="Withdraws a HIT, approves what was submitted for it, and disposes of it once nobody is at work.",
        states=AT_WORK,
        takes=(hit_id(required=True),),
        undertaking=Undertaking(plan_disabling, disable_hit),
        calls=(
            "GetHIT",
            "UpdateExpirationForHIT",
            "ListAssignmentsForHIT",
            "ApproveAssignment",
            "DeleteHIT",
        ),
        groups=groups("HITDetail HITQuestion HITAssignmentSummary"),
        differences=(27, 50),
    ),
    "DisposeHIT": Operation(
        about="Disposes of a HIT that waits for its review and has no undecided assignments.",
        states=TO_REVIEW,
        takes=(hit_id(required=True, also="HitId"),),
        modern="DeleteHIT",
    ),
}
