"""What requesters were promised: composite operations that were planned, and how far each has come."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, delete, insert, or_, select, update

from mturk_gateway.database import Database, database_now
from mturk_gateway.ledger.tables import undertakings

_LEASE = 30.0
"""Seconds for which whoever carries one out has it alone."""
_REMEMBERED = 86_400.0
"""Seconds for which a token that was used is known (legacy-hits 10), and what is stuck can be gone on with."""
_UNTOLD = 3600.0
"""Seconds in which a request that is repeated, because its answer was lost or an error, is known to be a repetition."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Promise(NamedTuple):
    """An undertaking as it stands: whose it is, what it is, what is to be done, and how far it has come."""

    requester: str
    operation: str
    name: str
    plan: dict[str, Any]
    request_id: str
    state: str


class Undertakings:
    """The record of undertakings. Every method is one transaction and blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hits = database.quick.prepare(_HITS)
        self._version = database.quick.counter()
        # What a thread has read tells another one nothing: each has a connection that counts changes by itself.
        self._known = threading.local()

    def find(self, requester: str, operation: str, name: str) -> Promise | None:
        """What is known of the undertaking of a name. The caller carries it out if it has to be gone on with.

        Nobody does while it is running, while it waits, and after its end.
        """
        return self._take_up(and_(_of(requester, operation), undertakings.c.name == name, _KNOWN))

    def adopt(self, requester: str, operation: str, beginning: str) -> Promise | None:
        """One whose name begins so and that whoever asked for it has not had the answer to, as `find` does.

        One that is running or waiting belongs to somebody else.
        """
        alike = and_(undertakings.c.name >= beginning, undertakings.c.name < beginning + "\U0010ffff")
        return self._take_up(and_(_of(requester, operation), alike, _KNOWN, _LEFT))

    def _take_up(self, wanted: ColumnElement[bool]) -> Promise | None:
        values = {"state": "running", "due_at": database_now() + _LEASE}
        with self._database.writing() as connection:
            found = connection.execute(select(undertakings).where(wanted).limit(1)).first()
            if found is None:
                return None
            mine = _key(found.requester, found.operation, found.name)
            taken = connection.execute(update(undertakings).where(mine, _LEFT, _UNENDED).values(values))
        promise = _promise(found)
        return promise._replace(state="open") if taken.rowcount else promise

    def begin(self, requester: str, operation: str, name: str, plan: Mapping[str, Any], request_id: str) -> Promise:
        """Record what is to be done, which the caller then carries out; or give what somebody else has recorded."""
        values = {
            "requester": requester,
            "operation": operation,
            "name": name,
            "plan": json.dumps(plan),
            "hit": plan.get("HITId"),
            "request_id": request_id,
            "state": "running",
            "tries": 0,
            "due_at": database_now() + _LEASE,
            "changed_at": database_now(),
        }
        with self._database.writing() as connection:
            connection.execute(delete(undertakings).where(_key(requester, operation, name), ~_KNOWN))
            found = connection.execute(select(undertakings).where(_key(requester, operation, name))).first()
            if found:
                return _promise(found)
            connection.execute(insert(undertakings).values(values))
        return Promise(requester, operation, name, dict(plan), request_id, "open")

    def change(self, promise: Promise, state: str, *, again: bool = False) -> None:
        """Another state; `again` says that somebody has to go on with it after a while, which grows with the tries."""
        mine = _key(promise.requester, promise.operation, promise.name)
        with self._database.writing() as connection:
            tries = connection.scalar(select(undertakings.c.tries).where(mine)) or 0
            pause = min(_SHORTEST_PAUSE * 2 ** min(tries, 10), _LONGEST_PAUSE)
            values = {
                "state": state,
                "tries": tries + 1 if again else 0,
                "due_at": database_now() + pause if again else None,
                "changed_at": database_now(),
            }
            connection.execute(update(undertakings).where(mine).values(values))

    def forget(self, promise: Promise) -> None:
        """There is nothing more to know about it."""
        with self._database.writing() as connection:
            connection.execute(delete(undertakings).where(_key(promise.requester, promise.operation, promise.name)))

    def take(self) -> Promise | None:
        """One that is due, which the caller carries out; None when there is none."""
        with self._database.reading() as connection:
            if connection.execute(select(undertakings.c.name).where(_DUE).limit(1)).first() is None:
                return None
        with self._database.writing() as connection:
            found = connection.execute(
                select(undertakings).where(_DUE).order_by(undertakings.c.due_at).limit(1)
            ).first()
            if found:
                mine = _key(found.requester, found.operation, found.name)
                # One that waits is hidden from its requester, and stays so.
                state = "waiting" if found.state == "waiting" else "running"
                values = {"state": state, "due_at": database_now() + _LEASE}
                connection.execute(update(undertakings).where(mine).values(values))
        return _promise(found) if found else None

    def release(self) -> None:
        """Nobody is carrying anything out: what is open is due."""
        with self._database.writing() as connection:
            connection.execute(
                update(undertakings).where(undertakings.c.state.in_(["running", "open"])).values(due_at=database_now())
            )

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


def _of(requester: str, operation: str) -> ColumnElement[bool]:
    return and_(undertakings.c.requester == requester, undertakings.c.operation == operation)


def _key(requester: str, operation: str, name: str) -> ColumnElement[bool]:
    return and_(_of(requester, operation), undertakings.c.name == name)


def _promise(row: Row[Any]) -> Promise:
    return Promise(row.requester, row.operation, row.name, json.loads(row.plan), row.request_id, row.state)


_KNOWN = or_(
    undertakings.c.state.in_(["running", "open", "waiting"]),
    undertakings.c.changed_at > database_now() - _UNTOLD,
    and_(undertakings.c.state.in_(["stuck", "told"]), undertakings.c.changed_at > database_now() - _REMEMBERED),
)
_LEFT = or_(
    undertakings.c.state.in_(["open", "stuck", "ended"]),
    and_(undertakings.c.state == "running", undertakings.c.due_at <= database_now()),
)
"""Nobody is at it, and nobody has been told what came of it."""
_UNENDED = undertakings.c.state != "ended"
_DUE = undertakings.c.due_at <= database_now()
_HITS = select(undertakings.c.requester, undertakings.c.hit).where(undertakings.c.state == "waiting")
