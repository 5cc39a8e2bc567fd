"""Flows about notifications.

A HIT type has one specification. The upstream holds it when its transport is Email or SQS; a receptor's is held by the
gateway's ledger, which also remembers whether legacy clients have switched the HIT type's notifications on, because the
modern API does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from mturk_translators.call import Call, LedgerCall, Reply
from mturk_translators.faults import ModernError
from mturk_translators.operation import Context, Steps
from mturk_translators.shapes.notifications import RECEPTORS

_VERSION = "2014-08-15"
"""What the modern service is known to write its messages in, whatever version the client asked for (notif 1)."""


def set_hit_type_notification(given: dict[str, Any], _context: Context) -> Steps:
    """Give a HIT type another specification, or switch the one that it has on or off, or both.

    Without Active it is as active as before. The ledger is written last, so that the same request, made again after
    either write, begins from what was known at first and comes to the same end.
    """
    hit_type = {"HITTypeId": given["HITTypeId"]}
    kept = yield LedgerCall("GetReceptor", hit_type)
    specification = given.get("Notification") or kept.get("Notification")
    active = given.get("Active", kept.get("Active", False))
    if specification and specification["Transport"] in RECEPTORS:
        if "Notification" in given:
            yield from _silence(hit_type)
        yield LedgerCall("PutReceptor", {**hit_type, "Notification": specification, "Active": active})
        return {}
    changes: dict[str, Any] = {}
    if "Notification" in given:
        changes["Notification"] = _modern(given["Notification"])
    if "Active" in given or "Notification" in kept:
        # While a receptor was kept, what the upstream held was silent.
        changes["Active"] = active
    yield Call("UpdateNotificationSettings", {**hit_type, **changes})
    if "Active" in changes:
        yield LedgerCall("PutReceptor", {**hit_type, "Active": active})
    return {}


def _silence(hit_type: dict[str, str]) -> Generator[Call, Reply, None]:
    """Switch off what the upstream holds for a HIT type, if anything. Raises ModernError for an unknown type.

    The marketplace refuses both a type that it does not know and one without a specification, with the same code. Only
    a refusal for want of a specification, which names what is wanting, says that the type exists and that nobody else
    is told; any other might leave a specification in force, so it is passed on.
    """
    try:
        yield Call("UpdateNotificationSettings", {**hit_type, "Active": False})
    except ModernError as error:
        reason = f"{error.code} {error.message}".replace(hit_type["HITTypeId"], "")
        judged = error.type in ("RequestError", "ParameterValidationError")
        if not (judged and re.search(r"\bnotification", reason, re.IGNORECASE)):
            raise


def send_test_event_notification(given: dict[str, Any], _context: Context) -> Steps:
    """Send a test event. That a receptor's specification can be read is all that is said of it: nothing is sent yet."""
    if given["Notification"]["Transport"] in RECEPTORS:
        return {}
    event = _event(given["TestEventType"])
    specification = _modern({"EventTypes": [event], **given["Notification"]})
    return (yield Call("SendTestEventNotification", {"Notification": specification, "TestEventType": event}))


def _modern(specification: dict[str, Any]) -> dict[str, Any]:
    events = list(dict.fromkeys(map(_event, specification["EventTypes"])))
    return {**specification, "Version": _VERSION, "EventTypes": events}


def _event(name: str) -> str:
    """The modern event that is nearest: only AssignmentAutoApproved has none of its own (notif 1)."""
    return "AssignmentApproved" if name == "AssignmentAutoApproved" else name
