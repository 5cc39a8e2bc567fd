"""Single values: money, times and keys for sorting, from the modern form to the legacy one and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from urllib.parse import urlsplit

ENTITY_ID = r"[A-Z0-9]{1,64}"
WORKER_ID = r"A[A-Z0-9]{1,63}"
"""The forms of IDs (legacy-common 9.1)."""

Moment = datetime | int | float
"""A time as boto3 gives it, or as seconds since 1970."""


def is_worker_id(text: str) -> bool:
    """Whether it can be the ID of a worker."""
    return re.fullmatch(WORKER_ID, text, re.ASCII) is not None


def is_web_address(text: str) -> bool:
    """Whether it is a whole URL that a program can be called at by HTTP or HTTPS."""
    try:
        parts = urlsplit(text)
        # Only reading the port shows that it is none.
        complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    # urlsplit drops line breaks without a word.
    return complete and parts.scheme in ("http", "https") and text.isprintable() and " " not in text


def seconds(moment: Moment) -> float:
    """The moment in seconds since 1970; whole ones are integers."""
    exact = moment.timestamp() if isinstance(moment, datetime) else moment
    return int(exact) if exact == int(exact) else exact


def time_text(moment: Moment) -> str:
    """`YYYY-MM-DDThh:mm:ssZ`: boto and MTurkR parse exactly this and nothing with a fraction (legacy-common 10).

    A fraction is cut off, never rounded up.
    """
    if isinstance(moment, datetime):
        return _utc_text(moment.astimezone(UTC))
    return _second_text(int(moment // 1))


@lru_cache(4096)
def _second_text(second: int) -> str:
    # Most times of a row are also keys for sorting, so each is asked for twice.
    day, second = divmod(second, 86_400)
    minute, second = divmod(second, 60)
    return f"{_day_text(day)}T{minute // 60:02}:{minute % 60:02}:{second:02}Z"


@lru_cache(1024)
def _day_text(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def _utc_text(moment: datetime) -> str:
    return f"{moment.isoformat()[:19]}Z"


def money_in(text: str) -> str | None:
    """A legacy amount as the modern API wants it, with two decimals; None when it is no amount (legacy-common 6.2).

    Clients write `5`, `0.05`, `.20` and `1.5`. Zeros past the second decimal say nothing and are dropped.
    """
    match = re.fullmatch(r"([0-9]{0,12})(?:\.([0-9]{0,12}))?", text, re.ASCII)
    if not match or not (match[1] or match[2]):
        return None
    decimals = (match[2] or "").rstrip("0")
    if len(decimals) > 2:
        return None
    return f"{int(match[1] or '0')}.{decimals:0<2}"


def amount_text(modern: str) -> str:
    """A modern amount with at least two decimals; a third is kept (structures 3)."""
    whole, _, decimals = modern.partition(".")
    return f"{whole}.{decimals:0<2}"


def formatted_price(modern: str) -> str:
    """`$10,000.00`: thousands separated, rounded to two decimals. What is no number is shown as it is."""
    try:
        return f"${Decimal(modern).quantize(Decimal('0.01')):,}"
    except InvalidOperation:
        return f"${modern}"


def text_key(value: str | None) -> str:
    """Sorts text by code point; what is absent comes first."""
    return value or ""


def money_key(value: str | None) -> str:
    """Sorts amounts by their value."""
    whole, _, decimals = (value or "0").partition(".")
    return f"{whole:0>15}.{decimals:0<3}"


def time_key(value: Moment | None) -> str:
    """Sorts moments by time, to the second that a client can see."""
    return "" if value is None else time_text(value)
