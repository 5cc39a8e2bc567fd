"""The machine's clock, by what was written before, and what is known of time zones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mturk_gateway.clock import wall_clock
from mturk_gateway.doctor.findings import Finding, ok, problem
from mturk_gateway.doctor.reading import UnreadableError, reading
from mturk_gateway.settings import Settings

_TOLERATED = 60.0
"""Seconds that what was written may be ahead of the clock."""
_NEWEST = {
    "marketplace.db": (
        "SELECT time FROM transfers ORDER BY number DESC LIMIT 1",
        "SELECT time FROM events ORDER BY number DESC LIMIT 1",
    ),
    "ledger.db": ("SELECT MAX(changed_at) FROM undertakings",),
}
"""What tells the moment of a late write, without looking at every row."""
_REMEDY = "set the clock, and have it kept right: timedatectl set-ntp true"


def check_clocks(settings: Settings) -> Iterator[Finding]:
    """Whether the clock has gone backwards since something was written, and whether Pacific days are known."""
    now = wall_clock()
    latest, where = max(_written(settings), default=(0.0, ""))
    if latest > now + _TOLERATED:
        yield problem(
            f"this machine's clock says {_text(now)}, and {where} was written at {_text(latest)}: it went backwards, "
            "so HITs do not expire, and signatures of clients are refused",
            _REMEDY,
        )
    else:
        yield ok(f"it is {_text(now)}")
    try:
        ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:
        yield problem("statistics need Pacific days, and there is no data of time zones", "pip install tzdata")


def _written(settings: Settings) -> Iterator[tuple[float, str]]:
    for name, questions in _NEWEST.items():
        path = settings.data / name
        if not path.exists():
            continue
        yield path.stat().st_mtime, name
        with suppress(UnreadableError, sqlite3.Error), reading(path) as connection:
            for question in questions:
                # Earlier versions had not all tables.
                with suppress(sqlite3.OperationalError):
                    for (moment,) in connection.execute(question):
                        if moment is not None:
                            yield float(moment), name


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
