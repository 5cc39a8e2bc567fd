"""Calls: what is asked of the modern API, and of the gateway's own ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Reply = dict[str, Any]
"""What a modern call gave, as boto3 gives it, or what a flow makes of several."""


class Call(NamedTuple):
    """One call of the modern API."""

    operation: str
    params: dict[str, Any]


class LedgerCall(NamedTuple):
    """One question to the gateway's own ledger, for what no modern call keeps or tells."""

    operation: str
    params: dict[str, Any]


def writes(modern_operation: str) -> bool:
    """Whether a modern operation may change what listings show; all that only read are called Get… or List…."""
    return not modern_operation.startswith(("Get", "List"))


def written_by(call: Call, reply: Reply | None) -> tuple[str, str] | None:
    """What a call wrote, as far as listings show it: the member that names it, and its ID; None when none does.

    `reply` is None when the call failed: it may have been carried out all the same.
    """
    made = (reply or {}).get("HIT")
    named = {**call.params, **(made if isinstance(made, Mapping) else {})}
    for member in ("AssignmentId", "HITId"):
        value = named.get(member)
        if isinstance(value, str) and len(value) <= _LONGEST_ID:
            return member, value
    return None


_LONGEST_ID = 64
