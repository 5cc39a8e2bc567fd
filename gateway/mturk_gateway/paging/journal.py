"""The modern calls that listings were walked with, kept for recordings."""

from __future__ import annotations

import json

from sqlalchemy import Connection, func, insert, select

from mturk_gateway.database import Database
from mturk_gateway.paging.tables import journal
from mturk_gateway.transcript import Made, epoch_seconds, made_of
from mturk_translators.call import Call, Reply

_MOST = 4 * 2**20
"""Bytes that are kept of one base: every page of a listing is recorded with the whole walk that it comes from."""


class Journal:
    """What each base was made from. Every method is one transaction and blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, base: int, call: Call, reply: Reply) -> None:
        """A call was made for a base."""
        made = json.dumps(made_of(call, reply), default=epoch_seconds)
        with self._database.writing() as connection:
            if _size(connection, base) <= _MOST:
                connection.execute(insert(journal).values(base=base, made=made))

    def read(self, base: int) -> tuple[Made, ...] | None:
        """The calls that were made for a base, in their order; None when they are more than are kept, or not known."""
        with self._database.reading() as connection:
            if _size(connection, base) > _MOST:
                return None
            texts = connection.scalars(
                select(journal.c.made).where(journal.c.base == base).order_by(journal.c.id)
            ).all()
        if not texts:
            # It was walked before anybody recorded, or has been cleared away.
            return None
        return tuple(Made(Call(*call), reply) for call, reply in map(json.loads, texts))


def _size(connection: Connection, base: int) -> int:
    size = select(func.sum(func.length(journal.c.made))).where(journal.c.base == base)
    return connection.scalar(size) or 0
