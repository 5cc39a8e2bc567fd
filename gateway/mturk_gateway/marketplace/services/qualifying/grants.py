"""Giving a qualification to a worker, whoever decides on it."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, update

from mturk_gateway.marketplace.tables import qualifications

DEFAULT_VALUE = 1
"""The value of a qualification that is given without one (modern-mturk 1.5)."""

_GRANT = insert(qualifications)
_THIS = (
    qualifications.c.qualification_type_id == bindparam("kind"),
    qualifications.c.worker_id == bindparam("worker"),
)
# It stays where it is in the list of who holds it, so that who walks that list meets everybody.
_SCORE = update(qualifications).where(*_THIS, qualifications.c.status == "Granted")
_GRANT_AGAIN = update(qualifications).where(*_THIS).values(reason=None)


def grant(connection: Connection, type_id: str, worker_id: str, value: int, now: int) -> None:
    """Let a worker hold a qualification with a value from now on, also one who lost it, or holds it with another.

    Neither needs the worker to be known. What it is for and whose it is, the caller has checked.
    """
    names = {"kind": type_id, "worker": worker_id}
    if connection.execute(_SCORE, {**names, "value": value}).rowcount:
        return
    granted = {"status": "Granted", "value": value, "grant_time": now, "newest_first": -now}
    if not connection.execute(_GRANT_AGAIN, {**names, **granted}).rowcount:
        connection.execute(_GRANT, {"qualification_type_id": type_id, "worker_id": worker_id, **granted})
