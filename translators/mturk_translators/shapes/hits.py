"""HITs, their types, and the listings of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mturk_translators.field import Field, in_group
from mturk_translators.fields import Constant, Identifier, Integer, Text, Time, hit_id, layout_id
from mturk_translators.listing import Again, Key, Listing
from mturk_translators.shapes.requirements import QUALIFICATION_REQUIREMENTS
from mturk_translators.structures import Price
from mturk_translators.values import money_key, text_key, time_key

AT_WORK = ("Assignable", "Unassignable")
TO_REVIEW = ("Reviewing", "Reviewable")
ALIVE = (*AT_WORK, "Reviewable", "Reviewing")
"""States of HITs, as operations are for some of them; their orders are those in which the service named them."""

HIT_TYPE_PROPERTIES = (
    Text("Title", longest=128, required=True),
    Text("Description", longest=2000, required=True),
    Price("Reward", required=True),
    Integer("AssignmentDurationInSeconds", low=30, high=31_536_000, required=True),
    Text("Keywords", longest=1000),
    Integer("AutoApprovalDelayInSeconds", low=0, high=2_592_000),
    QUALIFICATION_REQUIREMENTS,
)
"""The parameters that make a HIT type, for CreateHIT and RegisterHITType."""

_SIMILAR_HITS = Constant("NumberOfSimilarHITs", "0", until="2008-08-02")


def _hit(*, similar: tuple[Field, ...] = (), reviewed_since: str | None = None) -> tuple[Field, ...]:
    return (
        *in_group("Minimal", hit_id(required=True), Identifier("HITTypeId")),
        *in_group(
            "HITDetail",
            Text("HITGroupId", since="2012-03-25"),
            layout_id(since="2012-03-25"),
            Time("CreationTime"),
            Text("Title"),
            Text("Description"),
        ),
        *in_group("HITQuestion", Text("Question")),
        *in_group(
            "HITDetail",
            Text("Keywords"),
            Text("HITStatus"),
            Integer("MaxAssignments"),
            Price("Reward"),
            Integer("AutoApprovalDelayInSeconds"),
            Time("Expiration"),
            Integer("AssignmentDurationInSeconds"),
            *similar,
            Text("RequesterAnnotation"),
            QUALIFICATION_REQUIREMENTS,
            Text("HITReviewStatus", since=reviewed_since),
        ),
        *in_group(
            "HITAssignmentSummary",
            Integer("NumberOfAssignmentsPending"),
            Integer("NumberOfAssignmentsAvailable"),
            Integer("NumberOfAssignmentsCompleted"),
        ),
    )


HIT = _hit()
"""A HIT in GetAssignment and GetHITsForQualificationType."""

HIT_ALONE = _hit(similar=(_SIMILAR_HITS,))
"""A HIT that is itself the result: only there were similar HITs ever counted (legacy-common 12)."""

HIT_SEARCHED = _hit(reviewed_since="2012-03-25")
"""A HIT in SearchHITs: recordings of 2009 to 2011 have no review status there, those of 2014 do (legacy-common 12)."""

_HIT_KEYS = (
    Key("HITStatus", text_key),
    Key("HITTypeId", text_key),
    Key("Title", text_key),
    Key("Reward", money_key),
    Key("Expiration", time_key),
    Key("CreationTime", time_key),
)

_HIT_AGAIN = (Again("HITId", "GetHIT", "HIT"), Again("AssignmentId", "GetAssignment", "HIT"))


def _is_listed(hit: Mapping[str, Any], _: Mapping[str, Any]) -> bool:
    return bool(hit.get("HITStatus") != "Disposed")


def _requires(hit: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    needed = [requirement["QualificationTypeId"] for requirement in hit.get("QualificationRequirements", ())]
    return _is_listed(hit, params) and params["QualificationTypeId"] in needed


HITS = Listing(
    modern="ListHITs",
    items="HITs",
    id="HITId",
    element="HIT",
    fields=HIT_SEARCHED,
    keys=_HIT_KEYS,
    newest_first=True,
    again=_HIT_AGAIN,
    belongs=_is_listed,
)

HITS_FOR_QUALIFICATION_TYPE = Listing(
    modern="ListHITsForQualificationType",
    items="HITs",
    id="HITId",
    element="HIT",
    fields=HIT,
    newest_first=True,
    again=_HIT_AGAIN,
    belongs=_requires,
)
