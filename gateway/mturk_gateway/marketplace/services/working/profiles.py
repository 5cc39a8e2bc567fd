"""Who the workers are: they are there from the first thing that they do, and the operator vouches for the rest."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, String, bindparam, delete, exists, false, insert, select, update

from mturk_gateway.marketplace.services.qualifying import grants
from mturk_gateway.marketplace.services.qualifying.system_types import COMPUTED
from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.marketplace.tables import qualification_types, qualifications, workers

_ID = re.compile(r"A[A-Z0-9]{1,63}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_SUBDIVISION = re.compile(r"[A-Z0-9]{2}")

_WORKER = bindparam("worker", type_=String)
_REGISTER = insert(workers).from_select(
    ["id", "creation_time", "adult"],
    select(_WORKER, bindparam("now", type_=BigInteger), false()).where(~exists().where(workers.c.id == _WORKER)),
)
_PROFILE = select(workers.c.country, workers.c.subdivision, workers.c.adult).where(workers.c.id == _WORKER)
_SYSTEM_TYPE = select(qualification_types.c.id).where(
    qualification_types.c.id == bindparam("type"), qualification_types.c.requester_id.is_(None)
)
_TAKE_AWAY = delete(qualifications).where(
    qualifications.c.qualification_type_id == bindparam("type"), qualifications.c.worker_id == _WORKER
)


class ProfileError(ValueError):
    """What the operator says of a worker cannot be; the text says why."""


class Profile(NamedTuple):
    """Where a worker lives, each in two letters if it is known, and whether they agreed to adult content."""

    country: str | None
    subdivision: str | None
    adult: bool


def register(connection: Connection, worker_id: str, now: int) -> None:
    """Make sure that a worker is known; new ones are from nowhere and have agreed to nothing.

    Raises WorkerRefused for an id that is not in Amazon's form (worker-side 6).
    """
    if not _ID.fullmatch(worker_id):
        raise WorkerRefused("This is not a worker id.")
    connection.execute(_REGISTER, {"worker": worker_id, "now": now})


def profile_of(connection: Connection, worker_id: str) -> Profile:
    """What is known of a worker; somebody who never came has a profile with nothing in it."""
    row = connection.execute(_PROFILE, {"worker": worker_id}).one_or_none()
    return Profile(row.country, row.subdivision, bool(row.adult)) if row else Profile(None, None, adult=False)


def set_profile(
    connection: Connection,
    worker_id: str,
    now: int,
    *,
    country: str | None = None,
    subdivision: str | None = None,
    adult: bool | None = None,
) -> None:
    """Change what is given, None leaving it as it is; another country without a subdivision clears the old one's.

    Raises ProfileError for codes that cannot be (ISO 3166: "US", "PA") and a subdivision of no country, WorkerRefused
    for what is not a worker id.
    """
    register(connection, worker_id, now)
    known = profile_of(connection, worker_id)
    moved = country is not None and country != known.country
    if country is not None and not _COUNTRY.fullmatch(country):
        raise ProfileError(f"{country!r} is not a country in two capital letters, such as US")
    if subdivision is not None and not _SUBDIVISION.fullmatch(subdivision):
        raise ProfileError(f"{subdivision!r} is not a subdivision in two capital letters or digits, such as PA")
    if subdivision is not None and country is None and known.country is None:
        raise ProfileError("a subdivision needs a country")
    wanted = Profile(
        known.country if country is None else country,
        subdivision if moved or subdivision is not None else known.subdivision,
        known.adult if adult is None else adult,
    )
    connection.execute(update(workers).where(workers.c.id == worker_id).values(wanted._asdict()))


def grant(connection: Connection, worker_id: str, type_id: str, value: int, now: int) -> None:
    """Give a worker one of Amazon's qualifications that nothing computes, such as Masters, or give it another value.

    Raises ProfileError for every other type, WorkerRefused for what is not a worker id.
    """
    register(connection, worker_id, now)
    _check_grantable(connection, type_id)
    grants.grant(connection, type_id, worker_id, value, now)


def take_away(connection: Connection, worker_id: str, type_id: str) -> None:
    """Undo a `grant`, if there was one. Raises ProfileError for types that are not granted so."""
    _check_grantable(connection, type_id)
    connection.execute(_TAKE_AWAY, {"worker": worker_id, "type": type_id})


def _check_grantable(connection: Connection, type_id: str) -> None:
    if connection.execute(_SYSTEM_TYPE, {"type": type_id}).one_or_none() is None:
        raise ProfileError(f"{type_id} is not one of Amazon's qualification types; a requester grants others")
    if type_id in COMPUTED:
        raise ProfileError(f"{type_id} follows from the worker's work and profile")
