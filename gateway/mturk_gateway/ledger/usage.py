"""Who still calls what: counts that tell when the last old program of a requester has been rewritten."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import func, literal_column, select

from mturk_gateway.database import Database
from mturk_gateway.ledger.tables import usage

_KEY = ["requester", "api", "operation", "day"]


class Usage:
    """Counts in memory, and in the ledger from time to time: at most what came since the last `save` can be lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: Counter[tuple[str, str, str, int]] = Counter()
        self._lock = threading.Lock()

    def count(self, requester: str, api: str, operation: str, now: float) -> None:
        """One more call of an operation of the `legacy` or `modern` API. Does not block on the database."""
        with self._lock:
            self._counts[requester, api, operation, int(now // 86_400)] += 1

    def save(self) -> None:
        """Add what was counted to the ledger."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        more = usage.c.count + literal_column("excluded.count")
        statement = self._database.insert_or_update(usage, _KEY, {"count": more})
        try:
            with self._database.writing() as connection:
                connection.execute(statement, [_row(*used, count) for used, count in counts.items()])
        except Exception:
            with self._lock:
                self._counts += counts
            raise

    def totals(self) -> dict[tuple[str, str], int]:
        """How many calls the ledger knows of, by requester and API."""
        statement = select(usage.c.requester, usage.c.api, func.sum(usage.c.count).label("calls")).group_by(
            usage.c.requester, usage.c.api
        )
        with self._database.reading() as connection:
            return {(row.requester, row.api): row.calls for row in connection.execute(statement)}


def _row(requester: str, api: str, operation: str, day: int, count: int) -> dict[str, str | int]:
    date = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
    return {"requester": requester, "api": api, "operation": operation, "day": date, "count": count}
