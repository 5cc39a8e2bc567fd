"""What Amazon charged beside rewards and bonuses, by its last price list; only requesters who are `charged` pay it."""

from __future__ import annotations

import json

_MASTERS = frozenset({"2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"})
_SHARE = 20
_SHARE_OF_MANY = 20
_SHARE_FOR_MASTERS = 5
_MANY = 10
_LEAST = 1


def assignment_fee(reward: int, max_assignments: int, requirements: str) -> int:
    """Cents for each assignment of a HIT, beside its reward in cents (modern-mturk 4.2, money model).

    A HIT with ten assignments or more costs twice the share; one for masters only, by the requirements as a HIT type
    stores them, a little more.
    """
    percent = _SHARE
    if max_assignments >= _MANY:
        percent += _SHARE_OF_MANY
    if any(
        requirement["QualificationTypeId"] in _MASTERS and requirement["Comparator"] != "DoesNotExist"
        for requirement in json.loads(requirements)
    ):
        percent += _SHARE_FOR_MASTERS
    return _share(reward, percent)


def bonus_fee(amount: int) -> int:
    """Cents for a bonus, beside its amount in cents."""
    return _share(amount, _SHARE)


def _share(amount: int, percent: int) -> int:
    return max(_LEAST, (amount * percent + 50) // 100)
