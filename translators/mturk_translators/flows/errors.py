"""What an error means to legacy clients, where that takes a question."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from mturk_translators.faults import Fault, ModernError, is_state_error, legacy_fault, quotes_state
from mturk_translators.operation import Call, Reply

_SUBJECTS = (
    ("AssignmentId", "GetAssignment", "Assignment", "AssignmentStatus"),
    ("HITId", "GetHIT", "HIT", "HITStatus"),
)


def explain(error: ModernError, params: dict[str, Any]) -> Generator[Call, Reply, Fault]:
    """Find the legacy form of an error, asking for the object's state where the message lacks it.

    A PHP client reads CurrentState on a refused approval (legacy-common 8.1), which no modern message quotes.
    """
    state = None
    subject = next((row for row in _SUBJECTS if row[0] in params), None)
    if subject and is_state_error(error) and not quotes_state(error):
        name, operation, member, status = subject
        try:
            reply = yield Call(operation, {name: params[name]})
            state = reply[member][status]
        except ModernError:
            state = None
    return legacy_fault(error, params, state)
