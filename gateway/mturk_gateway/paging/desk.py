"""Who may read what, from the side of those who ask: entitled snapshots, pins, and what must be waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, case, delete, func, insert, literal, or_, select, update

from mturk_gateway.database import Database, database_now
from mturk_gateway.paging.queue import error_from_text
from mturk_gateway.paging.snapshots import Snapshot, Sought, Walk
from mturk_gateway.paging.tables import COMPLETE, QUEUED, WALKING, pins, views, walks, writes
from mturk_gateway.paging.writes import Writes
from mturk_gateway.quick import Rows
from mturk_translators.faults import ModernError
from mturk_translators.operations import LISTINGS

_NOTED = 60.0
"""Seconds after which the use of a pin or view is noted again although nothing else has changed."""

_count = select(func.coalesce(func.max(writes.c.count), 0)).where(writes.c.requester == bindparam("requester"))
_complete = and_(
    walks.c.listing == bindparam("listing"),
    walks.c.state == COMPLETE,
    walks.c.writes_seen >= _count.scalar_subquery(),
)
_fresh = or_(
    walks.c.started_at >= database_now() - bindparam("freshness"),
    and_(
        walks.c.finished_at - walks.c.started_at >= bindparam("patience"),
        walks.c.finished_at >= database_now() - bindparam("patience"),
    ),
)
_NEWEST_FIRST = (walks.c.started_at.desc(), walks.c.id.desc())
_pinned_already = (
    select(pins.c.id)
    .where(
        pins.c.walker == bindparam("walker"),
        pins.c.base == walks.c.base,
        pins.c.revision == walks.c.revision,
        pins.c.page == 1,
        pins.c.used_at >= database_now() - _NOTED,
    )
    .exists()
)

# Statements that are carried out all the time are made once: making one takes longer than carrying it out.

_ENTITLED = (
    select(
        walks.c.base,
        walks.c.revision,
        literal(0),
        _pinned_already,
        case(
            (
                walks.c.finished_at - walks.c.started_at >= bindparam("patience"),
                walks.c.finished_at + bindparam("patience"),
            ),
            else_=walks.c.started_at + bindparam("freshness"),
        ),
    )
    .where(_complete, _fresh)
    .order_by(*_NEWEST_FIRST)
    .limit(1)
)
_PINNED = (
    select(
        pins.c.base,
        pins.c.revision,
        pins.c.id,
        and_(pins.c.page == bindparam("page"), pins.c.used_at >= database_now() - _NOTED),
        pins.c.used_at + case((bindparam("lifetime") < _NOTED, bindparam("lifetime")), else_=_NOTED),
    )
    .where(pins.c.walker == bindparam("walker"), pins.c.used_at >= database_now() - bindparam("lifetime"))
    .order_by(
        case((pins.c.page == bindparam("page") - 1, 0), (pins.c.page == bindparam("page"), 1), else_=2),
        pins.c.id.desc(),
    )
    .limit(1)
)
_STALE = (
    select(walks.c.base, walks.c.revision)
    .where(_complete, walks.c.started_at >= database_now() - bindparam("staleness"))
    .order_by(*_NEWEST_FIRST)
    .limit(1)
)
_ADVANCE = update(pins).where(pins.c.id == bindparam("pin")).values(page=bindparam("read"), used_at=database_now())
_SAME_PIN = (
    update(pins)
    .where(
        pins.c.walker == bindparam("mine"),
        pins.c.base == bindparam("of_base"),
        pins.c.revision == bindparam("of_revision"),
        pins.c.page == bindparam("read"),
    )
    .values(used_at=database_now())
)
_NEW_PIN = insert(pins).values(
    walker=bindparam("mine"),
    base=bindparam("of_base"),
    revision=bindparam("of_revision"),
    page=bindparam("read"),
    used_at=database_now(),
)
_GIVEN_UP = delete(pins).where(
    pins.c.walker == bindparam("mine"),
    pins.c.page == 1,
    or_(pins.c.base != bindparam("of_base"), pins.c.revision != bindparam("of_revision")),
    pins.c.used_at < database_now() - bindparam("freshness"),
)
_USE_VIEW = (
    update(views)
    .where(views.c.listing == bindparam("of_listing"), views.c.view == bindparam("of_view"))
    .values(used_at=database_now())
)


class Rules(NamedTuple):
    """How old what may be, and how long it may take, in seconds: the settings of these names."""

    freshness: float
    patience: float
    staleness: float
    lifetime: float


class Spot(NamedTuple):
    """What a client reads: a snapshot, and the pin that holds it, 0 for a walk that begins.

    `noted` says that the client is known to be there.
    """

    snapshot: Snapshot
    pin: int = 0
    noted: bool = False


class _Found(NamedTuple):
    """What was found for a client, and until when that is right if nobody writes anything."""

    spot: Spot | None
    until: float


_NOTHING = _Found(None, 0.0)
_MOST_FOUND = 4096


class Wanted(NamedTuple):
    """A walk to wait for. `slow` says that its listing is known to take longer than patience lasts."""

    walk: int
    slow: bool


class Desk:
    """Where fronts ask. Every method is one transaction and blocks; `find` is short enough for the event loop."""

    def __init__(self, database: Database, writes: Writes, rules: Rules) -> None:
        self._database = database
        self._writes = writes
        self._rules = rules._asdict()
        self._entitled = database.quick.prepare(_ENTITLED)
        self._pinned = database.quick.prepare(_PINNED)
        self._advance = database.quick.prepare(_ADVANCE)
        self._version = database.quick.counter()
        self._use_view = database.quick.prepare(_USE_VIEW)
        self._touched: dict[tuple[str, str], float] = {}
        self._found: dict[tuple[str, int], _Found] = {}
        self._found_at = -1

    def find(self, sought: Sought, walker: str) -> Spot | None:
        """What a client may read at once; None when there is something to wait for. One indexed read at most.

        A page after the first is one of the open walk of this client that last read the page before, else this page (a
        retry), else any; of several the one that began last, because who walks again is done with what it walked
        before. Without one, and for first pages, it is the newest snapshot that
        may answer now: its walk began after the requester's last write and at most `freshness` seconds ago. A listing
        that nobody is patient enough to wait for may be read as long after its end, or a client that comes back would
        never find it.
        """
        version = self._version()
        if version != self._found_at or len(self._found) > _MOST_FOUND:
            self._found.clear()
            self._found_at = version
        known = self._found.get((walker, sought.number))
        if known is None or known.until < self._database.clock() or self._writes.waiting:
            known = self._look(sought, walker)
            self._found[walker, sought.number] = known
        return known.spot

    def _look(self, sought: Sought, walker: str) -> _Found:
        found: Rows = ()
        if sought.number > 1:
            found = self._pinned({"walker": walker, "page": sought.number, "lifetime": self._rules["lifetime"]})
        if not found and not self._writes.waiting:
            found = self._entitled({**self._given(sought.walk), "walker": walker})
        return _Found(_spot(found), found[0][4]) if found else _NOTHING

    def stale(self, walk: Walk) -> Spot | None:
        """The newest snapshot that shows all that the requester has written, if it is not too old for everybody."""
        with self._database.reading() as connection:
            found = connection.execute(_STALE, self._given(walk)).first()
        return Spot(Snapshot(*found)) if found else None

    def want(self, walk: Walk, view: str) -> Spot | Wanted:
        """A walk that will be entitled to answer what is asked now, queued if need be; or what has come meanwhile."""
        self._writes.flush()
        with self._database.writing() as connection:
            _remember(connection, self._database, walk.listing, view)
            come = _spot(connection.execute(_ENTITLED, {**self._given(walk), "walker": ""}).all())
            if come:
                return come
            latest = select(walks.c.finished_at - walks.c.started_at).where(
                walks.c.listing == walk.listing, walks.c.state == COMPLETE, walks.c.kind == "walk"
            )
            taken = connection.scalar(latest.order_by(walks.c.id.desc()).limit(1))
            slow = taken is not None and taken >= self._rules["patience"]
            return Wanted(self._join(connection, walk, "walk"), slow)

    def want_amended(self, walk: Walk) -> int | None:
        """A walk that reads again what the requester wrote, in the last snapshot; None when that is too old, too."""
        with self._database.writing() as connection:
            statement = select(func.max(walks.c.started_at)).where(
                walks.c.listing == walk.listing,
                walks.c.state == COMPLETE,
                walks.c.started_at >= database_now() - self._rules["staleness"],
            )
            if connection.scalar(statement) is None:
                return None
            return self._join(connection, walk, "amend")

    def want_view(self, walk: Walk, view: str) -> tuple[int, int]:
        """Ask for the order of a view in the newest snapshot: what to wait for, and how often it was asked for."""
        with self._database.writing() as connection:
            _remember(connection, self._database, walk.listing, view)
            asked = (
                update(views)
                .where(views.c.listing == walk.listing, views.c.view == view)
                .values(asked=views.c.asked + 1)
                .returning(views.c.id, views.c.asked)
            )
            id_, number = connection.execute(asked).one()
        return id_, number

    def _join(self, connection: Connection, walk: Walk, kind: str) -> int:
        mine = and_(walks.c.listing == walk.listing, walks.c.kind == kind)
        # One that is under way is worth waiting for whenever it began: waiting for the next could go on for ever.
        under_way = connection.scalar(
            select(walks.c.id).where(mine, walks.c.state == WALKING, walks.c.writes_seen >= _count.scalar_subquery()),
            {"requester": walk.requester},
        )
        waiting = under_way or connection.scalar(select(walks.c.id).where(mine, walks.c.state == QUEUED))
        if waiting is not None:
            return int(waiting)
        values = {**walk._asdict(), "listing": walk.listing, "kind": kind, "state": "queued"}
        made = insert(walks).values(values | {"queued_at": database_now()}).returning(walks.c.id)
        return int(connection.execute(made).scalar_one())

    def ended(self, waited: Sequence[int]) -> dict[int, Spot | ModernError]:
        """Which of these walks have ended, and with what."""
        statement = select(walks.c.id, walks.c.state, walks.c.error, walks.c.base, walks.c.revision).where(
            walks.c.id.in_(waited)
        )
        gone = ModernError("Unreachable", "the walk is gone", status=0)
        outcomes: dict[int, Spot | ModernError] = dict.fromkeys(waited, gone)
        with self._database.reading() as connection:
            for row in connection.execute(statement):
                if row.state == "complete":
                    outcomes[row.id] = Spot(Snapshot(row.base, row.revision))
                elif row.state == "failed":
                    outcomes[row.id] = error_from_text(row.error)
                else:
                    del outcomes[row.id]
        return outcomes

    def made(self, waited: Sequence[int]) -> dict[int, int]:
        """How often the orders of these views have been made."""
        with self._database.reading() as connection:
            found = connection.execute(select(views.c.id, views.c.made).where(views.c.id.in_(waited)))
            return {row.id: row.made for row in found}

    def note(self, walker: str, spot: Spot, sought: Sought) -> None:
        """A client has read a page: of the walk that it stays on, or of one that it begins.

        One that begins the same walk again at the same page is a retry. Of a client that begins again and again and
        never goes on, what is older than `freshness` seconds is let go.
        """
        self._touch(sought)
        page = sought.number
        if spot.pin:
            self._advance({"pin": spot.pin, "read": page})
            return
        mine = {"mine": walker, "of_base": spot.snapshot.base, "of_revision": spot.snapshot.revision, "read": page}
        with self._database.writing() as connection:
            if page == 1:
                connection.execute(_GIVEN_UP, {**mine, "freshness": self._rules["freshness"]})
            if not connection.execute(_SAME_PIN, mine).rowcount:
                connection.execute(_NEW_PIN, mine)

    def let_go(self, pin: int) -> None:
        """A client cannot stay on a walk, because what it read is gone."""
        with self._database.writing() as connection:
            connection.execute(delete(pins).where(pins.c.id == pin))

    def _touch(self, sought: Sought) -> None:
        """A view is being read: note that now and then, so that its order is kept."""
        view = (sought.walk.listing, sought.view)
        now = self._database.clock()
        if now - self._touched.get(view, 0.0) > _NOTED:
            if len(self._touched) > _MOST_FOUND:
                self._touched.clear()
            self._touched[view] = now
            self._use_view({"of_listing": view[0], "of_view": view[1]})

    def _given(self, walk: Walk) -> dict[str, Any]:
        given = {"listing": walk.listing, "requester": walk.requester, **self._rules}
        return {**given, "freshness": 0.0} if LISTINGS[walk.operation].prompt else given


def _spot(found: Rows) -> Spot | None:
    if not found:
        return None
    base, revision, pin, noted, *_ = found[0]
    return Spot(Snapshot(base, revision), pin, bool(noted))


def _remember(connection: Connection, database: Database, listing: str, view: str) -> None:
    values: Mapping[str, Any] = {"listing": listing, "view": view, "asked": 0, "made": 0, "used_at": database_now()}
    statement = database.insert_or_update(views, ["listing", "view"], {"used_at": database_now()})
    connection.execute(statement.values(values))
