"""The rows of pages, read from their snapshot."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import accumulate
from threading import Lock
from typing import NamedTuple

from cachetools import LRUCache
from sqlalchemy import and_, bindparam, select

from mturk_gateway.database import Database
from mturk_gateway.paging.snapshots import Page, Snapshot, Sought
from mturk_gateway.paging.tables import bases, leaves, orders, row_id

_DIRECTORIES = 256

_DIRECTORY = (
    select(leaves.c.id, leaves.c.count)
    .select_from(
        orders.join(bases, bases.c.id == orders.c.base).outerjoin(
            leaves,
            and_(
                leaves.c.order == orders.c.id,
                leaves.c.died > bindparam("revision"),
                leaves.c.born <= bindparam("revision"),
            ),
        )
    )
    .where(
        orders.c.base == bindparam("base"),
        orders.c.view == bindparam("view"),
        orders.c.until > bindparam("revision"),
        orders.c.since <= bindparam("revision"),
        bases.c.oldest <= bindparam("revision"),
    )
    .order_by(leaves.c.key, leaves.c.item)
)
"""One statement, which sees one state: an order whose leaves are being cleared away must not look like a short one.

An order without leaves gives a single row without values.
"""
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
        self._quick = database.quick
        self._directory_of, self._leaf = map(database.quick.prepare, (_DIRECTORY, _LEAF))
        self._directories: LRUCache[tuple[Snapshot, str], _Directory] = LRUCache(_DIRECTORIES)
        self._lock = Lock()

    def read(self, snapshot: Snapshot, sought: Sought) -> Page | None:
        """A page; None when the snapshot is gone, or the order of the view has not been made in it.

        Beside the directory it takes several reads, which need not see one state: rows and leaves never change, they
        only go.
        """
        request = sought.page
        directory = self._directory(snapshot, sought.view)
        if directory is None:
            return None
        total = directory.total
        start = (request.number - 1) * request.size
        end = min(start + request.size, total)
        if start >= total:
            return Page(total, [])
        if request.view.descending:
            start, end = total - end, total - start
        numbers = self._numbers(directory, start, end)
        first = row_id(snapshot.base, 0)
        ids = ",".join([str(first + number) for number in numbers])
        read = self._quick.run(f"SELECT row, sections, source FROM bodies WHERE row IN ({ids})")  # noqa: S608
        found = {row - first: (sections, source) for row, sections, source in read}
        if len(found) < end - start:
            return None
        if request.view.descending:
            numbers.reverse()
        return Page(total, [found[number] for number in numbers])

    def _directory(self, snapshot: Snapshot, view: str) -> _Directory | None:
        with self._lock:
            known = self._directories.get((snapshot, view))
        if known is not None:
            return known
        read = self._directory_of({"view": view, **snapshot._asdict()})
        if not read:
            return None
        found = [leaf for leaf in read if leaf[0] is not None]
        ends = array("q", accumulate(count for _, count in found))
        made = _Directory(array("q", [leaf for leaf, _ in found]), ends)
        with self._lock:
            self._directories[snapshot, view] = made
        return made

    def _numbers(self, directory: _Directory, start: int, end: int) -> array[int]:
        """The numbers of the rows in these places; fewer if the leaves are gone."""
        numbers = array("I")
        position = bisect_right(directory.ends, start)
        while start < end:
            for (rows,) in self._leaf({"leaf": directory.leaves[position]}):
                leaf = array("I", rows)
                begin = directory.ends[position] - len(leaf)
                numbers.extend(leaf[start - begin : end - begin])
            start = directory.ends[position]
            position += 1
        return numbers
