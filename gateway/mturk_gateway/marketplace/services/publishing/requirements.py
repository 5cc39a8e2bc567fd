"""Qualification requirements of a HIT type: what is allowed, and the one form in which they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mturk_gateway.marketplace.protocol.errors import parameter_error
from mturk_gateway.marketplace.services.call import Call
from mturk_gateway.marketplace.services.qualifying.qualification_types import find_type, wrong_type_state
from mturk_gateway.marketplace.services.qualifying.system_types import LOCALE

_LONGEST_ID = 255
_MOST_REQUIREMENTS = 10
_MOST_INTEGERS = 15
_MOST_LOCALES = 30
_WITHOUT_VALUES = frozenset({"Exists", "DoesNotExist"})
_LISTS = frozenset({"In", "NotIn"})
_LOCALE_COMPARATORS = frozenset({"EqualTo", "NotEqualTo", "In", "NotIn"})

Requirement = Mapping[str, Any]


def canonical_requirements(call: Call) -> list[dict[str, Any]]:
    """The call's QualificationRequirements in the form of modern-mturk 2.1, in the order given.

    Raises Fault: ParameterValidationError for values that do not fit their comparator, RequestError for a type that
    does not exist (in this realm), was deleted or is Inactive.
    """
    requirements: Sequence[Requirement] = call.parameters.get("QualificationRequirements", ())
    if len(requirements) > _MOST_REQUIREMENTS:
        raise parameter_error(f"A HIT type can have at most {_MOST_REQUIREMENTS} qualification requirements.")
    for requirement in requirements:
        _check_values(requirement)
    check_types(call, requirements)
    return [_canonical(requirement) for requirement in requirements]


def _check_values(requirement: Requirement) -> None:
    comparator = requirement["Comparator"]
    integers = len(requirement.get("IntegerValues", ()))
    locales = len(requirement.get("LocaleValues", ()))
    if comparator in _WITHOUT_VALUES:
        if integers or locales:
            raise parameter_error(f"The comparator {comparator} takes neither IntegerValues nor LocaleValues.")
    elif requirement["QualificationTypeId"] == LOCALE:
        if comparator not in _LOCALE_COMPARATORS:
            raise parameter_error(f"The comparator {comparator} cannot be used with LocaleValues.")
        _check_number("LocaleValues", comparator, locales, _MOST_LOCALES)
        if integers:
            raise parameter_error("IntegerValues cannot be used with the qualification type of locales.")
    else:
        if locales:
            raise parameter_error(f"LocaleValues can only be used with the qualification type {LOCALE}.")
        _check_number("IntegerValues", comparator, integers, _MOST_INTEGERS)


def _check_number(member: str, comparator: str, number: int, most: int) -> None:
    if comparator in _LISTS:
        if not 1 <= number <= most:
            raise parameter_error(f"The comparator {comparator} takes from 1 to {most} {member}.")
    elif number != 1:
        raise parameter_error(f"The comparator {comparator} takes exactly one of {member}.")


def check_types(call: Call, requirements: Iterable[Requirement]) -> None:
    """Accept requirements whose types can be used in new HITs, or raise Fault (RequestError), as above."""
    for identifier in sorted({requirement["QualificationTypeId"] for requirement in requirements}):
        # The only id for which the model has no pattern (modern-mturk 2).
        if len(identifier.encode()) > _LONGEST_ID:
            raise parameter_error(f"A QualificationTypeId can have at most {_LONGEST_ID} bytes.")
        if find_type(call, identifier).status != "Active":
            raise wrong_type_state("Active")


def _canonical(requirement: Requirement) -> dict[str, Any]:
    """ActionsGuarded wins over the deprecated RequiredToPreview; both are stored, because both are given back."""
    guarded = requirement.get("ActionsGuarded")
    if guarded is None:
        guarded = "PreviewAndAccept" if requirement.get("RequiredToPreview") else "Accept"
    canonical = {name: requirement[name] for name in ("QualificationTypeId", "Comparator")}
    for name in ("IntegerValues", "LocaleValues"):
        if requirement.get(name):
            canonical[name] = requirement[name]
    return {**canonical, "RequiredToPreview": guarded != "Accept", "ActionsGuarded": guarded}
