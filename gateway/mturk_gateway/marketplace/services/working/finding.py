"""Which HITs a worker sees (worker-side 2). Timers are taken as stored; settle them first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, or_, select

from mturk_gateway.marketplace.services.publishing.hits import FREE, Hit, load_hit
from mturk_gateway.marketplace.services.qualifying.eligibility import Action, Requirement, Standing
from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.marketplace.tables import assignments, hit_types, hits, qualification_types, requesters

OPEN = and_(
    hits.c.disposed_at.is_(None),
    hits.c.expiration > bindparam("now"),
    FREE > 0,
)
"""HITs that somebody can accept at the moment `now`."""

HAD = select(assignments.c.hit_id).where(
    assignments.c.worker_id == bindparam("worker"), assignments.c.given_up_at.is_(None)
)
"""Selects the HITs that the worker `worker` holds or has done."""

_OFFERED = and_(OPEN, hits.c.id.not_in(HAD))
_IN_REALM = hits.c.requester_id.in_(select(requesters.c.id).where(requesters.c.sandbox == bindparam("sandbox")))
_COUNTS = (
    select(
        hits.c.hit_type_id,
        func.count().label("available"),
        func.max(hits.c.creation_time).label("created"),
        func.max(hits.c.expiration).label("expires"),
    )
    .where(_OFFERED, _IN_REALM)
    .group_by(hits.c.hit_type_id)
    .subquery()
)
_TYPE = ("group_id", "title", "description", "keywords", "reward", "assignment_duration", "requirements")
_GROUPS = (
    select(_COUNTS, *(hit_types.c[name] for name in _TYPE), requesters.c.name.label("requester"))
    .join(hit_types, hit_types.c.id == _COUNTS.c.hit_type_id)
    .join(requesters, requesters.c.id == hit_types.c.requester_id)
    .order_by(_COUNTS.c.created.desc(), hit_types.c.title, hit_types.c.id)
)
_NAMED_TYPE = select(hit_types.c.id).where(
    or_(hit_types.c.id == bindparam("name"), hit_types.c.group_id == bindparam("name"))
)
_ANY_OFFERED = select(hits.c.id).where(_OFFERED, hits.c.hit_type_id == bindparam("type")).limit(1)
_REALM_OF_HIT = select(requesters.c.sandbox).join_from(hits, requesters).where(hits.c.id == bindparam("hit"))
_NAMES = select(qualification_types.c.id, qualification_types.c.name).where(
    qualification_types.c.id.in_(bindparam("types", expanding=True))
)


class Group(NamedTuple):
    """HITs of one type, as a worker sees them in the list.

    `available` of them have a free slot for this worker; `created` and `expires` are the latest of theirs;
    `assignment_duration` is in seconds, `reward` in dollars. `unmet` are those of the `requirements` that the worker
    does not meet.
    """

    hit_type_id: str
    group_id: str
    title: str
    description: str
    keywords: str | None
    requester: str
    reward: str
    assignment_duration: int
    available: int
    created: int
    expires: int
    requirements: Sequence[Requirement]
    unmet: Sequence[Requirement]


def groups(connection: Connection, worker_id: str, now: int, *, sandbox: bool) -> list[Group]:
    """The list of groups with HITs for a worker in one realm, newest first.

    Those with a requirement that guards discovery are there only for who meets it. Requesters who blocked the worker
    are not left out: that is said when a HIT is accepted (worker-side 2).
    """
    rows = connection.execute(_GROUPS, {"worker": worker_id, "now": now, "sandbox": sandbox}).mappings().all()
    standing = Standing(connection, worker_id, sandbox=sandbox)
    found = []
    for row in rows:
        requirements = json.loads(row["requirements"])
        if standing.permits(requirements, "Discover"):
            unmet = standing.unmet(requirements)
            found.append(Group(**{**row, "requirements": requirements, "unmet": unmet}))
    return found


def preview(connection: Connection, group: str, worker_id: str, now: int) -> Hit:
    """Any HIT of a group that the worker could accept, found by HITGroupId or HITTypeId; nothing changes.

    Raises WorkerRefused where there is none, or a requirement that guards previewing is not met.
    """
    hit = load_hit(connection, offered(connection, group, worker_id, now))
    refuse_unqualified(connection, hit, worker_id, "Preview")
    return hit


def offered(connection: Connection, group: str, worker_id: str, now: int) -> str:
    """The id of any HIT of a group with a free slot for the worker; the group by HITGroupId or HITTypeId.

    Old tools make links with either (modern-mturk 2.2). Raises WorkerRefused where there is none.
    """
    hit_type = connection.execute(_NAMED_TYPE, {"name": group}).scalar_one_or_none()
    if hit_type is None:
        raise WorkerRefused("There is no such group of HITs.")
    hit_id: str | None = connection.execute(
        _ANY_OFFERED, {"type": hit_type, "worker": worker_id, "now": now}
    ).scalar_one_or_none()
    if hit_id is None:
        raise WorkerRefused("There are no more available HITs in this group.")
    return hit_id


def is_in_sandbox(connection: Connection, hit_id: str) -> bool:
    """Whether a HIT is one of the sandbox."""
    return bool(connection.execute(_REALM_OF_HIT, {"hit": hit_id}).scalar_one())


def refuse_unqualified(connection: Connection, hit: Hit, worker_id: str, action: Action) -> None:
    """Raise WorkerRefused, naming what is missing, unless a worker meets the requirements that guard an action."""
    requirements = json.loads(hit.requirements)
    if not requirements:
        return
    standing = Standing(connection, worker_id, sandbox=is_in_sandbox(connection, hit.id))
    if not standing.permits(requirements, action):
        wanted = "; ".join(describe(connection, standing.unmet(requirements)))
        raise WorkerRefused(f"You do not have the qualifications that this HIT requires: {wanted}.")


def describe(connection: Connection, requirements: Sequence[Requirement]) -> list[str]:
    """Requirements in words: the qualification type's name, the comparator and the values."""
    types = {requirement["QualificationTypeId"] for requirement in requirements}
    names = {row.id: row.name for row in connection.execute(_NAMES, {"types": sorted(types)})}
    return [" ".join(_words(requirement, names)) for requirement in requirements]


def _words(requirement: Requirement, names: Mapping[str, str]) -> Iterable[str]:
    identifier = requirement["QualificationTypeId"]
    yield names.get(identifier, identifier)
    yield requirement["Comparator"]
    numbers = [str(number) for number in requirement.get("IntegerValues", ())]
    places = [
        "-".join(locale[part] for part in ("Country", "Subdivision") if part in locale)
        for locale in requirement.get("LocaleValues", ())
    ]
    if numbers or places:
        yield ", ".join(numbers + places)
