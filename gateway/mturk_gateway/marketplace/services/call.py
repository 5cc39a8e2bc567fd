"""What every operation is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from mturk_gateway.marketplace.requesters import Requester
from mturk_gateway.marketplace.services.lists.tokens import PageTokens
from mturk_gateway.marketplace.terms import Terms

Reply = Mapping[str, Any]
"""A reply in the members of the output shape; times are epoch seconds."""


@dataclass(frozen=True)
class Call:
    """One validated call by one requester at one moment in epoch seconds; the connection may write if the call does.

    `request_id` is what the reply is known by. `since` is what the client says it knows of a listing. `headers` are
    those that the reply gets for this call alone.
    """

    operation: str
    parameters: Mapping[str, Any]
    requester: Requester
    now: int
    connection: Connection
    tokens: PageTokens
    request_id: str = ""
    since: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)
