"""Looking through a token listing of the modern API for one of its rows."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from mturk_translators.call import Call, LedgerCall, Reply

_LARGEST_PAGE = 100


def find_row(
    listing: Call, items: str, is_wanted: Callable[[dict[str, Any]], bool]
) -> Generator[Call | LedgerCall, Reply, dict[str, Any] | None]:
    """The first row that is wanted; None when the listing ends, or repeats itself, without one.

    `items` is the member of the replies that holds the rows.
    """
    page: dict[str, Any] = {"MaxResults": _LARGEST_PAGE}
    known = set()
    while True:
        reply = yield Call(listing.operation, {**listing.params, **page})
        row: dict[str, Any]
        for row in reply.get(items) or ():
            if is_wanted(row):
                return row
        token = reply.get("NextToken")
        if not token or token in known:
            return None
        known.add(token)
        page["NextToken"] = token
