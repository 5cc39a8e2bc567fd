"""Each walk sees each row of its snapshot once, none twice, none missing, while everything changes all the time."""

from __future__ import annotations

import random
from contextlib import closing
from functools import partial
from itertools import chain

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, func, select

from mturk_gateway.clock import wall_clock
from mturk_gateway.database import Database, database_now, sqlite_url
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.paging import orders as ordering
from mturk_gateway.paging import tables
from mturk_gateway.paging.bases import Bases
from mturk_gateway.paging.clearing import Clearing, Limits
from mturk_gateway.paging.orders import has_order
from mturk_gateway.paging.shelf import Shelf
from mturk_gateway.paging.snapshots import Page, Snapshot, Sought, Walk, view_name
from mturk_gateway.paging.tables import bases, bodies, leaves, orders, pins, prepare_paging, row_id, rows, walks
from mturk_gateway.settings import Settings
from mturk_translators.operations import LISTINGS, OPERATIONS
from mturk_translators.request import PageRequest, View
from mturk_translators.rows import Row
from support import PROPERTIES, fill, modern_client
from walks import Bustle, Program, at_once, bustling_walks, until


def test_walks_are_exact_while_hits_come_and_go(gateway, requester):
    """Four programs of one requester, with any size and sort, and nobody waits for anybody."""
    with Bustle(gateway.url, requester, gateway.house.marketplace) as bustle:
        walked = at_once(
            *(partial(bustling_walks, gateway.url, requester, bustle, f"program {n}", 5, n) for n in range(4))
        )

    for walk, operation in chain.from_iterable(walked):
        bustle.check(walk, operation)


def test_programs_that_cannot_be_told_apart_get_pages_that_are_right_for_their_snapshots(gateway, requester):
    """Difference 12, and nothing worse: they may exchange snapshots, which are told from each other by their totals."""
    now = int(wall_clock())
    made = fill(gateway, requester, [({}, now - 100 + n) for n in range(25)])
    unfinished = [True] * 3
    seen = []

    def make():
        with modern_client(gateway.url, requester) as modern:
            while any(unfinished):
                made.append(modern.create_hit(**PROPERTIES)["HIT"]["HITId"])

    def loop(number):
        chance = random.Random(number)
        with Program(gateway.url, requester, "twin") as program:
            for _ in range(5):
                last = chance.randrange(1, 5)
                seen.extend(program.page("SearchHITs", k, 7, SortProperty="CreationTime") for k in range(1, last + 1))
        unfinished[number] = False

    at_once(make, *(partial(loop, number) for number in range(3)))
    with Program(gateway.url, requester, "judge") as program:
        judged = program.walk("SearchHITs", SortProperty="CreationTime")

    assert set(judged.ids) == set(made)
    for page in seen:
        snapshot = set(made[: page.total])
        assert page.ids == [id_ for id_ in judged.ids if id_ in snapshot][7 * (page.number - 1) : 7 * page.number]


@pytest.fixture
def program(gateway, requester):
    with Program(gateway.url, requester) as program:
        yield program


@pytest.fixture
def numbered(gateway, requester):
    """The IDs of 30 HITs by their creation."""
    now = int(wall_clock())
    return fill(gateway, requester, [({}, now - 60 + n) for n in range(30)])


def make_another(gateway, requester):
    with modern_client(gateway.url, requester) as modern:
        return modern.create_hit(**PROPERTIES)["HIT"]["HITId"]


@pytest.mark.parametrize(
    "numbers",
    [(1, 2, 2, 2, 3, 3), (1, 3), (1, 3, 2, 1), (1, 2, 1, 2, 3), (1, 3, 2), (1, 4, 2)],
    ids=["retries", "skips", "backwards", "begins again", "turns back", "looks past the end"],
)
def test_a_program_may_ask_for_its_pages_as_it_likes(gateway, requester, program, numbered, numbers):
    """Whatever is made meanwhile. Only with page 1 does a program ask for what is new."""
    ids = list(numbered)
    expected = []
    for number in numbers:
        if number == 1:
            expected = list(ids)
        page = program.page("SearchHITs", number, 10)
        assert (page.total, page.ids) == (len(expected), expected[10 * number - 10 : 10 * number])
        ids.append(make_another(gateway, requester))


def test_a_program_that_begins_in_the_middle_stays_on_what_it_was_given(gateway, requester, program, numbered):
    """Its first page is as fresh as a page 1 would be."""
    third = program.page("SearchHITs", 3, 10)
    make_another(gateway, requester)
    fourth, second = program.page("SearchHITs", 4, 10), program.page("SearchHITs", 2, 10)

    assert {page.total for page in (third, fourth, second)} == {30}
    assert second.ids + third.ids + fourth.ids == numbered[10:]


def test_a_program_that_took_too_long_goes_on_with_a_fresh_snapshot(tmp_path):
    """Old programs do not know that anything can expire: they are given the page of what there is now."""
    with EmbeddedGateway(Settings(data=tmp_path / "data", walk_lifetime=0.05)) as gateway:
        requester = gateway.add_requester("slow")
        now = int(wall_clock())
        ids = fill(gateway, requester, [({}, now - 60 + n) for n in range(30)])
        with Program(gateway.url, requester) as program:
            assert program.page("SearchHITs", 1, 10).total == 30
            ids.append(make_another(gateway, requester))
            page = until(lambda: (page := program.page("SearchHITs", 4, 10)).total == 31 and page)

    assert page.ids == ids[30:]


def test_the_order_of_the_walk_is_that_of_the_upstream(gateway, requester, program, numbered):
    """Also of HITs that came after the listing had been walked, and it is the same whatever the direction."""
    program.page("SearchHITs")
    fill(gateway, requester, [({}, int(wall_clock()) - 20 + n) for n in range(5)])
    make_another(gateway, requester)
    with modern_client(gateway.url, requester) as modern:
        listed = [hit["HITId"] for hit in modern.list_hits(MaxResults=100)["HITs"]]
    walks = [
        program.walk("SearchHITs", 8, SortProperty="Enumeration", SortDirection=direction)
        for direction in ("Ascending", "Descending")
    ]

    assert [walk.ids for walk in walks] == [listed, listed]


HITS = LISTINGS["ListHITs"]
PAGES = OPERATIONS["SearchHITs"].pages
LISTED = Walk("r", "ListHITs", "{}")
VIEWS = [
    View(filters, sort)
    for filters in ((), (("HITStatus", ("a", "é")),), (("HITStatus", ("b",)), ("HITTypeId", ("", "a"))))
    for sort in (None, "Title", "Reward")
]
_NAMES = [view_name(view) for view in VIEWS]

_texts = st.sampled_from(["", "a", "b", "é", "\uffee", "\U0001f600"])
_ids = st.integers(0, 40).map("3H{}".format)
_rows = st.builds(
    Row, _ids, st.tuples(*[_texts] * 6), st.integers(0, 9).map("<n>{}</n>".format), st.sampled_from([None, "{}"])
)
_some_rows = st.lists(_rows, max_size=14, unique_by=lambda row: row.id)
_some_views = st.lists(st.sampled_from(_NAMES), max_size=6, unique=True)


class Model:
    """A base as it should be: rows with their places, and the views that are in order."""

    def __init__(self, id_):
        self.id = id_
        self.revision = 0
        self.token = ""
        self.cursor = "start"
        self.rows = {}
        self.kept = {}
        self.orders = set()
        self.changed = False
        self.front = 0

    @property
    def snapshot(self):
        return Snapshot(self.id, self.revision)

    def append(self, page):
        for row in page:
            if row.id not in self.rows:
                self.rows[row.id] = (len(self.rows), row)

    def change(self, page, gone):
        for id_ in gone:
            self.changed |= self.rows.pop(id_, None) is not None
        for row in page:
            if row.id not in self.rows:
                self.front -= 1
                self.rows[row.id] = (self.front, row)
                self.changed = True
            elif self.rows[row.id][1] != row:
                self.rows[row.id] = (self.rows[row.id][0], row)
                self.changed = True

    def finish(self, snapshot, wanted):
        """A revision was asked for, and this is what came."""
        if snapshot != self.snapshot:
            assert snapshot == Snapshot(self.id, self.revision + 1)
            assert self.changed
            self.revision += 1
            self.orders &= wanted
        else:
            # What came and went again is nothing new.
            assert self.kept == self.rows
        self.changed = False
        self.kept = dict(self.rows)


class Paging(RuleBasedStateMachine):
    """One listing: walked now and then, followed meanwhile, and read by programs that hold on to what they began."""

    desk: Database
    stock: Database
    ends_orders: bool

    def __init__(self):
        super().__init__()
        for database, metadata in ((self.desk, tables.desk), (self.stock, tables.stock)):
            with database.writing() as connection:
                for table in metadata.sorted_tables:
                    if table.name != "layout":
                        connection.execute(delete(table))
        # All views are read all the time: what becomes of the others is tested elsewhere.
        with self.desk.writing() as connection:
            for name in _NAMES:
                read = {"listing": LISTED.listing, "view": name, "used_at": database_now(), "asked": 0, "made": 0}
                connection.execute(tables.views.insert().values(read))
        self.bases = Bases(self.stock)
        self.shelf = Shelf(self.stock)
        self.clearing = Clearing(self.desk, self.stock, Limits(900.0, 600.0, 2**40, 2**40))
        self.numbers = 0
        self.walking = None
        self.newest = None
        self.snapshots = {}
        self.views = {}
        self.pinned = []

    def note_walk(self, state, snapshot=None):
        """Keep a walk as the queue would, ended a while ago."""
        self.numbers += 1
        base, revision = snapshot or (None, None)
        with self.desk.writing() as connection:
            connection.execute(
                walks.insert().values(
                    **LISTED._asdict(),
                    listing=LISTED.listing,
                    id=self.numbers,
                    kind="walk",
                    state=state,
                    base=base,
                    revision=revision,
                    queued_at=0.0,
                    started_at=database_now() - 200.0 + self.numbers / 1000,
                    finished_at=database_now() - 100.0,
                )
            )
        return self.numbers

    def keep_snapshot(self, base):
        if base.snapshot not in self.snapshots:
            self.snapshots[base.snapshot] = dict(base.kept)
            self.views[base.snapshot] = set(base.orders)
        self.note_walk("complete", base.snapshot)

    @precondition(lambda self: self.walking is None)
    @rule()
    def begin(self):
        self.walking = Model(self.note_walk("walking"))
        self.bases.begin(self.walking.id, LISTED)

    @precondition(lambda self: self.walking)
    @rule(page=_some_rows, again=st.booleans())
    def keep(self, page, again):
        walk = self.walking
        fresh = sum(row.id not in walk.rows for row in page)
        following = f"{walk.token}+"
        kept = self.bases.keep(walk.id, walk.token, page + page[:1] * again, following, walk.cursor)
        walk.append(page)
        assert (kept.fresh, kept.rows) == (fresh, len(walk.rows))
        assert self.bases.keep(walk.id, walk.token, page, "late", None) is None
        walk.token = following

    @precondition(lambda self: self.walking and self.walking.token)
    @rule(page=_some_rows, views=_some_views)
    def complete(self, page, views):
        walk, self.walking = self.walking, None
        self.bases.keep(walk.id, walk.token, page, None, None)
        walk.append(page)
        walk.kept = dict(walk.rows)
        for view in views:
            self.bases.arrange(HITS, walk.id, view)
        walk.orders = set(views)
        with self.desk.writing() as connection:
            connection.execute(delete(walks).where(walks.c.id == walk.id))
        self.newest = walk
        self.keep_snapshot(walk)

    @precondition(lambda self: self.newest)
    @rule(view=st.sampled_from(_NAMES))
    def arrange(self, view):
        self.bases.arrange(HITS, self.newest.id, view)
        self.newest.orders.add(view)
        self.views[self.newest.snapshot].add(view)

    @precondition(lambda self: self.newest)
    @rule(page=_some_rows, gone=st.lists(_ids, max_size=5))
    def change(self, page, gone):
        base = self.newest
        gone = [id_ for id_ in gone if id_ not in {row.id for row in page}]
        following = f"{base.cursor}+"
        assert self.bases.change(HITS, base.id, base.cursor, page, gone, following)
        assert not self.bases.change(HITS, base.id, base.cursor, page, gone, "late")
        base.cursor = following
        base.change(page, gone)

    @precondition(lambda self: self.newest)
    @rule(wanted=_some_views)
    def finish(self, wanted):
        self.finished(self.bases.finish(HITS, self.newest.id, wanted), wanted)

    @precondition(lambda self: self.newest)
    @rule(page=_some_rows, gone=st.lists(_ids, max_size=5), wanted=_some_views)
    def amend(self, page, gone, wanted):
        base = self.newest
        gone = [id_ for id_ in gone if id_ not in {row.id for row in page}]
        if base.revision:
            late = Snapshot(base.id, base.revision - 1)
            assert self.bases.amend(HITS, late, page, gone, wanted) is None
        base.change(page, gone)
        self.finished(self.bases.amend(HITS, base.snapshot, page, gone, wanted), wanted)

    def finished(self, snapshot, wanted):
        with self.stock.reading() as connection:
            made = {view for view in _NAMES if has_order(connection, snapshot.base, view)}
        # Where much has changed, orders are made again when somebody wants them.
        assert made <= self.newest.orders
        self.newest.finish(snapshot, made if self.ends_orders else set(wanted))
        self.keep_snapshot(self.newest)

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def pin(self, data):
        snapshot = data.draw(st.sampled_from(sorted(self.snapshots)))
        self.pinned.append(snapshot)
        with self.desk.writing() as connection:
            connection.execute(pins.insert().values(walker="w", **snapshot._asdict(), page=1, used_at=database_now()))

    @precondition(lambda self: self.pinned)
    @rule(data=st.data())
    def unpin(self, data):
        snapshot = self.pinned.pop(data.draw(st.integers(0, len(self.pinned) - 1)))
        with self.desk.writing() as connection:
            some = select(pins.c.id).where(pins.c.base == snapshot.base, pins.c.revision == snapshot.revision).limit(1)
            connection.execute(delete(pins).where(pins.c.id.in_(some)))

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data(), view=st.sampled_from(VIEWS), descending=st.booleans(), size=st.integers(1, 30))
    def read(self, data, view, descending, size):
        snapshot = data.draw(st.sampled_from(sorted(self.snapshots)))
        self.check_view(snapshot, view, size, descending=descending)

    def check_view(self, snapshot, view, size, *, descending):
        held = self.snapshots[snapshot]
        if view_name(view) not in self.views[snapshot]:
            return
        expected = self.expected(held, view)
        if descending and view.sort:
            expected.reverse()
        asked = View(view.filters, view.sort, descending and view.sort is not None)
        for number in range(1, len(expected) // size + 3):
            request = PageRequest(PAGES, {}, asked, number, size)
            page = self.shelf.read(snapshot, Sought(LISTED, view_name(view), request))
            part = [(row.sections, row.source) for row in expected[size * (number - 1) : size * number]]
            assert page == Page(len(expected), part)

    @staticmethod
    def expected(held, view):
        members = [key.member for key in HITS.keys]
        found = [
            (row.keys[members.index(view.sort)] if view.sort else place, row.id, row)
            for place, row in held.values()
            if all(row.keys[members.index(member)] in values for member, values in view.filters)
        ]
        return [row for _, _, row in sorted(found, key=lambda entry: entry[:2])]

    @rule()
    def clear(self):
        self.clearing.clear()
        needed = list(self.pinned)
        if self.newest:
            needed.append(self.newest.snapshot)
        oldest = {}
        for base, revision in needed:
            oldest[base] = min(revision, oldest.get(base, revision))
        for snapshot in list(self.snapshots):
            if snapshot.revision < oldest.get(snapshot.base, 2**31):
                del self.snapshots[snapshot], self.views[snapshot]
        if self.walking:
            oldest[self.walking.id] = 0
        self.check_stock(oldest)

    def check_stock(self, oldest):
        """Of each base nothing is left that ended before the oldest revision that somebody needs."""
        with self.stock.reading() as connection:
            assert set(connection.scalars(select(bases.c.id))) == set(oldest)
            left = connection.execute(select(rows.c.id, rows.c.base, rows.c.died)).all()
            assert all(died > oldest[base] for _, base, died in left)
            assert set(connection.scalars(select(bodies.c.row))) == {row.id for row in left}
            ordered = {row.id: row for row in connection.execute(select(orders))}
            assert all(order.until > oldest[order.base] for order in ordered.values())
            for order, died in connection.execute(select(leaves.c.order, leaves.c.died)):
                assert died > oldest[ordered[order].base]

    def teardown(self):
        for snapshot in self.snapshots:
            for view in VIEWS:
                self.check_view(snapshot, view, 7, descending=True)
        with self.stock.reading() as connection:
            size = func.sum(func.length(bodies.c.sections) + func.coalesce(func.length(bodies.c.source), 0))
            for base, counted in connection.execute(select(bases.c.id, bases.c.size)):
                mine = bodies.c.row.between(row_id(base, 0), row_id(base + 1, 0) - 1)
                assert counted == (connection.scalar(select(size).where(mine)) or 0)


@pytest.mark.parametrize("most_mended", [50_000, 8], ids=["mended", "made anew where much has changed"])
def test_what_is_kept_is_what_is_read(tmp_path, monkeypatch, most_mended):
    """Any pages, changes, views, readers and clearings, in any sequence, against plain lists in memory."""
    monkeypatch.setattr(ordering, "_RUN", 3)
    monkeypatch.setattr(ordering, "_MOST_MENDED", most_mended)
    with (
        closing(Database(sqlite_url(tmp_path / "walks.db"), durable=False)) as desk,
        closing(Database(sqlite_url(tmp_path / "snapshots.db"), durable=False)) as stock,
    ):
        prepare_paging(desk, stock)
        ends_orders = most_mended < 50_000
        run_state_machine_as_test(
            type("Machine", (Paging,), {"desk": desk, "stock": stock, "ends_orders": ends_orders}),
            settings=settings(
                max_examples=25,
                stateful_step_count=40,
                deadline=None,
                # To look for a shorter way to a failure takes minutes.
                phases=[Phase.generate],
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
