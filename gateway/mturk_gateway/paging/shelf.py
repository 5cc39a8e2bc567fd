"""The rows of pages, read from their snapshot."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import accumulate
from threading import Lock
from typing import NamedTuple

from cachetools import LRUCache
from sqlalchemy import Connection, bindparam, select

from mturk_gateway.database import Database
from mturk_gateway.paging.snapshots import Page, Snapshot, Sought
from mturk_gateway.paging.tables import leaves, orders, row_id

_DIRECTORIES = 256

_ORDER = select(orders.c.id).where(
    orders.c.base == bindparam("base"),
    orders.c.view == bindparam("view"),
    orders.c.until > bindparam("revision"),
    orders.c.since <= bindparam("revision"),
)
_LEAVES = (
    select(leaves.c.id, leaves.c.count)
    .where(
        leaves.c.order == bindparam("order"),
        leaves.c.died > bindparam("revision"),
        leaves.c.born <= bindparam("revision"),
    )
    .order_by(leaves.c.key, leaves.c.item)
)
_LEAF = select(leaves.c.rows).where(leaves.c.id == bindparam("leaf"))


class _Directory(NamedTuple):
    """The leaves of an order at a revision, and the position after each."""

    leaves: array[int]
    ends: array[int]

    @property
    def total(self) -> int:
        return self.ends[-1] if self.ends else 0


class Shelf:
    """Reads pages from the rows of all snapshots. Blocks; any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._directories: LRUCache[tuple[Snapshot, str], _Directory] = LRUCache(_DIRECTORIES)
        self._lock = Lock()

    def read(self, snapshot: Snapshot, sought: Sought) -> Page | None:
        """A page; None when the snapshot is gone, or the order of the view has not been made in it."""
        request = sought.page
        with self._database.reading() as connection:
            directory = self._directory(connection, snapshot, sought.view)
            if directory is None:
                return None
            total = directory.total
            start = (request.number - 1) * request.size
            end = min(start + request.size, total)
            if start >= total:
                return Page(total, [])
            if request.view.descending:
                start, end = total - end, total - start
            first = row_id(snapshot.base, 0)
            numbers = _numbers(connection, directory, start, end)
            if numbers is None:
                return None
            ids = [first + number for number in numbers]
            # The driver takes numbers as they are; SQLAlchemy takes longer to write them than SQLite to find the rows.
            statement = f"SELECT row, sections, source FROM bodies WHERE row IN ({','.join(map(str, ids))})"  # noqa: S608
            found = {row: (sections, source) for row, sections, source in connection.exec_driver_sql(statement)}
        if len(found) < len(ids):
            return None
        if request.view.descending:
            ids.reverse()
        return Page(total, [found[id_] for id_ in ids])

    def _directory(self, connection: Connection, snapshot: Snapshot, view: str) -> _Directory | None:
        with self._lock:
            known = self._directories.get((snapshot, view))
        if known is not None:
            return known
        order = connection.scalar(_ORDER, {"base": snapshot.base, "view": view, "revision": snapshot.revision})
        if order is None:
            return None
        found = connection.execute(_LEAVES, {"order": order, "revision": snapshot.revision}).all()
        ends = array("q", accumulate(count for _, count in found))
        made = _Directory(array("q", [leaf for leaf, _ in found]), ends)
        with self._lock:
            self._directories[snapshot, view] = made
        return made


def _numbers(connection: Connection, directory: _Directory, start: int, end: int) -> array[int] | None:
    numbers = array("I")
    position = bisect_right(directory.ends, start)
    while start < end:
        blob = connection.scalar(_LEAF, {"leaf": directory.leaves[position]})
        if blob is None:
            return None
        leaf = array("I", blob)
        begin = directory.ends[position] - len(leaf)
        numbers.extend(leaf[start - begin : end - begin])
        start = directory.ends[position]
        position += 1
    return numbers
