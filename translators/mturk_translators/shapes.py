"""The structures that several operations share: ordered tuples of fields, in the order of the recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mturk_translators.fields import (
    Boolean,
    Choice,
    Constant,
    Each,
    Field,
    Identifier,
    Integer,
    Price,
    RequiredToPreview,
    Structure,
    Text,
    Time,
    assignment_id,
    hit_id,
    layout_id,
    qualification_type_id,
)
from mturk_translators.operation import Again, Key, Listing
from mturk_translators.values import money_key, text_key, time_key

COMPARATORS = (
    "LessThan",
    "LessThanOrEqualTo",
    "GreaterThan",
    "GreaterThanOrEqualTo",
    "EqualTo",
    "NotEqualTo",
    "Exists",
    "DoesNotExist",
    "In",
    "NotIn",
)

LOCALE = (
    Text("Country", shortest=2, longest=2, required=True),
    Text("Subdivision", shortest=2, longest=2, since="2014-08-15"),
)

QUALIFICATION_REQUIREMENT = (
    Text("QualificationTypeId", required=True),
    Choice("Comparator", values=COMPARATORS, required=True),
    Each(
        "IntegerValue",
        Integer("IntegerValue", low=-(2**31), high=2**31 - 1),
        modern="IntegerValues",
        several_since="2013-11-15",
    ),
    Each("LocaleValue", Structure("LocaleValue", LOCALE), modern="LocaleValues", several_since="2013-11-15"),
    RequiredToPreview("RequiredToPreview", modern="ActionsGuarded"),
)

QUALIFICATION_REQUIREMENTS = Each(
    "QualificationRequirement",
    Structure("QualificationRequirement", QUALIFICATION_REQUIREMENT),
    modern="QualificationRequirements",
)

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

HIT_TYPE_PROPERTIES = (
    Text("Title", required=True),
    Text("Description", required=True),
    Price("Reward", required=True),
    Integer("AssignmentDurationInSeconds", low=30, high=31_536_000, required=True),
    Text("Keywords"),
    Integer("AutoApprovalDelayInSeconds", low=0, high=2_592_000),
    QUALIFICATION_REQUIREMENTS,
)
"""The parameters that make a HIT type, for CreateHIT and RegisterHITType."""


def _in_group(group: str, *fields: Field) -> tuple[Field, ...]:
    return tuple(replace(field, group=group) for field in fields)


_SIMILAR_HITS = Constant("NumberOfSimilarHITs", "0", until="2008-08-02")


def _hit(*, similar: tuple[Field, ...] = (), reviewed_since: str | None = None) -> tuple[Field, ...]:
    return (
        *_in_group("Minimal", hit_id(required=True), Identifier("HITTypeId")),
        *_in_group(
            "HITDetail",
            Text("HITGroupId", since="2012-03-25"),
            layout_id(since="2012-03-25"),
            Time("CreationTime"),
            Text("Title"),
            Text("Description"),
        ),
        *_in_group("HITQuestion", Text("Question")),
        *_in_group(
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
        *_in_group(
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

ASSIGNMENT = (
    *_in_group(
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
    *_in_group("AssignmentFeedback", Text("RequesterFeedback")),
)
"""Deadline is documented, but no recording has it (structures 2)."""

QUALIFICATION_TYPE = (
    qualification_type_id(required=True),
    Time("CreationTime"),
    Text("Name"),
    Text("Description"),
    Text("Keywords"),
    Text("QualificationTypeStatus"),
    Text("Test"),
    Integer("TestDurationInSeconds"),
    Text("AnswerKey"),
    Integer("RetryDelayInSeconds"),
    Boolean("AutoGranted", absent=False),
    Integer("AutoGrantedValue"),
)
"""A new qualification type: IsRequestable was not recorded there (quals 1)."""

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


def _is_of_hit(assignment: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    return bool(assignment.get("HITId") == params["HITId"])


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
