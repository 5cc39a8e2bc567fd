"""One page of a list: the rows after a position, and the token that goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, tuple_

from mturk_gateway.marketplace.services.call import Call, Reply
from mturk_gateway.marketplace.services.tokens import Listing

DEFAULT_SIZE = 10
"""Items on a page when MaxResults is not given (modern-mturk 1.4)."""


def page(
    call: Call,
    statement: Select[Any],
    order: tuple[ColumnElement[int], ColumnElement[str]],
    member: str,
    render: Callable[[Row[Any]], dict[str, Any]],
) -> Reply:
    """The reply of a List operation.

    `order` is an ascending number and an id that makes it unique; both must be among the statement's columns. The token
    is there exactly when the page has items: real clients crash without one on a page that is not full, and others stop
    only when it is missing, so the last page is an empty one (modern-mturk 1.4).
    """
    listing = Listing(call.requester.id, call.operation, call.parameters)
    token = call.parameters.get("NextToken")
    if token is not None:
        statement = statement.where(tuple_(*order) > call.tokens.read(listing, token))
    size = call.parameters.get("MaxResults", DEFAULT_SIZE)
    rows = call.connection.execute(statement.order_by(*order).limit(size)).all()
    reply: dict[str, Any] = {"NumResults": len(rows), member: [render(row) for row in rows]}
    if rows:
        last = rows[-1]._mapping  # noqa: SLF001  # SQLAlchemy's documented way to a row by column
        reply["NextToken"] = call.tokens.issue(listing, (last[order[0]], last[order[1]]))
    return reply
