"""UniqueRequestToken: a second use within 24 hours is an error, not a replay (modern-mturk 4.1)."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from mturk_gateway.marketplace.services.call import Call
from mturk_gateway.marketplace.tables import request_tokens

KEPT = 86_400
"""Seconds for which a token is remembered."""


def made_before(call: Call, operation: str) -> str | None:
    """The id of what the call's token made before, under a name that may span operations; forgets tokens of old."""
    token = call.parameters.get("UniqueRequestToken")
    if token is None:
        return None
    call.connection.execute(delete(request_tokens).where(request_tokens.c.creation_time <= call.now - KEPT))
    statement = select(request_tokens.c.made).where(
        request_tokens.c.requester_id == call.requester.id,
        request_tokens.c.operation == operation,
        request_tokens.c.token == token,
    )
    return call.connection.execute(statement).scalar_one_or_none()


def remember(call: Call, operation: str, made: str) -> None:
    """Note what the call's token, if it has one, made. The primary key stops the slower of two simultaneous uses."""
    token = call.parameters.get("UniqueRequestToken")
    if token is not None:
        call.connection.execute(
            insert(request_tokens).values(
                requester_id=call.requester.id, operation=operation, token=token, made=made, creation_time=call.now
            )
        )
