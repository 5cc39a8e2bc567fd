"""What happened to HITs and assignments, for those who want to be told (modern-mturk 4.4), and for the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, insert

from mturk_gateway.marketplace.tables import events


class Event(NamedTuple):
    """One event: an EventType of the service model, when it happened, and to what."""

    type: str
    time: int
    requester_id: str
    hit_type_id: str
    hit_id: str
    assignment_id: str | None = None
    worker_id: str | None = None


_RECORD = insert(events)


def record(connection: Connection, *happened: Event) -> None:
    """Keep events, in the order given."""
    record_all(connection, happened)


def record_all(connection: Connection, happened: Sequence[Event]) -> None:
    """Keep many events at once, in the order given."""
    if happened:
        connection.execute(_RECORD, [event._asdict() for event in happened])
