"""The qualification types that belonged to Amazon and have rules of their own (modern-mturk 2.3).

Each has a row without a requester. The values of the first four follow from what is known of a worker; the others,
Masters and withdrawn ones, are granted by the operator.
"""

from __future__ import annotations

NUMBER_APPROVED = "00000000000000000040"
"""How many of a worker's assignments were approved."""

PERCENT_APPROVED = "000000000000000000L0"
"""The share of approved assignments, in percent."""

LOCALE = "00000000000000000071"
"""Where the worker lives, the only value that is no number."""

ADULT = "00000000000000000060"
"""Whether the worker agreed to see what only adults should: 1 or 0."""

COMPUTED = frozenset({NUMBER_APPROVED, PERCENT_APPROVED, LOCALE, ADULT})
"""Those whose values nobody assigns."""

_MASTERS = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
_SANDBOX_MASTERS = "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"


def masters_elsewhere(*, sandbox: bool) -> str:
    """The id of the Masters type of the other realm, which does not exist in this one."""
    return _MASTERS if sandbox else _SANDBOX_MASTERS
