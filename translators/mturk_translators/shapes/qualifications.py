"""Qualification types, requests for qualifications, qualifications of workers, and the listings of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mturk_translators.field import Field, in_group
from mturk_translators.fields import (
    Boolean,
    Integer,
    Text,
    Time,
    qualification_request_id,
    qualification_type_id,
    subject_id,
)
from mturk_translators.listing import Key, Listing
from mturk_translators.shapes.requirements import LOCALE
from mturk_translators.structures import AutoGrantedValue, Structure
from mturk_translators.values import text_key, time_key


def _qualification_type(*requestable: Field) -> tuple[Field, ...]:
    return in_group(
        "Minimal",
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
        *requestable,
        Boolean("AutoGranted", absent=False),
        AutoGrantedValue("AutoGrantedValue"),
    )


QUALIFICATION_TYPE = _qualification_type(Boolean("IsRequestable", words=True))

NEW_QUALIFICATION_TYPE = _qualification_type()
"""In the answer to its creation: IsRequestable was not recorded there (quals 1)."""

QUALIFICATION_REQUEST = in_group(
    "Minimal",
    qualification_request_id(required=True),
    qualification_type_id(),
    subject_id(),
    Text("Test"),
    Text("Answer"),
    Time("SubmitTime"),
)
"""An empty Answer is left out: boto reads it as a document (quals 1)."""

QUALIFICATION = in_group(
    "Minimal",
    qualification_type_id(),
    subject_id(required=True),
    Time("GrantTime"),
    Integer("IntegerValue"),
    Structure("LocaleValue", LOCALE),
    Text("Status"),
)


def _may_be_anybodys(params: Mapping[str, Any]) -> bool:
    return not params.get("MustBeOwnedByCaller")


QUALIFICATION_TYPES = Listing(
    modern="ListQualificationTypes",
    items="QualificationTypes",
    id="QualificationTypeId",
    element="QualificationType",
    fields=QUALIFICATION_TYPE,
    keys=(Key("Name", text_key),),
    newest_first=True,
    endless=_may_be_anybodys,
)

QUALIFICATION_REQUESTS = Listing(
    modern="ListQualificationRequests",
    items="QualificationRequests",
    id="QualificationRequestId",
    element="QualificationRequest",
    fields=QUALIFICATION_REQUEST,
    keys=(Key("QualificationTypeId", text_key), Key("SubmitTime", time_key)),
    newest_first=True,
    prompt=True,
)

QUALIFICATIONS = Listing(
    modern="ListWorkersWithQualificationType",
    items="Qualifications",
    id="WorkerId",
    element="Qualification",
    fields=QUALIFICATION,
    newest_first=True,
)
"""Of one type: what names a row is the worker who holds it."""
