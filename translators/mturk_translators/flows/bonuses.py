"""Paying bonuses."""

from __future__ import annotations

from typing import Any

from mturk_translators.call import Call
from mturk_translators.faults import DUPLICATE_REQUEST, ModernError
from mturk_translators.flows.walks import find_row
from mturk_translators.operation import Context, Steps
from mturk_translators.values import money_key


def plan_bonus(given: dict[str, Any], context: Context) -> Steps:
    """What is to be paid, and with which token; `own` says that the token is ours.

    A caller without a token gets one, so that nothing that is done again can pay twice (quals 6.5).
    """
    yield from ()
    return {"UniqueRequestToken": context.token, **given, "own": "UniqueRequestToken" not in given}


def pay_bonus(plan: dict[str, Any]) -> Steps:
    """Pay the bonus, once.

    A token that is used already may have been used here, by a try whose answer was lost: always if it is our own, and
    if it is the caller's, when such a bonus has been paid.
    """
    bonus = {name: value for name, value in plan.items() if name != "own"}
    try:
        return (yield Call("SendBonus", bonus))
    except ModernError as error:
        if error.code != DUPLICATE_REQUEST:
            raise
        if not plan["own"]:
            listing = Call("ListBonusPayments", {"AssignmentId": plan["AssignmentId"]})
            paid = yield from find_row(listing, "BonusPayments", lambda row: _is_same(row, bonus))
            if paid is None:
                raise
        return {}


def _is_same(paid: dict[str, Any], bonus: dict[str, Any]) -> bool:
    alike = (paid.get("WorkerId"), paid.get("Reason")) == (bonus["WorkerId"], bonus["Reason"])
    return alike and money_key(paid.get("BonusAmount")) == money_key(bonus["BonusAmount"])
