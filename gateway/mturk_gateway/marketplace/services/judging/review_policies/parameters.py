"""The parameters of a review policy, out of the lists that they are given in, and what both policies have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mturk_gateway.marketplace.documents.markup import LONGEST
from mturk_gateway.marketplace.protocol.errors import Fault, out_of_range, parameter_error
from mturk_gateway.marketplace.services.limits import YEAR

_NUMBER = re.compile("[+-]?[0-9]{1,18}")
_TRUTHS = {"T": True, "TRUE": True, "F": False, "FALSE": False}
_MOST_ASSIGNMENTS = (2, 25)
_SECONDS = (60, YEAR)
# A sample of Amazon's spells it like that.
_SPELLINGS = {"QuestionIDs": "QuestionIds"}


@dataclass(frozen=True, slots=True)
class Decisions:
    """Which scores, in percent, approve or reject an assignment, and what its worker is told; None for no score."""

    approve_from: int | None
    reject_below: int | None
    approve_reason: str | None
    reject_reason: str | None


@dataclass(frozen=True, slots=True)
class Extension:
    """A score below `below` percent gives a HIT of fewer than `most` assignments another one, and seconds of time."""

    below: int
    most: int
    seconds: int


class Parameters:
    """The parameters of one policy by their names, each taken in the form that it must have.

    All methods raise Fault (ParameterValidationError).
    """

    def __init__(self, policy: Mapping[str, Any], known: Collection[str]) -> None:
        self._policy: str = policy["PolicyName"]
        self._given: dict[str, Mapping[str, Any]] = {}
        if len(json.dumps(policy)) > LONGEST:
            raise parameter_error(f"The review policy {self._policy} is too long; {LONGEST} bytes of JSON are allowed.")
        for parameter in policy.get("Parameters", ()):
            key = parameter.get("Key", "")
            name = _SPELLINGS.get(key, key)
            if name not in known:
                raise parameter_error(f'The review policy {self._policy} has no parameter "{key}".')
            if name in self._given:
                raise parameter_error(f"The parameter {name} of the review policy {self._policy} is given twice.")
            self._given[name] = parameter

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def require(self, *names: str) -> None:
        """Refuse a policy that lacks one of these."""
        for name in names:
            self._find(name)

    def entries(self, name: str) -> dict[str, list[str]]:
        """The values of a map, at least one entry, by the keys of its entries."""
        given = self._find(name)
        entries = given.get("MapEntries", ())
        values = {entry.get("Key", ""): entry.get("Values", []) for entry in entries}
        if not entries or given.get("Values") or "" in values or len(values) < len(entries):
            raise parameter_error(f"The parameter {name} takes MapEntries, each with a Key of its own.")
        return values

    def texts(self, name: str) -> list[str]:
        """All values of a parameter, at least one."""
        given = self._find(name)
        values: list[str] = given.get("Values", [])
        if not values or given.get("MapEntries"):
            raise parameter_error(f"The parameter {name} takes Values, and no MapEntries.")
        return values

    def text(self, name: str) -> str:
        """The one value of a parameter."""
        value, *more = self.texts(name)
        if more:
            raise parameter_error(f"The parameter {name} takes one value.")
        return value

    def number(self, name: str, limits: tuple[int, int] | None = None) -> int:
        """A whole number, within limits if there are any, both included."""
        text = self.text(name)
        if not _NUMBER.fullmatch(text):
            raise _invalid(name, text)
        value = int(text)
        if limits is not None and not limits[0] <= value <= limits[1]:
            raise out_of_range(name, value, *limits)
        return value

    def truth(self, name: str) -> bool:
        """T or F; written out too, because MTurkR passes on R's own TRUE and FALSE."""
        text = self.text(name)
        if text.upper() not in _TRUTHS:
            raise _invalid(name, text)
        return _TRUTHS[text.upper()]

    def optional_text(self, name: str) -> str | None:
        """The same as `text` for a parameter that may be missing."""
        return self.text(name) if name in self else None

    def optional_number(self, name: str, limits: tuple[int, int] | None = None) -> int | None:
        """The same as `number` for a parameter that may be missing."""
        return self.number(name, limits) if name in self else None

    def extension(self, name: str, limits: tuple[int, int]) -> Extension | None:
        """The extension for scores below what the parameter of this name says."""
        below = self.optional_number(name, limits)
        most = self.optional_number("ExtendMaximumAssignments", _MOST_ASSIGNMENTS)
        seconds = self.optional_number("ExtendMinimumTimeInSeconds", _SECONDS)
        return None if below is None else Extension(below, 5 if most is None else most, seconds or 0)

    def _find(self, name: str) -> Mapping[str, Any]:
        if name not in self:
            raise parameter_error(f"The review policy {self._policy} needs the parameter {name}.")
        return self._given[name]


def _invalid(name: str, value: str) -> Fault:
    return parameter_error(f'The value "{value}" is not valid for the parameter {name}.')
