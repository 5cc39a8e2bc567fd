"""Flows about HITs."""

from __future__ import annotations

import re
from typing import Any

from mturk_translators.faults import MTURK, ModernError
from mturk_translators.operation import Call, Context, Steps


def create_hit(given: dict[str, Any], context: Context) -> Steps:
    """Create a HIT, of a known HIT type or with properties of its own.

    A caller without a token gets one for the life of this request, so that a repeated call cannot create twice; that
    our own token is used already means that the first try succeeded (legacy-hits 24, idempotency).
    """
    operation = "CreateHIT"
    if "HITTypeId" in given:
        operation = "CreateHITWithHITType"
        given = {"LifetimeInSeconds": context.lifetime, **given}
    try:
        return (yield Call(operation, {"UniqueRequestToken": context.token, **given}))
    except ModernError as error:
        existing = re.search(r'"([A-Z0-9]+)"', error.message)
        if "UniqueRequestToken" in given or error.code != MTURK + "HitAlreadyExists" or not existing:
            raise
        return (yield Call("GetHIT", {"HITId": existing[1]}))
