"""Notification specifications: who is to be told of which events, and how (notif 2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mturk_translators.faults import MTURK, Fault
from mturk_translators.fields import Boolean, Choice, Text
from mturk_translators.query import Node
from mturk_translators.structures import Each, Structure
from mturk_translators.values import is_web_address

RECEPTORS = ("REST", "SOAP")
"""The transports that call a program at the URL of the destination, which the modern API no longer has."""

EVENTS = (
    "AssignmentAccepted",
    "AssignmentAbandoned",
    "AssignmentReturned",
    "AssignmentSubmitted",
    "AssignmentApproved",
    "AssignmentAutoApproved",
    "AssignmentRejected",
    "HITCreated",
    "HITExtended",
    "HITDisposed",
    "HITReviewable",
    "HITExpired",
)
"""AssignmentAutoApproved left the schema in 2012, and is still taken (notif 3)."""

TEST_EVENTS = (*EVENTS, "Ping")


@dataclass(frozen=True)
class Specification(Structure):
    """A specification; of several groups of parameters the one with the lowest number.

    The destination of a receptor has to be a web address; those of other transports are the modern API's to judge.
    """

    def take(self, given: Node) -> Any:
        taken = super().take(given)
        if taken and taken["Transport"] in RECEPTORS and not is_web_address(taken["Destination"]):
            raise Fault(
                MTURK + "InvalidTransportEndpoint",
                f'The destination "{taken["Destination"]}" cannot be used with the transport {taken["Transport"]}.',
            )
        return taken


@dataclass(frozen=True)
class Active(Boolean):
    """Whether anybody is told; boto says it inside of the specification, which counts when nothing else says it."""

    def take(self, given: Node) -> Any:
        said = super().take(given)
        inside = next(iter(given.structures("Notification")), None)
        return super().take(inside) if said is None and inside else said


_WHERE = (
    # What the ledger keeps of it for each HIT type must have a limit.
    Text("Destination", longest=2000, required=True),
    Choice("Transport", values=(*RECEPTORS, "Email", "SQS"), required=True),
    # Any version is kept as it came: nothing that the modern API is asked depends on it (notif 1).
    Text("Version", longest=100, required=True),
)
_WHAT = Each("EventType", Choice("EventType", values=EVENTS), modern="EventTypes", most=100, required=True)

NOTIFICATION = Specification("Notification", fields=(*_WHERE, _WHAT))

TEST_NOTIFICATION = Specification(
    "Notification",
    fields=(*_WHERE, replace(_WHAT, of=Choice("EventType", values=TEST_EVENTS), required=False)),
    required=True,
)
"""Of a test, which is sent whatever events the specification names: boto names none unless it is told to (notif 4)."""
