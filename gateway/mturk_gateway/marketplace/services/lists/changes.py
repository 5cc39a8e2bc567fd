"""What changed among rows that a client knows already.

A row's `change` is the number of its last change, so all that was written after a number is a range of an index. HITs
also change by themselves when they expire; these are a range of another index. A cursor is a position in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)

_LIMIT: BindParameter[int] = bindparam("limit", type_=Integer)


@dataclass(frozen=True)
class Cursor:
    """How far changes have been told.

    Rows with numbers up to `number` have, and expirations before `expiring`, an (expiration, id). While there is more
    to tell, `begun` is the number up to which the client knew the rows when it first asked, and the time of that.
    """

    number: int
    expiring: tuple[int, str]
    begun: tuple[int, int] | None = None

    @classmethod
    def up_to(cls, number: int, now: int) -> Cursor:
        """All has been told up to a number and a moment."""
        return cls(number, (now + 1, ""))


@dataclass(frozen=True)
class Delta:
    """The ids of rows that changed, each once; where to go on; and whether that is all that has changed by now."""

    ids: Sequence[str]
    cursor: Cursor
    complete: bool


class ChangeLog:
    """The changes of a table's rows, apart for each value of the column `owner`, within which they are numbered.

    `expiring` is for rows that change by themselves: the column with the time of that, and which rows still do. Rows
    that were never `told` are nobody's business, not even that they are gone.
    """

    def __init__(
        self,
        table: Table,
        owner: Column[str],
        expiring: tuple[Column[int], ColumnElement[bool]] | None = None,
        told: ColumnElement[bool] | None = None,
    ) -> None:
        number = table.c.change
        owned = owner == bindparam("owner")
        self._highest = select(func.coalesce(func.max(number), 0)).where(owned)
        self._changed = (
            select(table.c.id, number).where(owned, number > bindparam("number")).order_by(number).limit(_LIMIT)
        )
        if told is not None:
            self._changed = self._changed.where(told)
        self._expired: Select[Any] | None = None
        if expiring is not None:
            expiration, lasting = expiring
            position = tuple_(expiration, table.c.id)
            self._expired = (
                select(table.c.id, expiration.label("expiration"))
                .where(
                    owned,
                    lasting,
                    position >= tuple_(bindparam("expiration"), bindparam("id")),
                    expiration <= bindparam("now"),
                    # Later ones have just been told. Those after `known` were told at `begun` or later, as they were
                    # then.
                    number <= bindparam("number"),
                    or_(number <= bindparam("known"), expiration > bindparam("begun")),
                )
                .order_by(expiration, table.c.id)
                .limit(_LIMIT)
            )

    def highest(self, connection: Connection, owner: str) -> int:
        """The number of the last change; 0 before the first."""
        number: int = connection.execute(self._highest, {"owner": owner}).scalar_one()
        return number

    def since(self, connection: Connection, owner: str, cursor: Cursor, now: int, size: int) -> Delta:
        """At most `size` rows that changed since a cursor, expirations up to now among them.

        Several calls tell a row again only if it changed again, or if it expired while they went on.
        """
        known, begun = cursor.begun or (cursor.number, now)
        # A clock that was set back must not make expirations seem told.
        begun = min(begun, now)
        # One more than wanted shows whether there is more.
        parameters = {"owner": owner, "number": cursor.number}
        changed = connection.execute(self._changed, {**parameters, "limit": size + 1}).all()
        told = [row.id for row in changed[:size]]
        number = changed[len(told) - 1].change if told else cursor.number
        if len(changed) > size:
            return Delta(told, Cursor(number, cursor.expiring, (known, begun)), complete=False)
        if self._expired is None:
            return Delta(told, Cursor.up_to(number, now), complete=True)
        room = size - len(told)
        expiration, identifier = cursor.expiring
        parameters |= {"known": known, "begun": begun, "now": now, "expiration": expiration, "id": identifier}
        expired = connection.execute(self._expired, {**parameters, "limit": room + 1}).all()
        told += [row.id for row in expired[:room]]
        if len(expired) > room:
            following = (expired[room].expiration, expired[room].id)
            return Delta(told, Cursor(number, following, (known, begun)), complete=False)
        return Delta(told, Cursor.up_to(number, now), complete=True)
