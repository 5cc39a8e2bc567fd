"""Extending a HIT by assignments, by time, or by both (legacy-hits 10)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from mturk_translators.call import Call, Reply
from mturk_translators.faults import DUPLICATE_REQUEST, ModernError, hit_state
from mturk_translators.operation import Context, Steps
from mturk_translators.shapes.hits import ALIVE
from mturk_translators.values import seconds

SHORTEST, LONGEST = 60, 31_536_000
"""The least and the most seconds by which a HIT's time can be extended."""

_LEEWAY = 60
"""Seconds that may pass between planning and the call, or by which the clocks may differ."""


def plan_extension(given: dict[str, Any], context: Context) -> Steps:
    """What is to be done: how many assignments are added with which token, and when the HIT is to expire.

    `own` says that the token is ours. `MaxAssignments` is what a caller's token needs: by it can be told later whether
    the token was used here or before. A HIT that was looked at must not be disposed of.
    """
    hit_id, increment = given["HITId"], given.get("ExpirationIncrementInSeconds")
    own = "UniqueRequestToken" not in given
    plan = {**given, "UniqueRequestToken": given.get("UniqueRequestToken", context.token), "own": own}
    if increment is None and own:
        return plan
    hit = (yield Call("GetHIT", {"HITId": hit_id}))["HIT"]
    if hit["HITStatus"] == "Disposed":
        raise hit_state(hit_id, "Disposed", *ALIVE)
    plan["MaxAssignments"] = hit["MaxAssignments"]
    if increment is not None:
        del plan["ExpirationIncrementInSeconds"]
        plan["ExpireAt"] = _expiration(seconds(hit["Expiration"]), increment, context.now)
    return plan


def _expiration(present: float, increment: int, now: int) -> float:
    """When the HIT is to expire: later than it does, or if it has expired later than now.

    The service counts from its own clock if the HIT has expired when it is asked, so then the shortest and the longest
    extensions keep a distance from the bounds.
    """
    if present > now + _LEEWAY:
        return present + increment
    return max(present, now) + min(max(increment, SHORTEST + _LEEWAY), LONGEST - _LEEWAY)


def extend_hit(plan: dict[str, Any]) -> Steps:
    """Add the assignments, which is what can be refused for lack of money, and then the time."""
    number = plan.get("NumberOfAdditionalAssignments", 0)
    if number:
        yield from _add(plan, number)
    if "ExpireAt" in plan:
        try:
            yield from _prolong(plan["HITId"], plan["ExpireAt"])
        except ModernError as error:
            if number:
                error.so_far = f"The HIT has {number} more assignment{'s' if number > 1 else ''}."
            raise
    return {}


def _prolong(hit_id: str, until: float) -> Generator[Call, Reply, None]:
    """Let the HIT last until then, unless it does already.

    A plan may be old. Asking for a moment that has passed would end a HIT that somebody has extended further since.
    """
    hit = (yield Call("GetHIT", {"HITId": hit_id}))["HIT"]
    if seconds(hit["Expiration"]) >= until:
        return
    try:
        yield Call("UpdateExpirationForHIT", {"HITId": hit_id, "ExpireAt": until})
    except ModernError as error:
        # A try whose answer was lost: Amazon refused to set the same expiration twice (modern-mturk 4.1.1).
        if "has already been processed" not in error.message:
            raise


def _add(plan: dict[str, Any], number: int) -> Generator[Call, Reply, None]:
    """Add assignments. A token that was used may have been used here, by a try whose answer was lost."""
    members = ("HITId", "NumberOfAdditionalAssignments", "UniqueRequestToken")
    try:
        yield Call("CreateAdditionalAssignmentsForHIT", {name: plan[name] for name in members})
    except ModernError as error:
        if error.code != DUPLICATE_REQUEST:
            raise
        if plan["own"]:
            return
        hit = (yield Call("GetHIT", {"HITId": plan["HITId"]}))["HIT"]
        if hit["MaxAssignments"] < plan["MaxAssignments"] + number:
            raise
