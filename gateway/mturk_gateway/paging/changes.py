"""What an upstream tells about changes, if it can: a cursor and tombstones, in headers beside an ordinary reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mturk_translators.call import Reply

START = "start"
"""Asked for by whoever walks a listing for the first time."""

_SINCE = "x-mturk-gateway-since"
_CURSOR = "x-mturk-gateway-cursor"
_CHANGES = "x-mturk-gateway-changes"
_GONE = "x-mturk-gateway-gone"
_LONGEST_CURSOR = 1000


class Told(NamedTuple):
    """What a reply tells beside its rows.

    `cursor` is what to ask for later changes with, None from an upstream that cannot say. `changes` says that the rows
    are those that have changed, and `gone` are the IDs of those that are no longer listed; `more` that there are more.
    """

    cursor: str | None
    changes: bool
    more: bool
    gone: tuple[str, ...]


def asking_since(cursor: str) -> dict[str, str]:
    """The headers that ask for what has changed since."""
    return {_SINCE: cursor}


def told_by(reply: Reply) -> Told:
    """What the headers of a reply tell."""
    headers: Mapping[str, str] = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    cursor = headers.get(_CURSOR)
    if not cursor or len(cursor) > _LONGEST_CURSOR:
        return Told(None, changes=False, more=False, gone=())
    changes = headers.get(_CHANGES)
    gone = tuple(filter(None, headers.get(_GONE, "").split(",")))
    return Told(cursor, changes in ("more", "complete"), changes == "more", gone)
