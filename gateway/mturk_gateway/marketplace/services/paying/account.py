"""The requester's balance."""

from __future__ import annotations

from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.paying import money

_UNLIMITED = "10000.00"
"""What the sandbox always reported."""


def get_account_balance(call: Call) -> Reply:
    """GetAccountBalance: what a prepaid requester has left; OnHoldBalance only while something is held.

    Any other requester has as much as the sandbox gave (modern-mturk 4.2). What somebody owes from before is no balance
    that an amount could express.
    """
    if not call.requester.prepaid:
        return {"AvailableBalance": _UNLIMITED}
    available = max(0, money.balance(call.connection, call.requester.id, "available"))
    held = money.balance(call.connection, call.requester.id, "held")
    return {
        "AvailableBalance": money.amount_of(available),
        "OnHoldBalance": money.amount_of(held) if held else None,
    }
