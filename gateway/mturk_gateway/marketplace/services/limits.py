"""The limits of modern-mturk 2 that the service model does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from mturk_gateway.marketplace.protocol.errors import out_of_range, parameter_error

YEAR = 31_536_000
"""Seconds; the longest lifetime, assignment duration and extension."""

MOST_ASSIGNMENTS = 1_000_000_000

_NUMBERS = {
    "AssignmentDurationInSeconds": (30, YEAR),
    "AutoApprovalDelayInSeconds": (0, 2_592_000),
    "LifetimeInSeconds": (30, YEAR),
    "MaxAssignments": (1, MOST_ASSIGNMENTS),
    # No source has limits for these two. Some write "never again" as a very long delay.
    "RetryDelayInSeconds": (0, 2**31 - 1),
    "TestDurationInSeconds": (1, YEAR),
}
_LENGTHS = {"Name": 255, "Title": 128, "Description": 2000, "Keywords": 1000, "RequesterAnnotation": 255}


def check_limits(parameters: Mapping[str, Any]) -> None:
    """Refuse numbers out of range and texts too long, in characters, for the parameters that every operation shares.

    Raises Fault (ParameterValidationError).
    """
    for name, (lowest, highest) in _NUMBERS.items():
        check_range(parameters, name, lowest, highest)
    for name, longest in _LENGTHS.items():
        check_length(name, parameters.get(name, ""), longest)


def check_length(name: str, value: Sized, most: int, *, unit: str = "characters") -> None:
    """Refuse a text or a list that is too long. Raises Fault (ParameterValidationError)."""
    if len(value) > most:
        raise parameter_error(
            f"The value of the parameter {name} is too long. It has {len(value)} {unit}; {most} are allowed."
        )


def check_range(parameters: Mapping[str, Any], name: str, lowest: int, highest: int) -> None:
    """Refuse a number out of range, if it is given at all. Raises Fault (ParameterValidationError)."""
    value = parameters.get(name)
    if value is not None and not lowest <= value <= highest:
        raise out_of_range(name, value, lowest, highest)
