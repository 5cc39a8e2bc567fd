"""A marketplace's clock that a test can move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mturk_gateway.clock import wall_clock


class MovableClock:
    """Ticks as the real time does, from wherever it was moved to; at first it shows the real time.

    Whoever looks after it was moved sees what has happened by then: HITs have expired, work is approved.
    """

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        """The moment that it shows, in seconds since 1970-01-01T00:00:00Z."""
        return wall_clock() + self._ahead

    def now(self) -> datetime:
        """The moment that it shows, in UTC."""
        return datetime.fromtimestamp(self(), UTC)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass. Raises ValueError for less than none."""
        passed = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        if passed < 0:
            raise ValueError(f"time passes forward, not by {passed:g} seconds; `set` goes back")
        self._ahead += passed

    def set(self, moment: datetime) -> None:
        """Show another moment from now on, such as `datetime(2012, 1, 31, tzinfo=UTC)`, later or earlier.

        Nothing that has happened is undone. Raises ValueError for a moment without a time zone.
        """
        if moment.tzinfo is None:
            raise ValueError(f"{moment!r} needs a time zone: datetime(…, tzinfo=UTC)")
        self._ahead = moment.timestamp() - wall_clock()
