"""Days of the service, which begin at midnight in Seattle, and the periods of statistics."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")

_DAYS = {"SevenDays": 7, "ThirtyDays": 30}


class Span(NamedTuple):
    """What a data point is about: moments from `since` to before `until`, or all; `date` is what it shows."""

    date: int
    since: int | None
    until: int | None


def spans(period: str, count: int, now: float) -> list[Span]:
    """The spans of a period that ends today, oldest first: one, or as many days as are asked for (legacy-hits 21)."""
    today = datetime.fromtimestamp(now, UTC).astimezone(PACIFIC).date()
    begun, over = midnight(today), midnight(today + timedelta(1))
    if period == "LifeToDate":
        return [Span(begun, None, None)]
    if period in _DAYS:
        return [Span(begun, midnight(today - timedelta(_DAYS[period] - 1)), over)]
    midnights = [midnight(today - timedelta(back)) for back in range(count - 1, -2, -1)]
    return [Span(since, since, until) for since, until in pairwise(midnights)]


def midnight(day: date) -> int:
    """When a day began, in seconds since 1970. Clocks there are changed at two in the morning, never at midnight."""
    return int(datetime(day.year, day.month, day.day, tzinfo=PACIFIC).timestamp())
