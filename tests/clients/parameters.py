"""Parameters that many requests have, and tests for several clients."""

from __future__ import annotations

import pytest

from support import QUESTION

PRICE = [("Reward.1.Amount", "0.25"), ("Reward.1.CurrencyCode", "USD")]
NEEDED = [
    ("Title", "Name the birds"),
    ("Description", "Which ones?"),
    ("AssignmentDurationInSeconds", "60"),
    ("LifetimeInSeconds", "3600"),
]
HIT = [*NEEDED, *PRICE, ("Question", QUESTION)]


def each(clients):
    """Make a test for each of these clients."""
    return pytest.mark.parametrize("client", clients, ids=lambda client: client.__name__)
