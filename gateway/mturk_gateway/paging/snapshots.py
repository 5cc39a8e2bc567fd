"""Snapshots from the side of those who read pages: which one a request may use, its views, and its pages."""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, case, delete, func, insert, literal, or_, select, update

from mturk_gateway.database import Database, database_now
from mturk_gateway.paging.queue import error_from_text
from mturk_gateway.paging.tables import KEY_COLUMNS, pins, places, rows, views, walks, writes
from mturk_translators.faults import ModernError
from mturk_translators.operation import Listing
from mturk_translators.request import PageRequest, View

# The statements of the way that most pages take are made once: making one takes longer than carrying it out.

_ENTITLED = (
    select(walks.c.id, walks.c.state)
    .where(
        walks.c.listing == bindparam("listing"),
        or_(
            walks.c.state == "walking",
            and_(
                walks.c.state == "complete",
                or_(
                    walks.c.started_at >= database_now() - bindparam("freshness"),
                    and_(
                        walks.c.finished_at - walks.c.started_at >= bindparam("patience"),
                        walks.c.finished_at >= database_now() - bindparam("patience"),
                    ),
                ),
            ),
        ),
        walks.c.writes_seen
        >= select(func.coalesce(func.max(writes.c.count), 0))
        .where(writes.c.requester == bindparam("requester"))
        .scalar_subquery(),
    )
    .order_by(walks.c.state, walks.c.id.desc())
    .limit(1)
)

_VIEW = select(views.c.id, views.c.total).where(views.c.walk == bindparam("walk"), views.c.view == bindparam("view"))

_PINNED = (
    select(pins.c.id, pins.c.walk)
    .where(pins.c.walker == bindparam("walker"), pins.c.used_at >= database_now() - bindparam("lifetime"))
    .order_by(
        case((pins.c.page == bindparam("page") - 1, 0), (pins.c.page == bindparam("page"), 1), else_=2), pins.c.id
    )
    .limit(1)
)

_ADVANCE = update(pins).where(pins.c.id == bindparam("pin")).values(page=bindparam("read"), used_at=database_now())

_ON_PAGE = (
    select(rows.c.sections, rows.c.source)
    .join_from(places, rows, and_(rows.c.walk == bindparam("walk"), rows.c.position == places.c.row))
    .where(places.c.view == bindparam("view"), places.c.position.between(bindparam("start"), bindparam("end")))
)
_FORWARDS = _ON_PAGE.order_by(places.c.position)
_BACKWARDS = _ON_PAGE.order_by(places.c.position.desc())


class Walk(NamedTuple):
    """What walking is about: a requester's listing. `requester` is the access key."""

    requester: str
    operation: str
    params: str

    @property
    def listing(self) -> str:
        """Names the listing in the whole deployment."""
        return f"{self.requester} {self.operation} {self.params}"


class Wanted(NamedTuple):
    """The walk that a request shall read: one that is complete, or one to wait for."""

    walk: int
    complete: bool


class Page(NamedTuple):
    """One page as it was kept: how many rows the view has, and sections and source of the rows on the page."""

    total: int
    rows: list[tuple[str, str | None]]


class Pin(NamedTuple):
    """A client's way from page to page: the walk that it stays on."""

    id: int
    walk: int


def walk_of(requester: str, page: PageRequest) -> Walk:
    """The walk that a page needs."""
    return Walk(requester, page.pages.listing.modern, json.dumps(page.params, sort_keys=True))


class Snapshots:
    """The snapshot database. Every method is one transaction and blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note_write(self, requester: str) -> None:
        """Record that a write of the requester was acknowledged: only walks that begin from now on will do."""
        statement = self._database.insert_or_update(writes, ["requester"], {"count": writes.c.count + 1})
        with self._database.writing() as connection:
            connection.execute(statement, {"requester": requester, "count": 1})

    def want(self, walk: Walk, freshness: float, patience: float) -> Wanted:
        """The newest complete walk that is entitled to answer now, or else one to wait for, queued if need be.

        Entitled is a complete walk that began after the requester's last write and at most `freshness` seconds ago. A
        listing that nobody is patient enough to wait for (`patience` seconds) is entitled as long after its end, or a
        client that comes back would never find it done. One that is under way is worth waiting for whenever it began:
        waiting for the next could go on for ever.
        """
        with self._database.reading() as connection:
            wanted = self._entitled(connection, walk, freshness, patience)
        if wanted:
            return wanted
        with self._database.writing() as connection:
            wanted = self._entitled(connection, walk, freshness, patience)
            return wanted or Wanted(self._queued(connection, walk), complete=False)

    @staticmethod
    def _entitled(connection: Connection, walk: Walk, freshness: float, patience: float) -> Wanted | None:
        given = {
            "listing": walk.listing,
            "requester": walk.requester,
            "freshness": freshness,
            "patience": patience,
        }
        found = connection.execute(_ENTITLED, given).first()
        return Wanted(found.id, found.state == "complete") if found else None

    def _queued(self, connection: Connection, walk: Walk) -> int:
        waiting = connection.scalar(
            select(walks.c.id).where(walks.c.listing == walk.listing, walks.c.state == "queued")
        )
        if waiting is not None:
            return int(waiting)
        made = connection.execute(
            insert(walks)
            .values(listing=walk.listing, **walk._asdict(), state="queued", queued_at=database_now())
            .returning(walks.c.id)
        )
        return int(made.scalar_one())

    def finished(self, ids: list[int]) -> dict[int, ModernError | None]:
        """Those of the walks that have ended, with the error that ended them, None for complete ones.

        A walk that is no longer there has ended with an error, too.
        """
        with self._database.reading() as connection:
            found = connection.execute(
                select(walks.c.id, walks.c.state, walks.c.error).where(walks.c.id.in_(ids))
            ).all()
        ended = {
            row.id: error_from_text(row.error) if row.error else None
            for row in found
            if row.state in ("complete", "failed")
        }
        gone = set(ids) - {row.id for row in found}
        return ended | {walk: ModernError("Unreachable", "the walk is gone", status=0) for walk in gone}

    def read(self, walk: int, page: PageRequest) -> Page | None:
        """A page of a complete walk; None when the walk is gone. The order of a view is stored on its first use."""
        name = json.dumps([page.view.filters, page.view.sort])
        with self._database.reading() as connection:
            found = self._view(connection, walk, name)
            if found is not None:
                return _page(connection, walk, found, page)
        with self._database.writing() as connection:
            found = self._view(connection, walk, name)
            if found is None:
                alive = connection.scalar(select(walks.c.id).where(walks.c.id == walk, walks.c.state == "complete"))
                if alive is None:
                    return None
                found = _order(connection, walk, name, page.pages.listing, page.view)
            return _page(connection, walk, found, page)

    @staticmethod
    def _view(connection: Connection, walk: int, name: str) -> _StoredView | None:
        found = connection.execute(_VIEW, {"walk": walk, "view": name}).first()
        return _StoredView(found.id, found.total) if found else None

    def pinned(self, walker: str, page: int, lifetime: float) -> Pin | None:
        """The open walk of a client that goes on with this page.

        It is one that last read the page before, else this page (a retry), else the oldest (architecture, Paging).
        """
        with self._database.reading() as connection:
            found = connection.execute(_PINNED, {"walker": walker, "page": page, "lifetime": lifetime}).first()
        return Pin(found.id, found.walk) if found else None

    def pin(self, walker: str, walk: int, page: int, freshness: float) -> None:
        """A client begins to read a walk. One that begins the same walk again at the same page is a retry.

        Of a client that begins again and again and never goes on, what is older than `freshness` seconds is let go.
        """
        mine = pins.c.walker == walker
        given_up = and_(mine, pins.c.page == 1, pins.c.walk != walk, pins.c.used_at < database_now() - freshness)
        again = and_(mine, pins.c.walk == walk, pins.c.page == page)
        with self._database.writing() as connection:
            if page == 1:
                connection.execute(delete(pins).where(given_up))
            if not connection.execute(update(pins).where(again).values(used_at=database_now())).rowcount:
                connection.execute(insert(pins).values(walker=walker, walk=walk, page=page, used_at=database_now()))

    def advance(self, pin: Pin, page: int) -> None:
        """A client has read this page of the walk that it stays on."""
        with self._database.writing() as connection:
            connection.execute(_ADVANCE, {"pin": pin.id, "read": page})


class _StoredView(NamedTuple):
    id: int
    total: int


def _order(connection: Connection, walk: int, name: str, listing: Listing, view: View) -> _StoredView:
    """Store the ascending order of a view; descending is its exact reverse."""
    columns = {key.member: rows.c[column] for key, column in zip(listing.keys, KEY_COLUMNS, strict=False)}
    selected = [rows.c.walk == walk, *(columns[key].in_(values) for key, values in view.filters)]
    order = (columns[view.sort], rows.c.item) if view.sort else (rows.c.position,)
    total = connection.execute(select(func.count()).select_from(rows).where(*selected)).scalar_one()
    made = connection.execute(
        insert(views).values(walk=walk, view=name, total=total).returning(views.c.id)
    ).scalar_one()
    position = func.row_number().over(order_by=order) - 1
    connection.execute(
        insert(places).from_select(
            ["view", "position", "row"], select(literal(made), position, rows.c.position).where(*selected)
        )
    )
    return _StoredView(made, total)


def _page(connection: Connection, walk: int, stored: _StoredView, page: PageRequest) -> Page:
    start = (page.number - 1) * page.size
    if start >= stored.total:
        return Page(stored.total, [])
    end = min(start + page.size, stored.total) - 1
    if page.view.descending:
        start, end = stored.total - 1 - end, stored.total - 1 - start
    given = {"walk": walk, "view": stored.id, "start": start, "end": end}
    found = connection.execute(_BACKWARDS if page.view.descending else _FORWARDS, given)
    return Page(stored.total, [(row.sections, row.source) for row in found])
