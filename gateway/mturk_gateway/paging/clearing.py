"""Clearing away what nobody can want any more, and what there is no room for."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, or_, select, update

from mturk_gateway.database import Database, database_now
from mturk_gateway.observing import metrics
from mturk_gateway.paging.snapshots import Snapshot
from mturk_gateway.paging.tables import (
    COMPLETE,
    DEAD,
    FAILED,
    QUEUED,
    WALKING,
    bases,
    bodies,
    journal,
    leaves,
    orders,
    pins,
    row_id,
    rows,
    views,
    walks,
    written,
)

_GRACE = 60.0
"""Seconds after its end in which a walk stays, because somebody who waited for it may not have come back yet."""
_KEPT = 7 * 86_400.0
"""Seconds for which a snapshot stays unread that need not be walked again: its upstream can say what changed."""
_MOST_PINS = 100_000
_AT_A_TIME = 5000
"""Rows that one transaction drops, so that walks need not wait long."""


class Limits(NamedTuple):
    """`lifetime` and `staleness` in seconds, as the settings; `space` in bytes, of all and of any one requester."""

    lifetime: float
    staleness: float
    space: int
    requester_space: int


class Clearing:
    """Clears both databases of paging. Blocks; one at a time is enough."""

    def __init__(self, desk: Database, stock: Database, limits: Limits) -> None:
        self._desk = desk
        self._stock = stock
        self._limits = limits
        self._trimmed: dict[int, int] = {}

    def clear(self) -> None:
        """Drop what nobody can want, then what was read longest ago until the rest has room."""
        self._forget()
        self._make_room()
        # What is there first, and only then what of it is needed: a walk is known before its base is there.
        with self._stock.reading() as connection:
            present = connection.execute(select(bases.c.id, bases.c.listing, bases.c.revision)).all()
            kept = connection.execute(select(orders.c.id, orders.c.base, orders.c.view)).all()
        needed, read = self._needed(), self._read_views()
        listings = {base.id: base.listing for base in present}
        unread = [order.id for order in kept if (listings.get(order.base), order.view) not in read]
        if unread:
            self._drop_orders(orders.c.id.in_(unread))
        for base, _, revision in present:
            if base not in needed:
                self._drop(base)
            elif revision and self._trimmed.get(base) != needed[base]:
                self._trim(Snapshot(base, needed[base]))
                self._trimmed[base] = needed[base]
        for base in self._trimmed.keys() - needed.keys():
            del self._trimmed[base]

    def _forget(self) -> None:
        """Drop walks, pins and notes of the desk that have served their time."""
        lifetime, staleness = self._limits.lifetime, self._limits.staleness
        newer = walks.alias()
        superseded = (
            select(newer.c.id)
            .where(
                newer.c.listing == walks.c.listing,
                newer.c.state == COMPLETE,
                or_(
                    newer.c.started_at > walks.c.started_at,
                    and_(newer.c.started_at == walks.c.started_at, newer.c.id > walks.c.id),
                ),
            )
            .exists()
        )
        read = select(pins.c.id).where(pins.c.base == walks.c.base).exists()
        age = database_now() - walks.c.finished_at
        unread = max(lifetime, staleness)
        unwanted = or_(
            and_(walks.c.state == FAILED, age > _GRACE),
            and_(walks.c.state == COMPLETE, superseded, age > _GRACE),
            and_(walks.c.state == COMPLETE, ~read, ~walks.c.followed, age > unread),
            and_(walks.c.state == COMPLETE, ~read, age > _KEPT),
        )
        surplus = select(pins.c.id).order_by(pins.c.used_at.desc()).offset(_MOST_PINS)
        with self._desk.writing() as connection:
            connection.execute(delete(pins).where(pins.c.used_at < database_now() - lifetime))
            connection.execute(delete(written).where(written.c.noted_at < database_now() - staleness - _GRACE))
            connection.execute(delete(walks).where(unwanted))
            connection.execute(delete(pins).where(pins.c.id.in_(surplus)))
            connection.execute(delete(views).where(views.c.used_at < database_now() - lifetime))

    def _make_room(self) -> None:
        """Let go of the bases that were read longest ago, until every requester, and all together, have room."""
        with self._stock.reading() as connection:
            present = connection.execute(
                select(bases.c.id, bases.c.requester, bases.c.size).order_by(bases.c.id.desc())
            ).all()
        size: Counter[str] = Counter()
        used = self._last_use()
        for base in sorted(present, key=lambda base: used.get(base.id, 0.0), reverse=True):
            size[base.requester] += base.size
            if size[base.requester] > self._limits.requester_space or size.total() > self._limits.space:
                size[base.requester] -= base.size
                self._let_go(base.id)
                metrics.without_space("snapshot")

    def _last_use(self) -> dict[int, float]:
        pinned = select(pins.c.base, func.max(pins.c.used_at)).group_by(pins.c.base)
        walked = (
            select(walks.c.base, func.max(walks.c.finished_at)).where(walks.c.state == COMPLETE).group_by(walks.c.base)
        )
        under_way = select(walks.c.id, database_now()).where(walks.c.state == WALKING)
        used: dict[int, float] = {}
        with self._desk.reading() as connection:
            for statement in (pinned, walked, under_way):
                for base, moment in connection.execute(statement):
                    used[base] = max(moment, used.get(base, 0.0))
        return used

    def _let_go(self, base: int) -> None:
        with self._desk.writing() as connection:
            connection.execute(delete(pins).where(pins.c.base == base))
            connection.execute(delete(walks).where(walks.c.base == base, walks.c.state == COMPLETE))

    def _needed(self) -> dict[int, int]:
        """The bases that are read or walked, and of each the oldest revision that is needed."""
        snapshots = [
            select(pins.c.base, func.min(pins.c.revision)).group_by(pins.c.base),
            select(walks.c.base, func.min(walks.c.revision)).where(walks.c.state == COMPLETE).group_by(walks.c.base),
        ]
        needed: dict[int, int] = {}
        with self._desk.reading() as connection:
            for statement in snapshots:
                for base, revision in connection.execute(statement):
                    needed[base] = min(revision, needed.get(base, revision))
            for base in connection.scalars(select(walks.c.id).where(walks.c.state.in_((QUEUED, WALKING)))):
                needed.setdefault(base, 0)
        return needed

    def _read_views(self) -> set[tuple[str | None, str]]:
        """The views that somebody reads, or has read not long ago."""
        with self._desk.reading() as connection:
            return {(row.listing, row.view) for row in connection.execute(select(views.c.listing, views.c.view))}

    def _drop_orders(self, condition: ColumnElement[bool]) -> None:
        # Nobody may find an order of which a part is gone.
        with self._stock.writing() as connection:
            connection.execute(update(orders).where(condition).values(until=0))
        self._delete(leaves, leaves.c.id, leaves.c.order.in_(select(orders.c.id).where(condition)))
        with self._stock.writing() as connection:
            connection.execute(delete(orders).where(condition))

    def _drop(self, base: int) -> None:
        first, last = row_id(base, 0), row_id(base + 1, 0) - 1
        for table, column in ((bodies, bodies.c.row), (rows, rows.c.id)):
            self._delete(table, column, column.between(first, last))
        self._drop_orders(orders.c.base == base)
        self._delete(journal, journal.c.id, journal.c.base == base)
        with self._stock.writing() as connection:
            connection.execute(delete(bases).where(bases.c.id == base))

    def _trim(self, oldest: Snapshot) -> None:
        """Drop what is part of no revision from this one on."""
        base, revision = oldest
        # Nor may anybody read a revision of which a part is gone.
        with self._stock.writing() as connection:
            connection.execute(update(bases).where(bases.c.id == base).values(oldest=revision))
        while True:
            with self._stock.writing() as connection:
                dead = select(rows.c.id).where(rows.c.base == base, rows.c.died <= revision, DEAD).limit(_AT_A_TIME)
                ids = list(connection.scalars(dead))
                if not ids:
                    break
                freed = _freed(connection, ids)
                connection.execute(update(bases).where(bases.c.id == base).values(size=bases.c.size - freed))
        of_base = select(orders.c.id).where(orders.c.base == base)
        self._delete(leaves, leaves.c.id, and_(leaves.c.order.in_(of_base), leaves.c.died <= revision))
        self._drop_orders(and_(orders.c.base == base, orders.c.until <= revision))

    def _delete(self, table: Table, key: ColumnElement[int], condition: ColumnElement[bool]) -> None:
        some = select(key).where(condition).limit(_AT_A_TIME)
        while True:
            with self._stock.writing() as connection:
                if not connection.execute(delete(table).where(key.in_(some))).rowcount:
                    return


_CHUNK = 500


def _freed(connection: Connection, ids: list[int]) -> int:
    """Drop rows, and say how many bytes they took."""
    freed = 0
    for begin in range(0, len(ids), _CHUNK):
        some = ids[begin : begin + _CHUNK]
        size = func.sum(func.length(bodies.c.sections) + func.coalesce(func.length(bodies.c.source), 0))
        freed += connection.scalar(select(size).where(bodies.c.row.in_(some))) or 0
        connection.execute(delete(bodies).where(bodies.c.row.in_(some)))
        connection.execute(delete(rows).where(rows.c.id.in_(some)))
    return freed
