"""What a worker must have to see or do a HIT."""

from __future__ import annotations

from mturk_translators.fields import Choice, Integer, Text
from mturk_translators.structures import Each, RequiredToPreview, Structure

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
