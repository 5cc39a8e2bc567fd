"""Which workers meet the qualification requirements of a HIT type, and what they may do with its HITs.

The rules are those of modern-mturk 2.3. A qualification that was revoked counts as missing, and a missing one meets
DoesNotExist and nothing else.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from mturk_gateway.marketplace.services.qualifying.system_types import (
    ADULT,
    COMPUTED,
    LOCALE,
    NUMBER_APPROVED,
    PERCENT_APPROVED,
)
from mturk_gateway.marketplace.tables import assignments, hits, qualifications, requesters, workers

Action = Literal["Discover", "Preview", "Accept"]
"""Seeing that a HIT is there, looking at it, taking it: from the least guarded to the most."""

Requirement = dict[str, Any]
"""One of a HIT type's `requirements`, in the form in which they are stored."""


class Locale(NamedTuple):
    """Where somebody lives; a requirement that names no subdivision means them all."""

    country: str
    subdivision: str | None


_GUARDS: Mapping[str, frozenset[Action]] = {
    "Accept": frozenset({"Accept"}),
    "PreviewAndAccept": frozenset({"Accept", "Preview"}),
    "DiscoverPreviewAndAccept": frozenset({"Accept", "Preview", "Discover"}),
}
_SMALL_NUMBER = 100

_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
}

_WORKER = select(workers.c.country, workers.c.subdivision, workers.c.adult).where(workers.c.id == bindparam("worker"))
_GRANTED = select(qualifications.c.qualification_type_id, qualifications.c.value).where(
    qualifications.c.worker_id == bindparam("worker"),
    qualifications.c.qualification_type_id.in_(bindparam("types", expanding=True)),
    qualifications.c.status == "Granted",
)
_WORK = (
    select(assignments.c.state, func.count().label("number"))
    .select_from(assignments)
    .join(hits, hits.c.id == assignments.c.hit_id)
    .join(requesters, requesters.c.id == hits.c.requester_id)
    .where(
        assignments.c.worker_id == bindparam("worker"),
        assignments.c.state.in_(("Submitted", "Approved", "Rejected")),
        requesters.c.sandbox == bindparam("sandbox"),
    )
    .group_by(assignments.c.state)
)


class Standing:
    """A worker as requirements see one, in one realm: what they ask for is read when it is first asked for.

    Meant for one look at many HIT types; what changes meanwhile does not show.
    """

    def __init__(self, connection: Connection, worker_id: str, *, sandbox: bool) -> None:
        self._connection = connection
        self._worker_id = worker_id
        self._sandbox = sandbox
        self._values: dict[str, int | Locale | None] = {}

    def unmet(self, requirements: Sequence[Requirement]) -> list[Requirement]:
        """Those requirements that the worker does not meet, in their order."""
        self._read({requirement["QualificationTypeId"] for requirement in requirements} - self._values.keys())
        return [
            requirement
            for requirement in requirements
            if not _meets(self._values[requirement["QualificationTypeId"]], requirement)
        ]

    def permits(self, requirements: Sequence[Requirement], action: Action) -> bool:
        """Whether the worker meets all those of the requirements that guard an action."""
        return not self.unmet([known for known in requirements if action in _GUARDS[known["ActionsGuarded"]]])

    def _read(self, types: set[str]) -> None:
        self._values.update(dict.fromkeys(types))
        if types & {LOCALE, ADULT}:
            self._read_person()
        if types & {NUMBER_APPROVED, PERCENT_APPROVED}:
            self._read_work()
        if types - COMPUTED:
            given = {"worker": self._worker_id, "types": sorted(types - COMPUTED)}
            self._values.update((kind, value) for kind, value in self._connection.execute(_GRANTED, given))

    def _read_person(self) -> None:
        """Nobody has a locale or has agreed to anything before registering."""
        row = self._connection.execute(_WORKER, {"worker": self._worker_id}).one_or_none()
        country, subdivision, adult = row or (None, None, False)
        self._values[LOCALE] = None if country is None else Locale(country, subdivision)
        self._values[ADULT] = int(adult)

    def _read_work(self) -> None:
        """Counts from all requesters of the realm.

        The rate is 100 until 100 assignments were submitted. It is rounded down, so that 95 is reached by nobody who
        has less, and undecided work does not count against a worker.
        """
        given = {"worker": self._worker_id, "sandbox": self._sandbox}
        number = {row.state: row.number for row in self._connection.execute(_WORK, given)}
        approved = number.get("Approved", 0)
        decided = approved + number.get("Rejected", 0)
        measured = decided > 0 and sum(number.values()) >= _SMALL_NUMBER
        self._values[NUMBER_APPROVED] = approved
        self._values[PERCENT_APPROVED] = 100 * approved // decided if measured else 100


def _meets(value: int | Locale | None, requirement: Requirement) -> bool:
    comparator: str = requirement["Comparator"]
    if comparator == "DoesNotExist":
        return value is None
    if value is None:
        return False
    if comparator == "Exists":
        return True
    if isinstance(value, Locale):
        listed = any(_covers(wanted, value) for wanted in requirement["LocaleValues"])
    elif comparator in _COMPARISONS:
        return _COMPARISONS[comparator](value, requirement["IntegerValues"][0])
    else:
        listed = value in requirement["IntegerValues"]
    return listed == (comparator in {"EqualTo", "In"})


def _covers(wanted: Mapping[str, str], locale: Locale) -> bool:
    return locale == Locale(wanted["Country"], wanted.get("Subdivision", locale.subdivision))
