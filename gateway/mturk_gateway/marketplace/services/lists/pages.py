"""One page of a list: the rows after a position, and the token that goes on from there; or what changed in the list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Row, Select, bindparam, tuple_

from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.lists.changes import ChangeLog, Cursor
from mturk_gateway.marketplace.services.lists.tokens import Listing

DEFAULT_SIZE = 10
"""Items on a page when MaxResults is not given (modern-mturk 1.4)."""

SINCE = "x-mturk-gateway-since"
"""The header of a request that asks what changed: `START`, or the cursor that an earlier reply gave."""

START = "start"

_CURSOR = "x-mturk-gateway-cursor"
_CHANGES = "x-mturk-gateway-changes"
_GONE = "x-mturk-gateway-gone"

Render = Callable[[Row[Any], int], dict[str, Any]]
"""Makes an item of the reply of a row, as it is at a moment."""


class Pages:
    """A list that is given in pages; its statements are built once.

    `rows` selects all of it. What differs between calls is in bound parameters, among them `owner`, whose list it is.
    `order` is an ascending number and an id that makes it unique; both must be among the columns. `member` is what the
    reply calls the items. `changes`, if there is one, is the log of the table that the ids are from.
    """

    def __init__(
        self,
        rows: Select[Any],
        order: tuple[Column[int], Column[str]],
        member: str,
        render: Render,
        changes: ChangeLog | None = None,
    ) -> None:
        self._order = order
        self._member = member
        self._render = render
        self._log = changes
        self._first = rows.order_by(*order).limit(bindparam("limit"))
        self._following = self._first.where(tuple_(*order) > tuple_(bindparam("after_number"), bindparam("after_id")))
        self._chosen = rows.where(order[1].in_(bindparam("chosen", expanding=True)))

    def reply(self, call: Call, **parameters: Any) -> Reply:
        """The reply of a List operation; `parameters` are those of the statement.

        A client that says with its first page what it knows of the list gets a cursor too; with a cursor, it gets only
        what changed since. To everybody else nothing of this shows.
        """
        listing = Listing(call.requester.id, call.operation, call.parameters)
        if "NextToken" not in call.parameters and call.since is not None and self._log:
            highest = self._log.highest(call.connection, parameters["owner"])
            cursor = call.tokens.read_cursor(listing, call.since)
            # A database that was put back to an earlier state can meet cursors from its future.
            if cursor is not None and cursor.number <= highest:
                return self._delta(call, listing, parameters, self._log, cursor)
            call.headers[_CURSOR] = call.tokens.issue_cursor(listing, Cursor.up_to(highest, call.now))
        return self._page(call, listing, parameters)

    def _page(self, call: Call, listing: Listing, parameters: Mapping[str, Any]) -> Reply:
        """The token is there exactly when the page has items.

        Real clients crash without one on a page that is not full, and others stop only when it is missing, so the last
        page is an empty one (modern-mturk 1.4).
        """
        bound = {**parameters, "limit": _size(call)}
        token = call.parameters.get("NextToken")
        if token is None:
            rows = call.connection.execute(self._first, bound).all()
        else:
            number, identifier = call.tokens.read(listing, token)
            bound |= {"after_number": number, "after_id": identifier}
            rows = call.connection.execute(self._following, bound).all()
        reply = self._items(call, rows)
        if rows:
            last = rows[-1]._mapping  # noqa: SLF001  # SQLAlchemy's documented way to a row by column
            reply["NextToken"] = call.tokens.issue(listing, (last[self._order[0]], last[self._order[1]]))
        return reply

    def _delta(
        self, call: Call, listing: Listing, parameters: Mapping[str, Any], log: ChangeLog, cursor: Cursor
    ) -> Reply:
        """The changed rows as they are now, and in headers the ids of those that are not in the list (any more)."""
        delta = log.since(call.connection, parameters["owner"], cursor, call.now, _size(call))
        rows = call.connection.execute(self._chosen, {**parameters, "chosen": delta.ids}).all() if delta.ids else []
        listed = {row._mapping[self._order[1]] for row in rows}  # noqa: SLF001  # as above
        gone = [identifier for identifier in delta.ids if identifier not in listed]
        if gone:
            call.headers[_GONE] = ",".join(gone)
        call.headers[_CURSOR] = call.tokens.issue_cursor(listing, delta.cursor)
        call.headers[_CHANGES] = "complete" if delta.complete else "more"
        return self._items(call, rows)

    def _items(self, call: Call, rows: Iterable[Row[Any]]) -> dict[str, Any]:
        items = [self._render(row, call.now) for row in rows]
        return {"NumResults": len(items), self._member: items}


def _size(call: Call) -> int:
    size: int = call.parameters.get("MaxResults", DEFAULT_SIZE)
    return size
