"""Paying bonuses."""

from __future__ import annotations

from typing import Any

from mturk_translators.call import Call
from mturk_translators.faults import DUPLICATE_REQUEST, ModernError
from mturk_translators.operation import Context, Steps


def plan_bonus(given: dict[str, Any], context: Context) -> Steps:
    """What is to be paid, and with which token; `own` says that the token is ours.

    A caller without a token gets one, so that nothing that is done again can pay twice (quals 6.5).
    """
    yield from ()
    return {"UniqueRequestToken": context.token, **given, "own": "UniqueRequestToken" not in given}


def pay_bonus(plan: dict[str, Any]) -> Steps:
    """Pay the bonus, once. That our own token is used already means that an earlier try succeeded."""
    try:
        return (yield Call("SendBonus", {name: value for name, value in plan.items() if name != "own"}))
    except ModernError as error:
        if not plan["own"] or error.code != DUPLICATE_REQUEST:
            raise
        return {}
