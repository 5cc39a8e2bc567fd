"""Flows about HITs."""

from __future__ import annotations

import re
from typing import Any

from mturk_translators.call import Call
from mturk_translators.faults import MTURK, ModernError, hit_state
from mturk_translators.operation import Context, Steps
from mturk_translators.shapes.hits import AT_WORK

LONG_AGO = 1104537600
"""2005-01-01: before there was any HIT.

A HIT that is to end now must be given a moment in the past. A "now" that the service's clock has not reached yet would
be an extension, and one that is too short (legacy-hits 11).
"""


def create_hit(given: dict[str, Any], context: Context) -> Steps:
    """Create a HIT, of a known HIT type or with properties of its own.

    A caller without a token gets one for the life of this request, so that a repeated call cannot create twice; that
    our own token is used already means that the first try succeeded (legacy-hits 24, idempotency). So it may be with
    the caller's, if the call was made again on the way.
    """
    operation = "CreateHIT"
    if "HITTypeId" in given:
        operation = "CreateHITWithHITType"
        given = {"LifetimeInSeconds": context.lifetime, **given}
    try:
        return (yield Call(operation, {"UniqueRequestToken": context.token, **given}))
    except ModernError as error:
        existing = re.search(r'"([A-Z0-9]+)"', error.message)
        ours = error.again or "UniqueRequestToken" not in given
        if not ours or error.code != MTURK + "HitAlreadyExists" or not existing:
            raise
        return (yield Call("GetHIT", {"HITId": existing[1]}))


def force_expire_hit(given: dict[str, Any], _context: Context) -> Steps:
    """End a HIT now. The modern call would take one that has ended as well; legacy clients expect an error for it."""
    hit_id = given["HITId"]
    status = (yield Call("GetHIT", {"HITId": hit_id}))["HIT"]["HITStatus"]
    if status not in AT_WORK:
        raise hit_state(hit_id, status, *AT_WORK)
    return (yield Call("UpdateExpirationForHIT", {"HITId": hit_id, "ExpireAt": LONG_AGO}))
