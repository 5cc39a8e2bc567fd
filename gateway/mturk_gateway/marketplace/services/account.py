"""The requester's balance."""

from __future__ import annotations

from mturk_gateway.marketplace.services.call import Call, Reply


def get_account_balance(_call: Call) -> Reply:
    """What the sandbox always reported; nothing is held, so OnHoldBalance is absent (modern-mturk 4.2)."""
    return {"AvailableBalance": "10000.00"}
