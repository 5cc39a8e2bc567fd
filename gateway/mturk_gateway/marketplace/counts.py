"""How much there is in the marketplace, for those who watch it: counted seldom, as it takes a look at all of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock, Thread

from sqlalchemy import Connection, case, func, select
from structlog import get_logger

from mturk_gateway.clock import Clock
from mturk_gateway.database import TROUBLE, Database
from mturk_gateway.marketplace.services.publishing.hits import FREE
from mturk_gateway.marketplace.tables import assignments, hits, qualification_types, requesters, workers

log = get_logger()

_KEPT = 15.0
"""Seconds for which counts are good."""
_SHARE = 30.0
"""How many times as long as counting took they are good at least: that takes this part of a processor at most."""
_PATIENCE = 1.0
"""Seconds that somebody waits for counts that are being made, before being told the former ones."""

Counts = dict[str, int | dict[str, int]]

_HIT_STATUSES = ("Assignable", "Unassignable", "Reviewable", "Reviewing", "Disposed")
_ASSIGNMENT_STATES = ("Accepted", "Submitted", "Approved", "Rejected", "Returned", "Abandoned")


class Counter:
    """Counts of one marketplace. `clock` is that of its rules; `elapsed` gives seconds, from whenever."""

    def __init__(self, database: Database, clock: Clock, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._elapsed = elapsed
        self._counts: Counts | None = None
        self._until = 0.0
        self._counting: Thread | None = None
        self._lock = Lock()

    def counts(self) -> Counts | None:
        """The newest counts; none where there are none yet, or the database is in trouble. Blocks for a second."""
        with self._lock:
            if self._counts is not None and self._elapsed() < self._until:
                return self._counts
            if self._counting is None or not self._counting.is_alive():
                self._counting = Thread(target=self._count, name="counting", daemon=True)
                self._counting.start()
            counting = self._counting
        counting.join(_PATIENCE)
        return self._counts

    def _count(self) -> None:
        begun = self._elapsed()
        try:
            with self._database.reading() as connection:
                counts: Counts | None = count(connection, int(self._clock()))
        except TROUBLE as error:
            log.error("the marketplace could not be counted", reason=type(error).__name__)
            counts = None
        took = self._elapsed() - begun
        self._counts, self._until = counts, begun + took + max(_KEPT, _SHARE * took)


def count(connection: Connection, now: int) -> Counts:
    """What there is at a moment, in one look at each table or at an index of it; in both realms together."""
    # As `services.publishing.hits.status` tells it of one HIT.
    status = case(
        (hits.c.disposed_at.is_not(None), "Disposed"),
        ((hits.c.expiration > now) & (FREE > 0), "Assignable"),
        (hits.c.pending > 0, "Unassignable"),
        (hits.c.reviewing, "Reviewing"),
        else_="Reviewable",
    )
    by_status = connection.execute(select(status, func.count()).select_from(hits).group_by(status)).all()
    by_state = connection.execute(select(assignments.c.state, func.count()).group_by(assignments.c.state)).all()
    # Twins are no requesters of their own.
    owners = select(func.count() - func.count(requesters.c.twin_id)).select_from(requesters)
    types = select(func.count()).select_from(qualification_types).where(qualification_types.c.deleted_at.is_(None))
    return {
        "hits": {**dict.fromkeys(_HIT_STATUSES, 0), **dict(by_status)},
        "assignments": {**dict.fromkeys(_ASSIGNMENT_STATES, 0), **dict(by_state)},
        "workers": connection.scalar(select(func.count()).select_from(workers)) or 0,
        "requesters": connection.scalar(owners) or 0,
        "qualification_types": connection.scalar(types) or 0,
    }
