"""Qualification types: entries only."""

from mturk_translators.fields import Boolean, Choice, Integer, Text
from mturk_translators.operation import Entry, Operation
from mturk_translators.shapes.qualifications import QUALIFICATION_TYPE

ENTRIES: dict[str, Entry] = {
    "CreateQualificationType": Operation(
        takes=(
            Text("Name", required=True),
            Text("Description", required=True),
            Text("Keywords"),
            Choice("QualificationTypeStatus", values=("Active", "Inactive"), default="Active"),
            Integer("RetryDelayInSeconds"),
            Text("Test"),
            Text("AnswerKey"),
            Integer("TestDurationInSeconds", low=1),
            Boolean("AutoGranted"),
            Integer("AutoGrantedValue", low=-(2**31), high=2**31 - 1),
        ),
        modern="CreateQualificationType",
        reply="QualificationType",
        gives=QUALIFICATION_TYPE,
        result="QualificationType",
    ),
}
