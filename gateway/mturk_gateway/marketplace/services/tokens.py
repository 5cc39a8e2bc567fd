"""Page tokens: where the next page of a list begins.

A token holds the sort key of the last row given, so that it needs no memory, never expires and survives restarts. It is
signed together with the requester, the operation and the filters, so that it opens no other list (modern-mturk 1.4).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from mturk_gateway.marketplace.protocol.errors import request_error
from mturk_gateway.marketplace.tables import server_secrets

_PREFIX = "p1:"
_SIGNATURE_BYTES = 16
_PAGING = frozenset({"NextToken", "MaxResults"})

Position = tuple[int, str]


@dataclass(frozen=True)
class Listing:
    """What a token is bound to: whose list it is, which operation gives it, and the filters."""

    requester_id: str
    operation: str
    parameters: Mapping[str, Any]

    def scope(self) -> bytes:
        """The listing as bytes that no other listing has."""
        filters = {name: value for name, value in self.parameters.items() if name not in _PAGING}
        return json.dumps([self.requester_id, self.operation, filters], sort_keys=True).encode()


class PageTokens:
    """Issues and reads the tokens of one marketplace."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def load(cls, connection: Connection) -> PageTokens:
        """With the signing key that the first migration made."""
        statement = select(server_secrets.c.secret).where(server_secrets.c.name == "page tokens")
        return cls(bytes.fromhex(connection.execute(statement).scalar_one()))

    def issue(self, listing: Listing, position: Position) -> str:
        """The token for what follows a position, at most 255 characters."""
        content = json.dumps(position, separators=(",", ":")).encode()
        return _PREFIX + base64.urlsafe_b64encode(self._sign(listing, content) + content).decode()

    def read(self, listing: Listing, token: str) -> Position:
        """The position in a token. Raises Fault for a token that was not issued for this listing."""
        try:
            packed = base64.b64decode(token.removeprefix(_PREFIX), altchars=b"-_", validate=True)
        except ValueError:
            packed = b""
        signature, content = packed[:_SIGNATURE_BYTES], packed[_SIGNATURE_BYTES:]
        if not token.startswith(_PREFIX) or not hmac.compare_digest(signature, self._sign(listing, content)):
            raise request_error("InvalidParameterValue", "The value of the parameter NextToken is not valid.")
        key, identifier = json.loads(content)
        return key, identifier

    def _sign(self, listing: Listing, content: bytes) -> bytes:
        return hmac.digest(self._key, listing.scope() + b"\n" + content, hashlib.sha256)[:_SIGNATURE_BYTES]
