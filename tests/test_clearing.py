"""Clearing away, while others read and walk: at every moment of it they find all, or are told that there is nothing."""

from __future__ import annotations

import itertools
from contextlib import contextmanager

import pytest
from sqlalchemy import event, select

from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.paging import clearing as clearing_module
from mturk_gateway.paging import orders as orders_module
from mturk_gateway.paging.bases import Bases
from mturk_gateway.paging.clearing import Clearing, Limits
from mturk_gateway.paging.desk import Desk, Rules
from mturk_gateway.paging.queue import WalkQueue
from mturk_gateway.paging.shelf import Shelf
from mturk_gateway.paging.snapshots import Snapshot, Sought, Walk, view_of
from mturk_gateway.paging.tables import bases, pins, prepare_paging, views, walks
from mturk_gateway.paging.writes import Writes
from mturk_translators.operations import OPERATIONS
from mturk_translators.request import PageRequest
from mturk_translators.rows import Row
from mturk_translators.shapes.hits import HITS

LISTED = Walk("r", "ListHITs", "{}")
VIEW = '[[], "Title"]'
LIMITS = Limits(900.0, 600.0, 2**40, 2**40)
FIRST = Sought(LISTED, VIEW, PageRequest(OPERATIONS["SearchHITs"].pages, {}, view_of(VIEW), 1, 100))


def row(number, title="t"):
    return Row(f"3{number:03}", ("", "", title, "", "", ""), f"<n>{number}</n>", None)


class Paging:
    """Both databases with a complete walk of forty rows, followed by a change of every second one."""

    def __init__(self, folder):
        self.desk, self.stock = (Database(sqlite_url(folder / name), durable=False) for name in ("w.db", "s.db"))
        prepare_paging(self.desk, self.stock)
        self.bases, self.queue = Bases(self.stock), WalkQueue(self.desk, 30.0)
        self.clearing = Clearing(self.desk, self.stock, LIMITS)
        first = self.walk()
        self.bases.begin(first, LISTED)
        self.bases.keep(first, "", [row(number) for number in range(40)], None, "c")
        self.bases.arrange(HITS, first, VIEW)
        self.old = Snapshot(first, 0)
        self.queue.complete(first, self.old, followed=True)
        second = self.walk()
        self.bases.change(HITS, first, "c", [row(number, "u") for number in range(0, 40, 2)], [row(1).id], "d")
        self.new = self.bases.finish(HITS, first, [VIEW])
        self.queue.complete(second, self.new, followed=True)

    def walk(self):
        # None of the walks before is entitled any more.
        writes = Writes(self.desk)
        writes.note(LISTED.requester, None)
        Desk(self.desk, writes, Rules(5.0, 25.0, 600.0, 900.0)).want(LISTED, VIEW)
        return self.queue.take().id

    def age(self, seconds):
        """Nothing has happened for so long."""
        with self.desk.writing() as connection:
            connection.execute(walks.update().values(finished_at=walks.c.finished_at - seconds))
            connection.execute(pins.update().values(used_at=pins.c.used_at - seconds))
            connection.execute(views.update().values(used_at=views.c.used_at - seconds))

    def close(self):
        self.desk.close()
        self.stock.close()


@pytest.fixture
def paging(tmp_path, monkeypatch):
    monkeypatch.setattr(orders_module, "_RUN", 3)
    monkeypatch.setattr(clearing_module, "_AT_A_TIME", 2)
    made = []
    numbers = itertools.count()

    def make():
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        made.append(Paging(folder))
        return made[-1]

    yield make
    for one in made:
        one.close()


@contextmanager
def at_every_commit(database, look):
    """Call a function after every transaction of a database."""
    event.listen(database.engine, "commit", look)
    yield
    event.remove(database.engine, "commit", look)


@pytest.mark.parametrize("unread", ["the snapshot before", "the view", "the base"])
def test_no_page_is_cut_from_what_is_being_cleared_away(paging, unread):
    one = paging()
    one.age({"the snapshot before": 100.0, "the view": 1000.0, "the base": 8 * 86_400.0}[unread])
    if unread == "the base":
        with one.desk.writing() as connection:
            connection.execute(walks.delete())
    totals = {one.old: 40, one.new: 39}
    looked = []

    def look(_connection):
        for snapshot, total in totals.items():
            page = Shelf(one.stock).read(snapshot, FIRST)
            assert page is None or (page.total, len(page.rows)) == (total, total)
            looked.append(page is None)

    with at_every_commit(one.stock, look):
        one.clearing.clear()

    assert True in looked
    assert False in looked


def test_a_walk_that_begins_while_others_are_cleared_away_keeps_its_rows(paging):
    """Whatever clearing has looked at by then."""
    for moment in itertools.count():
        one = paging()
        counted = itertools.count()
        begun = []

        def begin(connection, one=one, counted=counted, begun=begun, moment=moment):
            if not connection.get_execution_options().get("writing") and not begun and next(counted) == moment:
                begun.append(0)
                walk = begun[0] = one.walk()
                one.bases.begin(walk, LISTED)
                one.bases.keep(walk, "", [row(number) for number in range(5)], "more", None)

        for database in (one.desk, one.stock):
            event.listen(database.engine, "begin", begin)
        one.clearing.clear()
        for database in (one.desk, one.stock):
            event.remove(database.engine, "begin", begin)
        if not begun:
            break
        with one.stock.reading() as connection:
            assert begun[0] in connection.scalars(select(bases.c.id)).all()

    # Otherwise nothing was tried.
    assert moment > 1
