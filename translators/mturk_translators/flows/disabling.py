"""Disabling a HIT: its end, the approval of what was submitted, its disposal (legacy-hits 8)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from mturk_translators.call import Call, Reply
from mturk_translators.faults import (
    HIT_DOES_NOT_EXIST,
    INVALID_ASSIGNMENT_STATE,
    INVALID_HIT_STATE,
    ModernError,
    hit_state,
)
from mturk_translators.flows.hits import LONG_AGO
from mturk_translators.operation import Context, Steps, Unfinished
from mturk_translators.shapes.hits import AT_WORK

_LARGEST_PAGE = 100


def plan_disabling(given: dict[str, Any], _context: Context) -> Steps:
    """What is to be disabled. A HIT that waits for its review is not: that is what DisposeHIT is for."""
    hit_id = given["HITId"]
    status = (yield Call("GetHIT", {"HITId": hit_id}))["HIT"]["HITStatus"]
    if status not in AT_WORK:
        raise hit_state(hit_id, status, *AT_WORK)
    return {"HITId": hit_id}


def disable_hit(plan: dict[str, Any]) -> Steps:
    """End the HIT, approve what was submitted and is undecided, and dispose of it.

    Raises Unfinished while workers are at work: what they submit has to be approved first.
    """
    done: list[str] = []
    try:
        yield from _disable(plan["HITId"], done)
    except ModernError as error:
        error.so_far = _told(done)
        raise
    return {}


def _disable(hit_id: str, done: list[str]) -> Generator[Call, Reply, None]:
    """The steps; `done` is given "expired" and then the IDs of the assignments that have been approved."""
    try:
        yield Call("UpdateExpirationForHIT", {"HITId": hit_id, "ExpireAt": LONG_AGO})
        done.append("expired")
        for assignment in (yield from _undecided(hit_id)):
            yield from _approve(assignment, done)
        yield Call("DeleteHIT", {"HITId": hit_id})
    except ModernError as error:
        if error.code == HIT_DOES_NOT_EXIST:
            return
        if error.code != INVALID_HIT_STATE:
            raise
        if not (yield from _is_gone(hit_id)):
            raise Unfinished from None


def _undecided(hit_id: str) -> Generator[Call, Reply, list[str]]:
    """The IDs of all undecided assignments. They are read before any is decided, which could upset the listing."""
    found: dict[str, None] = {}
    token: dict[str, str] = {}
    asked = {"HITId": hit_id, "AssignmentStatuses": ["Submitted"], "MaxResults": _LARGEST_PAGE}
    while True:
        reply = yield Call("ListAssignmentsForHIT", {**asked, **token})
        known = len(found)
        found.update((assignment["AssignmentId"], None) for assignment in reply["Assignments"])
        if not reply.get("NextToken") or len(found) == known:
            return list(found)
        token = {"NextToken": reply["NextToken"]}


def _approve(assignment_id: str, done: list[str]) -> Generator[Call, Reply, None]:
    """Approve an assignment, if nobody has decided about it meanwhile."""
    try:
        yield Call("ApproveAssignment", {"AssignmentId": assignment_id})
    except ModernError as error:
        if error.code != INVALID_ASSIGNMENT_STATE:
            raise
    else:
        done.append(assignment_id)


def _is_gone(hit_id: str) -> Generator[Call, Reply, bool]:
    """Whether the HIT has been disposed of."""
    try:
        reply = yield Call("GetHIT", {"HITId": hit_id})
    except ModernError as error:
        if error.code != HIT_DOES_NOT_EXIST:
            raise
        return True
    return bool(reply["HIT"]["HITStatus"] == "Disposed")


def _told(done: list[str]) -> str:
    """How far it came, in a sentence."""
    if not done:
        return ""
    approved = len(done) - 1
    if not approved:
        return "The HIT has expired."
    return f"The HIT has expired; {approved} assignment{'s have' if approved > 1 else ' has'} been approved."
