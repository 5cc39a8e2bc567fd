"""Bases: keeping what a walk brings, page by page, and what has changed since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from mturk_gateway.database import Database
from mturk_gateway.paging.orders import has_order, mend_orders, sort_rows, store_order
from mturk_gateway.paging.snapshots import Snapshot, Walk
from mturk_gateway.paging.tables import ALIVE, FOREVER, KEY_COLUMNS, bases, bodies, row_id, rows
from mturk_translators.listing import Listing
from mturk_translators.rows import Row


class Kept(NamedTuple):
    """What keeping a page came to: how many of its rows were new, and how many rows and bytes there are now."""

    fresh: int
    rows: int
    size: int


class _Present(NamedTuple):
    """A row that is part of the present revision, and how it looks."""

    id: int
    place: str
    born: int
    row: Row


_PLACE_ZERO = 5 * 10**15
"""Places are written with sixteen digits on either side of the first, so that they sort as text."""


class Bases:
    """The rows of all walks. Every method is one transaction and blocks.

    Whoever keeps a page says with which token or cursor it was asked for: a walker that slept while another one went on
    finds that it no longer is the present one, and its page is not kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, base: int, walk: Walk) -> None:
        """Make a base without rows for a walk."""
        values = {"token": "", "revision": 0, "rows": 0, "front": 0, "back": 0, "size": 0}
        with self._database.writing() as connection:
            connection.execute(insert(bases).values(id=base, requester=walk.requester, listing=walk.listing, **values))

    def token(self, base: int) -> str | None:
        """What the walk of a base goes on with, empty at the start; None when there is no such base."""
        with self._database.reading() as connection:
            return connection.scalar(select(bases.c.token).where(bases.c.id == base))

    def cursor(self, base: int) -> str | None:
        """What to ask for the changes of a base with; None when the base is gone, or its upstream cannot say."""
        with self._database.reading() as connection:
            return connection.scalar(select(bases.c.cursor).where(bases.c.id == base))

    def keep(
        self, base: int, token: str, page: Sequence[Row], following: str | None, cursor: str | None
    ) -> Kept | None:
        """Keep a page of a walk that was asked for with `token`, and the token that follows it.

        A row that the walk has met before is not kept again. None when the page came too late. `cursor` is what the
        upstream gave with the first page.
        """
        with self._database.writing() as connection:
            found = connection.execute(_BASE, {"base": base}).first()
            if found is None or found.token != token:
                return None
            page = [row if row.id else row._replace(id=f"{found.back + place:010}") for place, row in enumerate(page)]
            known = set(connection.scalars(_KNOWN, {"base": base, "items": [row.id for row in page]}))
            fresh = list({row.id: row for row in page if row.id not in known}.values())
            placed = [(found.back + index, row) for index, row in enumerate(fresh)]
            _insert(self._database, connection, base, found.rows, 0, placed)
            values: dict[str, Any] = {
                "token": following or "",
                "rows": found.rows + len(fresh),
                "back": found.back + len(fresh),
                "size": found.size + sum(map(_size, fresh)),
            }
            if not token:
                connection.execute(update(bases).where(bases.c.id == base).values(cursor=cursor))
            connection.execute(_KEEP, {**values, "of": base})
        return Kept(len(fresh), values["rows"], values["size"])

    def change(
        self, listing: Listing, base: int, cursor: str, page: Sequence[Row], gone: Sequence[str], following: str
    ) -> bool:
        """Keep changes of a base that were asked for with `cursor`, and the cursor that follows them.

        They are part of the revision that `finish` makes. False when they came too late.
        """
        with self._database.writing() as connection:
            found = connection.execute(_BASE, {"base": base}).first()
            if found is None or found.cursor != cursor:
                return False
            self._apply(connection, listing, found, page, gone)
            connection.execute(update(bases).where(bases.c.id == base).values(cursor=following))
        return True

    def amend(
        self, listing: Listing, snapshot: Snapshot, page: Sequence[Row], gone: Sequence[str], views: Sequence[str]
    ) -> Snapshot | None:
        """The snapshot with these rows as they are now; None when it is no longer the base's newest."""
        with self._database.writing() as connection:
            found = connection.execute(_BASE, {"base": snapshot.base}).first()
            if found is None or found.revision != snapshot.revision:
                return None
            self._apply(connection, listing, found, page, gone)
            return _finish(connection, listing, snapshot, views)

    def finish(self, listing: Listing, base: int, views: Sequence[str]) -> Snapshot:
        """The newest snapshot of a base: a new revision if anything has changed. The orders of these views go along."""
        with self._database.writing() as connection:
            revision = connection.execute(_BASE, {"base": base}).one().revision
            return _finish(connection, listing, Snapshot(base, revision), views)

    def arrange(self, listing: Listing, base: int, view: str) -> None:
        """Make the order of a view in the newest snapshot, if there is none and the base is still there."""
        for _ in range(2):
            with self._database.reading() as connection:
                found = connection.execute(_BASE, {"base": base}).first()
                if found is None or has_order(connection, base, view):
                    return
                snapshot = Snapshot(base, found.revision)
                made = sort_rows(connection, snapshot, listing, view)
            # Sorting holds nobody up; if something changed meanwhile, it is done again.
            with self._database.writing() as connection:
                found = connection.execute(_BASE, {"base": base}).first()
                if found and found.revision == snapshot.revision and not has_order(connection, base, view):
                    store_order(connection, snapshot, view, made)
                    return
        with self._database.writing() as connection:
            found = connection.execute(_BASE, {"base": base}).first()
            if found and not has_order(connection, base, view):
                snapshot = Snapshot(base, found.revision)
                store_order(connection, snapshot, view, sort_rows(connection, snapshot, listing, view))

    def _apply(
        self, connection: Connection, listing: Listing, base: Any, page: Sequence[Row], gone: Sequence[str]
    ) -> None:
        """Make changes that belong to the revision after the present one."""
        pending = base.revision + 1
        latest = {row.id: row for row in page}
        present = _present(connection, base.id, [*latest, *gone])
        front, back, number = base.front, base.back, base.rows
        ended = [kept for item, kept in present.items() if latest.get(item) != kept.row]
        # What came and went between two revisions is part of none.
        unseen = [kept.id for kept in ended if kept.born == pending]
        connection.execute(delete(bodies).where(bodies.c.row.in_(unseen)))
        connection.execute(delete(rows).where(rows.c.id.in_(unseen)))
        connection.execute(
            update(rows).where(rows.c.id.in_([kept.id for kept in ended if kept.born < pending])).values(died=pending)
        )
        placed: list[tuple[int, Row]] = []
        for item, row in latest.items():
            kept = present.get(item)
            if kept is None and listing.newest_first:
                front -= 1
                placed.append((front, row))
            elif kept is None:
                placed.append((back, row))
                back += 1
            elif kept.row != row:
                placed.append((int(kept.place) - _PLACE_ZERO, row))
        _insert(self._database, connection, base.id, number, pending, placed)
        dropped = sum(_size(kept.row) for kept in ended if kept.born == pending)
        size = base.size + sum(_size(row) for _, row in placed) - dropped
        values = {"rows": number + len(placed), "front": front, "back": back, "size": size}
        connection.execute(update(bases).where(bases.c.id == base.id).values(values))


# Statements of the way that every page takes are made once: making one takes longer than carrying it out.

_BASE = select(bases).where(bases.c.id == bindparam("base"))
_KNOWN = select(rows.c.item).where(
    rows.c.base == bindparam("base"), rows.c.item.in_(bindparam("items", expanding=True)), ALIVE
)
_KEEP = (
    update(bases)
    .where(bases.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in ("token", "rows", "back", "size")})
)


def _finish(connection: Connection, listing: Listing, snapshot: Snapshot, views: Sequence[str]) -> Snapshot:
    following = Snapshot(snapshot.base, snapshot.revision + 1)
    if not mend_orders(connection, following, listing, views):
        return snapshot
    connection.execute(update(bases).where(bases.c.id == snapshot.base).values(revision=following.revision))
    return following


def _present(connection: Connection, base: int, items: Sequence[str]) -> dict[str, _Present]:
    statement = (
        select(rows, bodies.c.sections, bodies.c.source)
        .join_from(rows, bodies, bodies.c.row == rows.c.id)
        .where(rows.c.base == base, rows.c.item.in_(items), ALIVE)
    )
    present = {}
    for row in connection.execute(statement):
        keys = tuple(key for name in KEY_COLUMNS if (key := getattr(row, name)) is not None)
        present[row.item] = _Present(row.id, row.place, row.born, Row(row.item, keys, row.sections, row.source))
    return present


def _insert(
    database: Database, connection: Connection, base: int, number: int, born: int, placed: Sequence[tuple[int, Row]]
) -> None:
    ids = range(row_id(base, number), row_id(base, number + len(placed)))
    unused = (None,) * len(KEY_COLUMNS)
    made = [
        (id_, base, row.id, *(*row.keys, *unused)[: len(KEY_COLUMNS)], str(_PLACE_ZERO + place), born, FOREVER)
        for id_, (place, row) in zip(ids, placed, strict=True)
    ]
    database.insert_many(connection, rows, made)
    looks = [(id_, row.sections, row.source) for id_, (_, row) in zip(ids, placed, strict=True)]
    database.insert_many(connection, bodies, looks)


def _size(row: Row) -> int:
    return len(row.sections) + len(row.source or "")
