"""Page tokens: where the next page of a list begins; and cursors, which say since when its changes are asked for.

A token holds the sort key of the last row given, so that it needs no memory, never expires and survives restarts. It is
signed together with the requester, the operation and the filters, so that it opens no other list (modern-mturk 1.4).
Cursors are made alike. Links to files are signed with the same key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from mturk_gateway.marketplace.protocol.errors import request_error
from mturk_gateway.marketplace.services.lists.changes import Cursor
from mturk_gateway.marketplace.tables import server_secrets

_PREFIX = "p1:"
_CURSOR_PREFIX = "c1:"
_LINK_PREFIX = "f1:"
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
        return self._pack(_PREFIX, listing, position)

    def read(self, listing: Listing, token: str) -> Position:
        """The position in a token. Raises Fault for a token that was not issued for this listing."""
        position = self._unpack(_PREFIX, listing, token)
        if position is None:
            raise request_error("InvalidParameterValue", "The value of the parameter NextToken is not valid.")
        key, identifier = position
        return key, identifier

    def issue_cursor(self, listing: Listing, cursor: Cursor) -> str:
        """The text of a cursor, fewer than 200 ASCII characters."""
        return self._pack(_CURSOR_PREFIX, listing, [cursor.number, *cursor.expiring, *(cursor.begun or ())])

    def read_cursor(self, listing: Listing, text: str) -> Cursor | None:
        """The cursor in a text, or None if it was not issued for this listing."""
        fields = self._unpack(_CURSOR_PREFIX, listing, text)
        if fields is None:
            return None
        number, expiration, identifier, *begun = fields
        return Cursor(number, (expiration, identifier), (begun[0], begun[1]) if begun else None)

    def sign_link(self, key: str, expires: str) -> str:
        """The signature of a link to the file of a key, good until a time that is part of it; in hexadecimal digits."""
        content = f"{_LINK_PREFIX}{key}\n{expires}".encode()
        return hmac.digest(self._key, content, hashlib.sha256)[:_SIGNATURE_BYTES].hex()

    def _pack(self, prefix: str, listing: Listing, fields: Sequence[int | str]) -> str:
        content = json.dumps(fields, separators=(",", ":")).encode()
        return prefix + base64.urlsafe_b64encode(self._sign(prefix, listing, content) + content).decode()

    def _unpack(self, prefix: str, listing: Listing, text: str) -> list[Any] | None:
        try:
            packed = base64.b64decode(text.removeprefix(prefix), altchars=b"-_", validate=True)
        except ValueError:
            packed = b""
        signature, content = packed[:_SIGNATURE_BYTES], packed[_SIGNATURE_BYTES:]
        if not text.startswith(prefix):
            return None
        if not hmac.compare_digest(signature, self._sign(prefix, listing, content)):
            return None
        fields: list[Any] = json.loads(content)
        return fields

    def _sign(self, prefix: str, listing: Listing, content: bytes) -> bytes:
        # Page tokens were there first, and those issued before there were cursors stay good.
        kind = b"" if prefix == _PREFIX else prefix.encode()
        return hmac.digest(self._key, kind + listing.scope() + b"\n" + content, hashlib.sha256)[:_SIGNATURE_BYTES]
