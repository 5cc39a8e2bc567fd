"""What writes mean to listings: reading again what they were about."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from mturk_translators.call import Call, Reply
from mturk_translators.faults import ModernError
from mturk_translators.listing import Listing


def read_again(
    listing: Listing, params: dict[str, Any], member: str, item: str
) -> Generator[Call, Reply, dict[str, dict[str, Any] | None]]:
    """The rows of a listing that a write was about, as they are now, by ID; None for one that is no longer listed.

    `member` and `item` are what `written_by` gave.
    """
    way = next((way for way in listing.again if way.written == member), None)
    if way is None:
        return {}
    try:
        row = (yield Call(way.modern, {member: item})).get(way.reply, {})
    except ModernError as error:
        if not (error.code or "").endswith("DoesNotExist"):
            raise
        return {item: None} if member == listing.id else {}
    return {row[listing.id]: row if listing.belongs(row, params) else None} if listing.id in row else {}
