"""What the texts of legacy documents mean: IDs, times, tickets, or just what they say."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from mturk_gateway.replay.identities import Identities
from mturk_gateway.replay.moments import SLACK, Moments

_WRITTEN_BY_REQUESTERS = frozenset({"QuestionId"})
_UPLOADED = "UploadedFileKey"
_TICKET = "FileUploadURL"
_DAY = "Date"
_DAY_AND_A_CHANGE_OF_CLOCKS = 25 * 3600.0

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_STAMPED = re.compile(r"(.*) \(([0-9]{13})( s)?\)", re.DOTALL)
"""An error message and the time behind it in milliseconds, with an `s` in the sandbox."""


def is_id(name: str) -> bool:
    """Whether what is called so is an ID that the service gives."""
    return (name.endswith("Id") and name not in _WRITTEN_BY_REQUESTERS) or name == _UPLOADED


def is_time(text: str) -> bool:
    """Whether a text is a moment as answers write them."""
    return _time(text) is not None


class Meanings:
    """Tells whether a recorded text and one of now mean the same, as far as is known from what it was told.

    Names that end in `Id` have IDs, which may be others than the recorded ones as long as they are so throughout; what
    requesters wrote themselves (QuestionId) has to be equal. Times have to be as late as `Moments` expects. The `Date`
    of statistics is the beginning of a day, which may be up to a day before the request. A FileUploadURL is a ticket
    for one upload, opaque to programs: any URL is as good as another. All else has to be equal, but for known IDs.
    """

    def __init__(self, identities: Identities, moments: Moments) -> None:
        self._identities = identities
        self._moments = moments

    def of_recorded(self, name: str, text: str) -> str:
        """Something that is equal for texts that can mean the same, for a recorded one."""
        if is_id(name):
            return self._identities.now(text) or "an unknown ID"
        return _meaning(name, self._identities.translated(text))

    def of_found(self, name: str, text: str) -> str:
        """The same for a text of now."""
        if is_id(name):
            return text if self._identities.recorded(text) else "an unknown ID"
        return _meaning(name, text)

    def translated(self, text: str) -> str:
        """A recorded text with the IDs of now."""
        return self._identities.translated(text)

    def learn(self, name: str, recorded: str, found: str) -> None:
        """Take in that two texts stand in the same place."""
        if is_id(name):
            self._identities.learn(recorded, found)
        old, new = _time(recorded), _time(found)
        if old is not None and new is not None:
            self._moments.learn(old, new)

    def agree(self, name: str, recorded: str, found: str) -> bool:
        """Whether two texts of an element or attribute of that name mean the same."""
        if is_id(name):
            return self._identities.agree(recorded, found)
        if name == _TICKET and _is_url(recorded):
            return _is_url(found)
        old, new = _time(recorded), _time(found)
        if old is not None and new is not None:
            slack = _DAY_AND_A_CHANGE_OF_CLOCKS if name == _DAY else SLACK
            return _form(recorded) == _form(found) and self._moments.agree(old, new, slack)
        before, after = _stamped(name, recorded), _stamped(name, found)
        if before and after:
            alike = self.translated(before.message) == after.message and before.mark == after.mark
            return alike and self._moments.agree(before.moment, after.moment)
        return self.translated(recorded) == found

    def explained(self, name: str, recorded: str, found: str) -> tuple[str, str]:
        """Two texts that do not agree, with what a person needs to see why."""
        if is_id(name):
            now, before = self._identities.now(recorded), self._identities.recorded(found)
            return (
                f"{recorded} ({now} now)" if now and now != recorded else recorded,
                f"{found} (recorded as {before})" if before and before != found else found,
            )
        old, new = _time(recorded), _time(found)
        if old is not None and new is not None:
            return f"{recorded}{_in_words(self._moments.expected(old, new))}", found
        return self.translated(recorded), found


class _Stamped(NamedTuple):
    message: str
    moment: float
    mark: str | None


def _stamped(name: str, text: str) -> _Stamped | None:
    found = _STAMPED.fullmatch(text) if name == "Message" else None
    return _Stamped(found[1], int(found[2]) / 1000, found[3]) if found else None


def _meaning(name: str, text: str) -> str:
    if _time(text) is not None:
        return "a time"
    stamped = _stamped(name, text)
    if stamped:
        return stamped.message
    return "a URL" if name == _TICKET and _is_url(text) else text


def _time(text: str) -> float | None:
    if _TIME.fullmatch(text):
        with suppress(ValueError):
            return datetime.fromisoformat(text).timestamp()
    return None


def _form(time: str) -> str:
    """How a moment is written: with a fraction, an offset, or neither; old programs read one form only."""
    return re.sub("[0-9]", "0", time)


def _in_words(moment: float | None) -> str:
    if moment is None:
        return ""
    try:
        return datetime.fromtimestamp(moment, UTC).strftime(" (%Y-%m-%dT%H:%M:%SZ now)")
    except (ValueError, OverflowError):
        return ""


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
