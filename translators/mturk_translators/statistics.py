"""Every statistic by its name: of which type it is, and how it comes of what the ledger has counted.

A tally is what the ledger counts for a day or a period: a number of things, or a sum in dollars. The two operations ask
for the same kind of thing, one about a requester's work as a whole and one about a worker's part in it (legacy-hits 21
and 22).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mturk_translators.faults import invalid_value
from mturk_translators.fields import Integer
from mturk_translators.query import Node

Tallies = Mapping[str, int | Decimal]
"""Of one day or period: numbers are whole, amounts are in dollars."""


@dataclass(frozen=True)
class Statistic:
    """How a statistic comes of tallies.

    `element` is where its value stands: LongValue or DoubleValue. `tallies` are those that it needs; `value` makes it
    of them and of the rate of fees. `total_only` says that it was never told by days.
    """

    element: str
    tallies: tuple[str, ...]
    value: Callable[[Tallies, Decimal], int | float | Decimal]
    total_only: bool = False

    @property
    def is_of_the_present(self) -> bool:
        """Whether nobody knows what it was on another day."""
        return bool(_OF_THE_PRESENT.intersection(self.tallies))


_OF_THE_PRESENT = frozenset({"AssignmentsPending", "HITsAssignable", "HITsReviewable", "RewardLiability"})
"""Tallies of what there is, and not of what has come about."""


def _number(*tallies: str, total_only: bool = False) -> Statistic:
    return Statistic("LongValue", tallies, lambda of, _: sum(int(of[name]) for name in tallies), total_only)


def _share(part: str, other: str) -> Statistic:
    return Statistic("DoubleValue", (part, other), lambda of, _: _quotient(of[part], of[part] + of[other]))


def _average(total: str, number: str) -> Statistic:
    return Statistic("DoubleValue", (total, number), lambda of, _: _quotient(of[total], of[number]))


def _quotient(part: int | Decimal, whole: int | Decimal) -> Decimal:
    """A part of a whole; of nothing there is no part."""
    return Decimal(part) / whole if whole else Decimal(0)


def _amount(*tallies: str) -> Statistic:
    return Statistic("DoubleValue", tallies, lambda of, _: _sum(of, tallies))


def _fees(*tallies: str) -> Statistic:
    return Statistic("DoubleValue", tallies, lambda of, rate: _sum(of, tallies) * rate)


def _with_fees(*tallies: str) -> Statistic:
    return Statistic("DoubleValue", tallies, lambda of, rate: _sum(of, tallies) * (1 + rate))


def _sum(of: Tallies, names: tuple[str, ...]) -> Decimal:
    return sum((Decimal(of[name]) for name in names), Decimal(0))


_DECISIONS = {
    "NumberAssignmentsApproved": _number("AssignmentsApproved"),
    "NumberAssignmentsRejected": _number("AssignmentsRejected"),
    "PercentAssignmentsApproved": _share("AssignmentsApproved", "AssignmentsRejected"),
    "PercentAssignmentsRejected": _share("AssignmentsRejected", "AssignmentsApproved"),
}
"""Percentages are fractions from 0 to 1."""

REQUESTER_STATISTICS: Mapping[str, Statistic] = {
    "NumberAssignmentsPending": _number("AssignmentsPending"),
    # Nothing that the modern API tells shows who has let an assignment lapse.
    "NumberAssignmentsAbandoned": _number(),
    "NumberHITsCreated": _number("HITsCreated"),
    "NumberHITsCompleted": _number("HITsCompleted"),
    "NumberHITsAssignable": _number("HITsAssignable", total_only=True),
    "NumberHITsReviewable": _number("HITsReviewable"),
    **_DECISIONS,
    "TotalRewardPayout": _amount("RewardPayout"),
    "AverageRewardAmount": _average("RewardPayout", "RewardsPaid"),
    "TotalRewardFeePayout": _fees("RewardPayout"),
    "TotalFeePayout": _fees("RewardPayout", "BonusPayout"),
    "TotalRewardAndFeePayout": _with_fees("RewardPayout"),
    "TotalBonusPayout": _amount("BonusPayout"),
    "TotalBonusFeePayout": _fees("BonusPayout"),
    "EstimatedRewardLiability": _amount("RewardLiability"),
    "EstimatedFeeLiability": _fees("RewardLiability"),
    "EstimatedTotalLiability": _with_fees("RewardLiability"),
}
"""Of GetRequesterStatistic. TotalFeePayout is about rewards and bonuses, TotalRewardAndFeePayout about rewards only."""

RETIRED_STATISTICS = ("NumberAssignmentsAvailable", "NumberAssignmentsAccepted", "NumberAssignmentsReturned")
"""Refused since November 2016, whatever the version."""

RETIRED = "This statistic is no longer supported.."
"""The reason that was recorded, its two full stops included (legacy-hits 21)."""

WORKER_STATISTICS: Mapping[str, Statistic] = {
    **_DECISIONS,
    "NumberKnownAnswersCorrect": _number("KnownAnswersCorrect"),
    "NumberKnownAnswersIncorrect": _number("KnownAnswersIncorrect"),
    "NumberKnownAnswersEvaluated": _number("KnownAnswersCorrect", "KnownAnswersIncorrect"),
    "PercentKnownAnswersCorrect": _share("KnownAnswersCorrect", "KnownAnswersIncorrect"),
    "NumberPluralityAnswersCorrect": _number("PluralityAnswersCorrect"),
    "NumberPluralityAnswersIncorrect": _number("PluralityAnswersIncorrect"),
    "NumberPluralityAnswersEvaluated": _number("PluralityAnswersCorrect", "PluralityAnswersIncorrect"),
    "PercentPluralityAnswersCorrect": _share("PluralityAnswersCorrect", "PluralityAnswersIncorrect"),
}
"""Of GetRequesterWorkerStatistic."""

STATISTICS: Mapping[str, Statistic] = {**REQUESTER_STATISTICS, **WORKER_STATISTICS}
"""Of both; those that both have are the same."""

PERIODS = ("OneDay", "SevenDays", "ThirtyDays", "LifeToDate")


def told_for_period(given: Node) -> None:
    """A rule: the statistic is one that was told for the period. Raises Fault when it was not."""
    name, period = given.text("Statistic") or "", given.text("TimePeriod") or ""
    if STATISTICS[name].total_only and period != "LifeToDate":
        raise invalid_value(period, f"{given.path}TimePeriod", f"{name} is only known for LifeToDate.")


def told_for_days(given: Node) -> None:
    """A rule: what is only known of the present is not asked for of past days. Raises Fault when it is."""
    name, count = given.text("Statistic") or "", given.text("Count") or "1"
    several = given.text("TimePeriod") == "OneDay" and not re.fullmatch(r"\s*\+?0*1\s*", count)
    if STATISTICS[name].is_of_the_present and several:
        raise invalid_value(count, f"{given.path}Count", f"{name} is only known of the present.")


class DayCount(Integer):
    """How many days are asked for, which is ignored where the period is not a day (legacy-hits 21)."""

    def take(self, given: Node) -> Any:
        return super().take(given) if given.text("TimePeriod") == "OneDay" else None
