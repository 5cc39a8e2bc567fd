"""What a worker has, has asked for and could ask for, to be shown to that worker (worker-side 5)."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select

from mturk_gateway.marketplace.services.qualifying.requesting import LAST_FIRST, why_not
from mturk_gateway.marketplace.tables import qualification_requests, qualification_types, qualifications, requesters


class Holding(NamedTuple):
    """A qualification that was given to a worker; `status` Granted or Revoked, and then perhaps the reason."""

    type_id: str
    name: str
    status: str
    value: int
    grant_time: int
    reason: str | None


class Asked(NamedTuple):
    """A request that was not granted: Testing until `due`, Pending, or Rejected, perhaps with a reason."""

    request_id: str
    type_id: str
    name: str
    status: str
    request_time: int
    due: int | None
    reason: str | None


class Offer(NamedTuple):
    """A qualification that a worker could ask for now, and whether there is a test to be taken."""

    type_id: str
    name: str
    description: str
    requester: str
    tested: bool


_HOLDINGS = (
    select(
        qualification_types.c.id,
        qualification_types.c.name,
        *(qualifications.c[name] for name in ("status", "value", "grant_time", "reason")),
    )
    .join_from(qualifications, qualification_types)
    .where(qualifications.c.worker_id == bindparam("worker"))
    .order_by(qualifications.c.newest_first, qualification_types.c.id)
)
_ASKED = (
    select(
        qualification_requests.c.id,
        qualification_types.c.id,
        qualification_types.c.name,
        *(qualification_requests.c[name] for name in ("status", "request_time", "due", "reason")),
    )
    .join_from(qualification_requests, qualification_types)
    .where(qualification_requests.c.worker_id == bindparam("worker"), qualification_requests.c.status != "Granted")
    .order_by(qualification_requests.c.request_time.desc(), qualification_requests.c.id)
)
_REQUESTABLE = (
    select(qualification_types, requesters.c.name.label("requester"))
    .join_from(qualification_types, requesters)
    .where(
        qualification_types.c.status == "Active",
        qualification_types.c.deleted_at.is_(None),
        requesters.c.sandbox == bindparam("sandbox"),
    )
    .order_by(qualification_types.c.newest_first, qualification_types.c.id)
)
_GRANTED = select(qualifications.c.qualification_type_id).where(
    qualifications.c.worker_id == bindparam("worker"), qualifications.c.status == "Granted"
)
_REQUESTS = (
    select(*(qualification_requests.c[name] for name in ("qualification_type_id", "status", "request_time")))
    .where(qualification_requests.c.worker_id == bindparam("worker"))
    .order_by(*LAST_FIRST)
)


def holdings(connection: Connection, worker_id: str) -> list[Holding]:
    """All that was ever given to a worker, the latest first."""
    return [Holding._make(row) for row in connection.execute(_HOLDINGS, {"worker": worker_id})]


def asked_for(connection: Connection, worker_id: str) -> list[Asked]:
    """What a worker has asked for and not got, or not yet, the latest first."""
    return [Asked._make(row) for row in connection.execute(_ASKED, {"worker": worker_id})]


def offers(connection: Connection, worker_id: str, now: int, *, sandbox: bool) -> list[Offer]:
    """What a worker could ask for at a moment in a realm, the newest first."""
    names = {"worker": worker_id}
    held = set(connection.execute(_GRANTED, names).scalars())
    last: dict[str, Row[Any]] = {}
    for request in connection.execute(_REQUESTS, names):
        last.setdefault(request.qualification_type_id, request)
    return [
        Offer(kind.id, kind.name, kind.description, kind.requester, kind.test is not None)
        for kind in connection.execute(_REQUESTABLE, {"sandbox": sandbox})
        if why_not(kind, last.get(kind.id), now, held=kind.id in held) is None
    ]
