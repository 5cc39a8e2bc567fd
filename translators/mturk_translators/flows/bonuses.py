"""Flows about bonuses."""

from __future__ import annotations

from typing import Any

from mturk_translators.faults import DUPLICATE_REQUEST, ModernError
from mturk_translators.operation import Call, Context, Steps


def grant_bonus(given: dict[str, Any], context: Context) -> Steps:
    """Pay a bonus, once.

    A caller without a token gets one for the life of this request, so that a repeated call cannot pay twice; that our
    own token is used already means that the first try succeeded (quals 6.5).
    """
    try:
        return (yield Call("SendBonus", {"UniqueRequestToken": context.token, **given}))
    except ModernError as error:
        if "UniqueRequestToken" in given or error.code != DUPLICATE_REQUEST:
            raise
        return {}
