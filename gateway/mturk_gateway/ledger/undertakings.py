"""What requesters were promised: composite operations that were planned, and how far each has come."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, insert, or_, select, update

from mturk_gateway.database import Database, database_now
from mturk_gateway.ledger.tables import undertakings

_REMEMBERED = 86_400.0
"""Seconds for which a token that was used is known (legacy-hits 10), and what is stuck can be gone on with."""
_UNTOLD = 3600.0
"""Seconds in which a request that is repeated, because its answer was lost or an error, is known to be a repetition."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_LEASE = 15.0
"""Seconds after which somebody who has not said that he is still at it is held to be gone."""
RENEWAL = 3.0
"""Seconds between two times that this is to be said, with `Undertakings.renew`."""


class Wish(NamedTuple):
    """What a request asks for: `name` tells it from all others, `kind` is the same of all that are alike.

    `subject` is the HIT or assignment that it is about; `token` says that the caller has named it.
    """

    operation: str
    name: str
    kind: str
    subject: str
    token: bool


class Promise(NamedTuple):
    """An undertaking as it stands: whose it is, what it is, what is to be done, and how far it has come.

    `plan` is None as long as nobody has planned it.
    """

    requester: str
    operation: str
    name: str
    kind: str
    plan: dict[str, Any] | None
    request_id: str
    state: str


class Busy:
    """Somebody is at what is asked for, or at something else about the same subject."""


class Undertakings:
    """The record of undertakings. Every method is one transaction and blocks.

    About one subject only one is carried out at a time. Whoever has one holds it for `lease` seconds, which `renew`
    prolongs for all that are in `holding` blocks.
    """

    def __init__(self, database: Database, lease: float = _LEASE) -> None:
        self._database = database
        self._lease = lease
        self._held: set[tuple[str, str, str]] = set()
        self._hits = database.quick.prepare(_HITS)
        self._version = database.quick.counter()
        # What a thread has read tells another one nothing: each has a connection that counts changes by itself.
        self._known = threading.local()

    def claim(self, requester: str, wish: Wish, request_id: str) -> Promise | Busy:
        """What has to be done first for a wish; a promise that is *open* is the caller's to carry out.

        That is the same wish, if somebody is still owed the answer to it or its token is known; else what was left
        unfinished about the same subject; else a new one, which has no plan yet.
        """
        with self._database.writing() as connection:
            found = connection.execute(_about(requester, wish.subject, wish.operation, wish.name)).all()
            now = connection.scalar(select(database_now())) or 0.0
            mine = next((row for row in found if _is_same(row, wish, now)), None)
            if mine:
                if wish.token and mine.kind != wish.kind:
                    return _promise(mine)._replace(state="told")
                return self._take_up(connection, mine, now)
            unfinished = self._left(connection, found, now)
            if unfinished is not None:
                return unfinished
            values = {
                "requester": requester,
                "operation": wish.operation,
                "name": wish.name,
                "kind": wish.kind,
                "subject": wish.subject,
                "request_id": request_id,
                "state": "running",
                "owed": False,
                "tries": 0,
                "due_at": now + self._lease,
                "changed_at": now,
            }
            connection.execute(delete(undertakings).where(_named(requester, wish.operation, wish.name), ~_KNOWN))
            connection.execute(insert(undertakings).values(values))
        return Promise(requester, wish.operation, wish.name, wish.kind, None, request_id, "open")

    def left_about(self, requester: str, subject: str) -> Promise | Busy | None:
        """What was left unfinished about a subject, for the caller to carry out; None when there is nothing."""
        about = _about(requester, subject, "", "")
        with self._database.reading() as connection:
            if connection.execute(about).first() is None:
                return None
        with self._database.writing() as connection:
            now = connection.scalar(select(database_now())) or 0.0
            return self._left(connection, connection.execute(about).all(), now)

    def _left(self, connection: Connection, found: Any, now: float) -> Promise | Busy | None:
        unfinished = next((row for row in found if row.state in ("open", "running")), None)
        return None if unfinished is None else self._take_up(connection, unfinished, now)

    def _take_up(self, connection: Connection, row: Row[Any], now: float) -> Promise | Busy:
        if row.state == "running" and row.due_at > now:
            return Busy()
        promise = _promise(row)
        if row.state in ("running", "open", "stuck"):
            values = {"state": "running", "due_at": now + self._lease}
            connection.execute(update(undertakings).where(_key(promise)).values(values))
            return promise._replace(state="open")
        return promise

    def keep(self, promise: Promise, plan: Mapping[str, Any]) -> Promise:
        """The promise with what is to be done, which has to be there before the first write."""
        values = {"plan": json.dumps(plan), "hit": plan.get("HITId"), "due_at": database_now() + self._lease}
        with self._database.writing() as connection:
            connection.execute(update(undertakings).where(_key(promise)).values(values))
        return promise._replace(plan=dict(plan))

    @contextmanager
    def holding(self, promise: Promise) -> Iterator[None]:
        """A block in which a promise that was claimed or taken is carried out, however long its calls take."""
        key = (promise.requester, promise.operation, promise.name)
        self._held.add(key)
        try:
            yield
        finally:
            self._held.discard(key)

    def renew(self) -> None:
        """Whoever is in a `holding` block of this process is still at it."""
        held = [{"of": requester, "for": operation, "named": name} for requester, operation, name in list(self._held)]
        if held:
            with self._database.writing() as connection:
                connection.execute(_STILL_HELD, [{**key, "lease": self._lease} for key in held])

    def change(self, promise: Promise, state: str, *, again: bool = False) -> None:
        """Another state; `again` says that somebody has to go on with it after a while, which grows with the tries."""
        with self._database.writing() as connection:
            tries = connection.scalar(select(undertakings.c.tries).where(_key(promise))) or 0
            pause = min(_SHORTEST_PAUSE * 2 ** min(tries, 10), _LONGEST_PAUSE)
            values = {
                "state": state,
                "owed": state in ("open", "stuck", "ended"),
                "tries": tries + 1 if again else 0,
                "due_at": database_now() + pause if again else None,
                "changed_at": database_now(),
            }
            connection.execute(update(undertakings).where(_key(promise)).values(values))

    def forget(self, promise: Promise) -> None:
        """There is nothing more to know about it."""
        with self._database.writing() as connection:
            connection.execute(delete(undertakings).where(_key(promise)))

    def take(self) -> Promise | None:
        """One that is due, which the caller carries out; None when there is none.

        Nobody is at it any more, so whoever asked for it is owed the answer.
        """
        with self._database.reading() as connection:
            if connection.execute(select(undertakings.c.name).where(_DUE).limit(1)).first() is None:
                return None
        with self._database.writing() as connection:
            # Somebody is owed the answer to those that do not wait for others.
            most_urgent = undertakings.c.state == "waiting", undertakings.c.due_at
            longest_due = select(undertakings).where(_DUE).order_by(*most_urgent).limit(1)
            found = connection.execute(longest_due).first()
            if found is None:
                return None
            promise = _promise(found)
            # One that waits is hidden from its requester, and stays so.
            state = "waiting" if found.state == "waiting" else "running"
            values = {"state": state, "owed": True, "due_at": database_now() + self._lease}
            connection.execute(update(undertakings).where(_key(promise)).values(values))
        return promise

    def release(self) -> None:
        """Nobody is carrying anything out: what is open is due, and whoever asked for it is gone."""
        unfinished = undertakings.c.state.in_(["running", "open"])
        values = {"state": "open", "owed": True, "due_at": database_now()}
        # The clock may have been set back since.
        late = and_(undertakings.c.state == "waiting", undertakings.c.due_at > database_now() + _LONGEST_PAUSE)
        with self._database.writing() as connection:
            connection.execute(update(undertakings).where(unfinished).values(values))
            connection.execute(update(undertakings).where(late).values(due_at=database_now()))

    def clear(self) -> None:
        """Drop what nobody can ask for any more."""
        with self._database.writing() as connection:
            connection.execute(delete(undertakings).where(~_KNOWN))

    def hasten(self, requester: str, hit: str) -> None:
        """Somebody asked for a HIT whose undertaking waits: it is looked after at once."""
        mine = and_(undertakings.c.requester == requester, undertakings.c.hit == hit)
        later = undertakings.c.due_at.between(database_now(), database_now() + _LONGEST_PAUSE)
        with self._database.writing() as connection:
            connection.execute(
                update(undertakings).where(mine, undertakings.c.state == "waiting", later).values(due_at=database_now())
            )

    def is_going(self, requester: str, hit: str) -> bool:
        """Whether a HIT is being disposed of: it is gone as far as its requester is concerned."""
        return (requester, hit) in self._gone()

    def going(self, requester: str) -> list[str]:
        """The HITs of a requester that are being disposed of."""
        return [hit for owner, hit in self._gone() if owner == requester]

    def _gone(self) -> frozenset[tuple[str, str]]:
        version = self._version()
        if getattr(self._known, "version", None) != version:
            self._known.hits = frozenset((requester, hit) for requester, hit in self._hits({}))
            self._known.version = version
        hits: frozenset[tuple[str, str]] = self._known.hits
        return hits


def _about(requester: str, subject: str, operation: str, name: str) -> Any:
    """Everything known about a subject, and what has this name; the longest known first."""
    named = and_(undertakings.c.operation == operation, undertakings.c.name == name)
    mine = and_(undertakings.c.requester == requester, or_(undertakings.c.subject == subject, named), _KNOWN)
    return select(undertakings).where(mine).order_by(undertakings.c.changed_at)


def _is_same(row: Row[Any], wish: Wish, now: float) -> bool:
    """Whether a known undertaking is what is wished for.

    Without a token, it may just be another wish that is alike: only what somebody is still owed the answer to is taken
    for it.
    """
    if row.operation != wish.operation:
        return False
    if wish.token:
        return bool(row.name == wish.name)
    is_owed = row.owed or row.state == "waiting" or (row.state == "running" and row.due_at <= now)
    return bool(row.kind == wish.kind and is_owed)


def _key(promise: Promise) -> ColumnElement[bool]:
    return _named(promise.requester, promise.operation, promise.name)


def _named(requester: str, operation: str, name: str) -> ColumnElement[bool]:
    return and_(
        undertakings.c.requester == requester, undertakings.c.operation == operation, undertakings.c.name == name
    )


def _promise(row: Row[Any]) -> Promise:
    plan = None if row.plan is None else json.loads(row.plan)
    return Promise(row.requester, row.operation, row.name, row.kind, plan, row.request_id, row.state)


_KNOWN = or_(
    undertakings.c.state.in_(["running", "open", "waiting"]),
    undertakings.c.changed_at > database_now() - _UNTOLD,
    and_(undertakings.c.state.in_(["stuck", "told"]), undertakings.c.changed_at > database_now() - _REMEMBERED),
)
_DUE = undertakings.c.due_at <= database_now()
_STILL_HELD = (
    update(undertakings)
    .where(
        undertakings.c.requester == bindparam("of"),
        undertakings.c.operation == bindparam("for"),
        undertakings.c.name == bindparam("named"),
        undertakings.c.state.in_(["running", "waiting"]),
    )
    .values(due_at=database_now() + bindparam("lease"))
)
_HITS = select(undertakings.c.requester, undertakings.c.hit).where(undertakings.c.state == "waiting")
