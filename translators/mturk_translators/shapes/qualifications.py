"""Qualification types."""

from __future__ import annotations

from mturk_translators.fields import Boolean, Integer, Text, Time, qualification_type_id

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
