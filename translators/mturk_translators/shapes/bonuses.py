"""Bonuses that were paid."""

from __future__ import annotations

from mturk_translators.field import in_group
from mturk_translators.fields import Text, Time, assignment_id, worker_id
from mturk_translators.listing import Listing
from mturk_translators.structures import Price

BONUS_PAYMENTS = Listing(
    modern="ListBonusPayments",
    items="BonusPayments",
    id=None,
    element="BonusPayment",
    fields=in_group(
        "Minimal",
        worker_id(),
        Price("BonusAmount"),
        assignment_id(),
        Text("Reason"),
        Time("GrantTime"),
    ),
    newest_first=True,
)
"""A worker may get several bonuses that are alike for one assignment, so nothing names a row."""
