"""The published versions of the legacy API, and which of them a request means."""

from __future__ import annotations

from datetime import date

VERSIONS = (
    "2005-10-01",
    "2006-05-05",
    "2006-06-20",
    "2006-08-23",
    "2007-03-12",
    "2007-06-21",
    "2008-08-02",
    "2011-09-01",
    "2011-10-01",
    "2012-03-25",
    "2013-11-15",
    "2014-08-15",
)
"""Oldest first; ISO dates compare as text (legacy-common 4)."""

OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]


def resolve_version(asked: str | None) -> str:
    """The version that serves a request.

    A date means the newest known version that is not later, a date before the first means the first, and anything
    else, or nothing, means the newest (legacy-common 4).
    """
    if asked is None or not _is_date(asked):
        return NEWEST
    return max((version for version in VERSIONS if version <= asked), default=OLDEST)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
