"""Snapshots from the side of those who walk: taking a walk, keeping its rows, ending it, and clearing up."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from mturk_gateway.database import Database, database_now
from mturk_gateway.paging.tables import KEY_COLUMNS, pins, rows, walks, writes
from mturk_translators.faults import ModernError
from mturk_translators.rows import Row

_busy = walks.alias()
_NEXT = (
    select(walks.c.id)
    .where(
        or_(
            and_(walks.c.state == "walking", walks.c.lease_until < database_now()),
            and_(
                walks.c.state == "queued",
                ~select(_busy.c.id).where(_busy.c.listing == walks.c.listing, _busy.c.state == "walking").exists(),
            ),
        )
    )
    .order_by(walks.c.id)
    .limit(1)
)
"""The oldest walk that nobody is at. Made once: it is asked for many times a second."""


class Task(NamedTuple):
    """A walk that has been taken: whose listing it is, and the token from which it goes on, None for the start."""

    walk: int
    requester: str
    operation: str
    params: dict[str, Any]
    token: str | None


class WalkQueue:
    """The walks that are to be done. Every method is one transaction and blocks.

    A walker holds a lease of `lease` seconds, renewed with every page; when it ends, another walker goes on.
    """

    def __init__(self, database: Database, lease: float) -> None:
        self._database = database
        self._lease = lease
        self._owner = uuid.uuid4().hex

    def take(self) -> Task | None:
        """Take the oldest walk that nobody is at, if there is one."""
        with self._database.reading() as connection:
            if connection.scalar(_NEXT) is None:
                return None
        with self._database.writing() as connection:
            walk = connection.scalar(_NEXT)
            if walk is None:
                return None
            seen = select(func.coalesce(func.max(writes.c.count), 0)).where(writes.c.requester == walks.c.requester)
            taken = connection.execute(
                update(walks)
                .where(walks.c.id == walk)
                .values(
                    state="walking",
                    owner=self._owner,
                    lease_until=database_now() + self._lease,
                    started_at=func.coalesce(walks.c.started_at, database_now()),
                    writes_seen=func.coalesce(walks.c.writes_seen, seen.scalar_subquery()),
                )
                .returning(walks.c.requester, walks.c.operation, walks.c.params, walks.c.token)
            ).one()
        return Task(walk, taken.requester, taken.operation, json.loads(taken.params), taken.token)

    def keep(self, walk: int, page: Sequence[Row], token: str | None) -> int | None:
        """Keep the rows of one page, and the token that follows it; None when the walk is no longer ours to do.

        A row that the walk has met before is not kept again. Gives how many were new.
        """
        with self._database.writing() as connection:
            total = connection.scalar(select(walks.c.total).where(*self._ours(walk)))
            if total is None:
                return None
            known = set(
                connection.scalars(
                    select(rows.c.item).where(rows.c.walk == walk, rows.c.item.in_([row.id for row in page]))
                )
            )
            fresh = list({row.id: row for row in page if row.id not in known}.values())
            if fresh:
                connection.execute(
                    insert(rows),
                    [
                        {
                            "walk": walk,
                            "position": total + position,
                            "item": row.id,
                            **dict.fromkeys(KEY_COLUMNS),
                            **dict(zip(KEY_COLUMNS, row.keys, strict=False)),
                            "sections": row.sections,
                            "source": row.source,
                        }
                        for position, row in enumerate(fresh)
                    ],
                )
            connection.execute(
                update(walks)
                .where(walks.c.id == walk)
                .values(total=total + len(fresh), token=token, lease_until=database_now() + self._lease)
            )
        return len(fresh)

    def complete(self, walk: int) -> None:
        """The walk has seen everything: from now on it is a snapshot."""
        self._end(walk, state="complete", error=None)

    def fail(self, walk: int, error: ModernError) -> None:
        """The walk has come to an end that its readers are to be told."""
        self._end(walk, state="failed", error=error_to_text(error))

    def _end(self, walk: int, *, state: str, error: str | None) -> None:
        with self._database.writing() as connection:
            connection.execute(
                update(walks).where(*self._ours(walk)).values(state=state, error=error, finished_at=database_now())
            )

    def release(self, walk: int) -> None:
        """Let another walker go on with the walk at once."""
        with self._database.writing() as connection:
            connection.execute(update(walks).where(*self._ours(walk)).values(lease_until=0))

    def _ours(self, walk: int) -> tuple[ColumnElement[bool], ...]:
        return walks.c.id == walk, walks.c.state == "walking", walks.c.owner == self._owner

    def clear(self, lifetime: float) -> None:
        """Drop pins that nobody used for `lifetime` seconds, and ended walks that nobody can want any more.

        Of one listing only the newest few snapshots stay, read or not: a program that writes and lists in turn makes a
        new one every time.
        """
        newer = walks.alias()
        superseding = (
            select(func.count())
            .where(newer.c.listing == walks.c.listing, newer.c.state == "complete", newer.c.id > walks.c.id)
            .scalar_subquery()
        )
        read = select(pins.c.id).where(pins.c.walk == walks.c.id).exists()
        age = database_now() - walks.c.finished_at
        unwanted = or_(
            and_(walks.c.state == "complete", ~read, age > lifetime),
            and_(walks.c.state == "complete", ~read, age > _GRACE, superseding > 0),
            and_(walks.c.state == "complete", superseding >= _MOST_SNAPSHOTS),
            and_(walks.c.state == "failed", age > _GRACE),
        )
        with self._database.writing() as connection:
            connection.execute(delete(pins).where(pins.c.used_at < database_now() - lifetime))
            connection.execute(delete(walks).where(unwanted))


_MOST_SNAPSHOTS = 10
_GRACE = 60.0
"""Seconds after its end in which a walk stays, because somebody who waited for it may not have come back yet."""


def error_to_text(error: ModernError) -> str:
    """The error as it is kept with a walk."""
    return json.dumps([error.type, error.message, error.code, error.status])


def error_from_text(text: str) -> ModernError:
    """The error that a walk ended with."""
    type_, message, code, status = json.loads(text)
    return ModernError(type_, message, code, status)
