"""The walks that are to be done, from the side of those who do them: taking, holding, pausing and ending them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, update

from mturk_gateway.database import Database, database_now
from mturk_gateway.paging.snapshots import Snapshot, Walk
from mturk_gateway.paging.tables import COMPLETE, QUEUED, WALKING, views, walks, writes, written
from mturk_translators.faults import ModernError

_busy = walks.alias()
_NEXT = (
    select(walks.c.id)
    .where(
        or_(
            and_(walks.c.state == WALKING, walks.c.lease_until <= database_now()),
            and_(
                walks.c.state == QUEUED,
                ~select(_busy.c.id)
                .where(_busy.c.listing == walks.c.listing, _busy.c.kind == walks.c.kind, _busy.c.state == WALKING)
                .exists(),
            ),
        )
    )
    .order_by(func.coalesce(walks.c.lease_until, walks.c.queued_at))
    .limit(1)
)
"""The walk that nobody is at for the longest time. Made once: it is asked for many times a second."""

_NEXT_BUT = _NEXT.where(walks.c.requester.not_in(bindparam("others", expanding=True)))

_ANYTHING = select(or_(_NEXT.exists(), select(views.c.id).where(views.c.asked > views.c.made).exists()))
"""Whether there is anything to do."""

_NEXT_VIEW = (
    select(views.c.id, views.c.listing, views.c.view, views.c.asked)
    .where(views.c.asked > views.c.made, views.c.listing.not_in(bindparam("others", expanding=True)))
    .limit(1)
)

_NEWEST = (
    select(walks.c.operation, walks.c.base, walks.c.revision, walks.c.writes_seen, walks.c.started_at)
    .where(walks.c.listing == bindparam("listing"), walks.c.state == COMPLETE)
    .order_by(walks.c.started_at.desc(), walks.c.id.desc())
    .limit(1)
)

_MOST_VIEWS = 32
"""Views of a listing whose orders are kept up, most recently used first."""


class Task(NamedTuple):
    """A walk that has been taken. `again` are the times that it has been put off in a row."""

    id: int
    kind: str
    walk: Walk
    writes_seen: int
    again: int

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the listing's modern call."""
        params: dict[str, Any] = json.loads(self.walk.params)
        return params


class Newest(NamedTuple):
    """The newest complete walk of a listing. `started_at` is in the database's seconds."""

    operation: str
    snapshot: Snapshot
    writes_seen: int
    started_at: float


class ViewTask(NamedTuple):
    """A view whose order is waited for. `asked` is how often it has been asked for."""

    id: int
    listing: str
    view: str
    asked: int


class WalkQueue:
    """The walks that are to be done. Every method is one transaction and blocks.

    A walker holds a lease of `lease` seconds on each of its walks, renewed by `hold`; when it ends, another walker goes
    on.
    """

    def __init__(self, database: Database, lease: float) -> None:
        self._database = database
        self._lease = lease
        self._owner = uuid.uuid4().hex
        self._anything = database.quick.prepare(_ANYTHING)

    def has_work(self) -> bool:
        """Whether there is anything to do, in one quick read."""
        return bool(self._anything({})[0][0])

    def is_waited_for(self) -> bool:
        """Whether there is a walk that nobody is at."""
        with self._database.reading() as connection:
            return connection.scalar(_NEXT) is not None

    def take(self, others: Collection[str] = ()) -> Task | None:
        """Take the walk that nobody is at for the longest time, if there is one, of none of the other requesters."""
        with self._database.reading() as connection:
            if connection.scalar(_NEXT_BUT, {"others": list(others)}) is None:
                return None
        with self._database.writing() as connection:
            walk = connection.scalar(_NEXT_BUT, {"others": list(others)})
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
                .returning(
                    walks.c.kind,
                    walks.c.requester,
                    walks.c.operation,
                    walks.c.params,
                    walks.c.writes_seen,
                    walks.c.tries,
                )
            ).one()
        about = Walk(taken.requester, taken.operation, taken.params)
        return Task(walk, taken.kind, about, taken.writes_seen, taken.tries)

    def hold(self) -> None:
        """Renew the leases of all walks that are ours."""
        with self._database.writing() as connection:
            connection.execute(
                update(walks)
                .where(walks.c.state == WALKING, walks.c.owner == self._owner)
                .values(lease_until=database_now() + self._lease)
            )

    def resumed(self, walk: int) -> None:
        """A walk that had been put off has come further."""
        with self._database.writing() as connection:
            connection.execute(update(walks).where(*self._ours(walk)).values(tries=0))

    def put_off(self, walk: int, seconds: float) -> None:
        """Let whoever is first go on with the walk when some time has passed, after an error that may pass."""
        self._let_go(walk, lease_until=database_now() + seconds, tries=walks.c.tries + 1)

    def release(self, walk: int) -> None:
        """Let whoever is first go on with the walk, after those that have waited longer."""
        self._let_go(walk, lease_until=database_now())

    def _let_go(self, walk: int, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(update(walks).where(*self._ours(walk)).values(owner=None, **values))

    def complete(self, walk: int, snapshot: Snapshot, *, followed: bool, started_at: float | None = None) -> None:
        """The walk has seen everything, and this is what it saw.

        `followed` says that the upstream can tell what changes; `started_at` is the age of what was seen, where it is
        not that of the walk.
        """
        age = {} if started_at is None else {"started_at": started_at}
        self._end(walk, state="complete", base=snapshot.base, revision=snapshot.revision, followed=followed, **age)

    def fail(self, walk: int, error: ModernError) -> None:
        """The walk has come to an end that its readers are to be told."""
        self._end(walk, state="failed", error=error_to_text(error))

    def _end(self, walk: int, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(update(walks).where(*self._ours(walk)).values(finished_at=database_now(), **values))

    def _ours(self, walk: int) -> tuple[ColumnElement[bool], ...]:
        return walks.c.id == walk, walks.c.state == WALKING, walks.c.owner == self._owner

    def newest(self, listing: str) -> Newest | None:
        """The newest complete walk of a listing."""
        with self._database.reading() as connection:
            found = connection.execute(_NEWEST, {"listing": listing}).first()
        if found is None:
            return None
        return Newest(found.operation, Snapshot(found.base, found.revision), found.writes_seen, found.started_at)

    def views(self, listing: str, seconds: float) -> list[str]:
        """The views of a listing that somebody has read in the last so many seconds, most recently used first."""
        statement = (
            select(views.c.view)
            .where(views.c.listing == listing, views.c.used_at >= database_now() - seconds)
            .order_by(views.c.used_at.desc())
            .limit(_MOST_VIEWS)
        )
        with self._database.reading() as connection:
            return list(connection.scalars(statement))

    def next_view(self, others: Collection[str]) -> ViewTask | None:
        """A view whose order is waited for, of none of the other listings."""
        with self._database.reading() as connection:
            found = connection.execute(_NEXT_VIEW, {"others": list(others)}).first()
        return ViewTask(*found) if found else None

    def made(self, view: ViewTask) -> None:
        """The order of a view has been made, as often as it was asked for then."""
        with self._database.writing() as connection:
            connection.execute(update(views).where(views.c.id == view.id).values(made=view.asked))

    def written(self, requester: str, after: int) -> list[tuple[str, str]]:
        """What a requester has written after so many writes: naming member and ID, each once, oldest first."""
        statement = (
            select(written.c.member, written.c.item)
            .where(written.c.requester == requester, written.c.number > after)
            .order_by(written.c.number)
        )
        with self._database.reading() as connection:
            return list(dict.fromkeys((member, item) for member, item in connection.execute(statement)))


def error_to_text(error: ModernError) -> str:
    """The error as it is kept with a walk."""
    return json.dumps([error.type, error.message, error.code, error.status])


def error_from_text(text: str) -> ModernError:
    """The error that a walk ended with."""
    type_, message, code, status = json.loads(text)
    return ModernError(type_, message, code, status)
