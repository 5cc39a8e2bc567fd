"""UniqueRequestToken: a second use within 24 hours is an error, not a replay (modern-mturk 4.1)."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, select

from mturk_gateway.marketplace.protocol.errors import request_error
from mturk_gateway.marketplace.services.call import Call
from mturk_gateway.marketplace.tables import request_tokens

KEPT = 86_400
"""Seconds for which a token is remembered."""


_FORGET = delete(request_tokens).where(request_tokens.c.creation_time <= bindparam("oldest"))
_REMEMBER = insert(request_tokens)
_MADE = select(request_tokens.c.made).where(
    request_tokens.c.requester_id == bindparam("owner"),
    request_tokens.c.operation == bindparam("operation"),
    request_tokens.c.token == bindparam("token"),
)


def made_before(call: Call, operation: str) -> str | None:
    """The id of what the call's token made before, under a name that may span operations; forgets tokens of old."""
    token = call.parameters.get("UniqueRequestToken")
    if token is None:
        return None
    call.connection.execute(_FORGET, {"oldest": call.now - KEPT})
    parameters = {"owner": call.requester.id, "operation": operation, "token": token}
    return call.connection.execute(_MADE, parameters).scalar_one_or_none()


def refuse_repetition(call: Call) -> None:
    """Refuse a token that an earlier call of the same operation brought, and remember it.

    Raises Fault: DuplicateRequest, which names the request that was carried out.
    """
    first = made_before(call, call.operation)
    if first is not None:
        token = call.parameters["UniqueRequestToken"]
        raise request_error(
            "DuplicateRequest",
            f'The request with the UniqueRequestToken "{token}" has already been carried out. RequestId: {first}',
        )
    remember(call, call.operation, call.request_id)


def remember(call: Call, operation: str, made: str) -> None:
    """Note what the call's token, if it has one, made. The primary key stops the slower of two simultaneous uses."""
    token = call.parameters.get("UniqueRequestToken")
    if token is not None:
        noted = {"requester_id": call.requester.id, "operation": operation, "token": token, "made": made}
        call.connection.execute(_REMEMBER, {**noted, "creation_time": call.now})
