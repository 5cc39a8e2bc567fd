"""Orders: the sequence of a view's rows, made by sorting and mended when rows change."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, delete, insert, select, update

from mturk_gateway.paging.snapshots import Snapshot, view_of
from mturk_gateway.paging.tables import ALIVE, DEAD, FOREVER, KEY_COLUMNS, LATER, leaves, orders, row_id, rows
from mturk_translators.listing import Listing
from mturk_translators.request import View

_RUN = 512
"""Rows in a leaf when it is made; one that grows to more than twice that is divided."""

_MOST = 200
"""Orders of a base that are kept at a time."""

_MOST_MENDED = 50_000
"""Changes up to which orders are mended; with more, to sort anew those that are read takes less time and memory."""


class _Sorting(NamedTuple):
    """What a view selects, and what it is sorted by, in columns of the rows."""

    key: Column[str]
    filters: tuple[tuple[Column[str], tuple[str, ...]], ...]

    @classmethod
    def of(cls, listing: Listing, view: View) -> _Sorting:
        columns = {key.member: rows.c[column] for key, column in zip(listing.keys, KEY_COLUMNS, strict=False)}
        key = columns[view.sort] if view.sort else rows.c.place
        return cls(key, tuple((columns[member], values) for member, values in view.filters))

    def key_of(self, row: Row[tuple[object, ...]]) -> str:
        key: str = getattr(row, self.key.name)
        return key

    def holds(self, row: Row[tuple[object, ...]]) -> bool:
        return all(getattr(row, column.name) in values for column, values in self.filters)

    def selected(self, snapshot: Snapshot) -> Select[Any]:
        conditions: list[ColumnElement[bool]] = [column.in_(values) for column, values in self.filters]
        return select(rows.c.id).where(*_within(snapshot), *conditions).order_by(self.key, rows.c.item)


def _within(snapshot: Snapshot) -> tuple[ColumnElement[bool], ...]:
    return (
        rows.c.id.between(row_id(snapshot.base, 0), row_id(snapshot.base + 1, 0) - 1),
        rows.c.born <= snapshot.revision,
        rows.c.died > snapshot.revision,
    )


class _Leaf(NamedTuple):
    key: str
    item: str
    numbers: array[int]


def has_order(connection: Connection, base: int, name: str) -> bool:
    """Whether the present order of a view has been made."""
    statement = select(orders.c.id).where(orders.c.base == base, orders.c.view == name, orders.c.until == FOREVER)
    return connection.scalar(statement) is not None


def sort_rows(connection: Connection, snapshot: Snapshot, listing: Listing, name: str) -> list[_Leaf]:
    """The leaves of a view's order, from the rows."""
    sorting = _Sorting.of(listing, view_of(name))
    found = connection.execution_options(stream_results=True).scalars(sorting.selected(snapshot))
    start = row_id(snapshot.base, 0)
    runs = [array("I", [row - start for row in run]) for run in found.partitions(_RUN)]
    firsts = _keys(connection, sorting, snapshot.base, [run[0] for run in runs])
    return [_Leaf(*firsts[run[0]], run) for run in runs]


def store_order(connection: Connection, snapshot: Snapshot, name: str, made: Iterable[_Leaf]) -> None:
    """Store the order of a view from this snapshot on. Of very many, the oldest makes room."""
    current = select(orders.c.id).where(orders.c.base == snapshot.base, orders.c.until == FOREVER)
    surplus = list(connection.scalars(current.order_by(orders.c.id.desc()).offset(_MOST - 1)))
    if surplus:
        connection.execute(delete(leaves).where(leaves.c.order.in_(surplus)))
        connection.execute(delete(orders).where(orders.c.id.in_(surplus)))
    statement = (
        insert(orders)
        .values(base=snapshot.base, view=name, since=snapshot.revision, until=FOREVER)
        .returning(orders.c.id)
    )
    _store(connection, connection.execute(statement).scalar_one(), snapshot.revision, made)


def mend_orders(connection: Connection, snapshot: Snapshot, listing: Listing, wanted: Sequence[str]) -> bool:
    """Make the changes of a new snapshot's rows to the orders of its base; False if there were none.

    Orders of views that are not wanted end here, and are made anew if somebody wants them again.
    """
    of_base = rows.c.base == snapshot.base
    changes = select(rows).where(of_base)
    removed = changes.where(rows.c.died == snapshot.revision, DEAD)
    added = changes.where(rows.c.born == snapshot.revision, LATER, ALIVE)
    fallen = connection.execute(removed.limit(_MOST_MENDED)).all()
    risen = connection.execute(added.limit(_MOST_MENDED)).all()
    if not (fallen or risen):
        return False
    many = len(fallen) + len(risen) >= _MOST_MENDED
    current = select(orders.c.id, orders.c.view).where(orders.c.base == snapshot.base, orders.c.until == FOREVER)
    for order, name in connection.execute(current).all():
        if many or name not in wanted:
            connection.execute(update(orders).where(orders.c.id == order).values(until=snapshot.revision))
        else:
            _mend(connection, snapshot, order, _Sorting.of(listing, view_of(name)), fallen, risen)
    return True


def _mend(
    connection: Connection,
    snapshot: Snapshot,
    order: int,
    sorting: _Sorting,
    fallen: Sequence[Row[tuple[object, ...]]],
    risen: Sequence[Row[tuple[object, ...]]],
) -> None:
    start = row_id(snapshot.base, 0)
    present = connection.execute(
        select(leaves.c.id, leaves.c.key, leaves.c.item, leaves.c.rows)
        .where(leaves.c.order == order, leaves.c.died == FOREVER)
        .order_by(leaves.c.key, leaves.c.item)
    ).all()
    firsts = [(leaf.key, leaf.item) for leaf in present]
    left = {(sorting.key_of(row), row.item): row for row in fallen if sorting.holds(row)}
    mended: dict[int, _Mending] = defaultdict(_Mending)
    for row in filter(sorting.holds, risen):
        key = (sorting.key_of(row), row.item)
        mending = mended[_where(firsts, key)]
        old = left.pop(key, None)
        if old is None:
            mending.come.append(row.id - start)
        else:
            # What changed is not what it is sorted by, as with most changes: the new row stands where the old one did.
            mending.replaced[old.id - start] = row.id - start
    for key, row in left.items():
        mended[_where(firsts, key)].gone.add(row.id - start)
    made: list[_Leaf] = []
    for position, mending in sorted(mended.items()):
        before = array("I", present[position].rows) if position < len(present) else array("I")
        numbers = mending.applied(before)
        if mending.come:
            keys = _keys(connection, sorting, snapshot.base, [*numbers, *mending.come])
            made += _divide(sorted(keys, key=keys.__getitem__), keys)
        elif numbers:
            made += _divide(numbers, _keys(connection, sorting, snapshot.base, numbers[:1]))
    outlived = [present[position].id for position in mended if position < len(present)]
    connection.execute(update(leaves).where(leaves.c.id.in_(outlived)).values(died=snapshot.revision))
    _store(connection, order, snapshot.revision, made)


@dataclass
class _Mending:
    """What becomes of a leaf: numbers that others take the place of, that go, and that come wherever they belong."""

    replaced: dict[int, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    come: list[int] = field(default_factory=list)

    def applied(self, numbers: array[int]) -> list[int]:
        return [self.replaced.get(number, number) for number in numbers if number not in self.gone]


def _where(firsts: list[tuple[str, str]], key: tuple[str, str]) -> int:
    return max(bisect_right(firsts, key) - 1, 0)


def _divide(numbers: Sequence[int], keys: dict[int, tuple[str, str]]) -> Iterator[_Leaf]:
    """The leaves of a run, of which the keys of all rows that may come first are given."""
    step = len(numbers) if len(numbers) <= 2 * _RUN else _RUN
    for begin in range(0, len(numbers), step):
        run = array("I", numbers[begin : begin + step])
        yield _Leaf(*keys[run[0]], run)


def _keys(connection: Connection, sorting: _Sorting, base: int, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    start = row_id(base, 0)
    keys = {}
    for begin in range(0, len(numbers), _CHUNK):
        ids = ",".join([str(start + number) for number in numbers[begin : begin + _CHUNK]])
        # The driver takes numbers as they are; SQLAlchemy takes longer to write them than SQLite to find the rows.
        statement = f"SELECT id, {sorting.key.name}, item FROM rows WHERE id IN ({ids})"  # noqa: S608
        keys.update({id_ - start: (key, item) for id_, key, item in connection.exec_driver_sql(statement)})
    return keys


_CHUNK = 1000
"""Ids in one statement."""


def _store(connection: Connection, order: int, revision: int, made: Iterable[_Leaf]) -> None:
    values = [
        {
            "order": order,
            "born": revision,
            "died": FOREVER,
            "key": leaf.key,
            "item": leaf.item,
            "count": len(leaf.numbers),
            "rows": leaf.numbers.tobytes(),
        }
        for leaf in made
    ]
    if values:
        connection.execute(insert(leaves), values)
