"""What happened, and who wants to be told."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table, Text

from mturk_gateway.marketplace.tables.base import id_column, metadata, serial_column

events = Table(
    "events",
    metadata,
    serial_column("number"),
    Column("time", BigInteger, nullable=False),
    # An EventType of the service model.
    Column("type", String(32), nullable=False),
    id_column("requester_id", ForeignKey("requesters.id")),
    id_column("hit_type_id"),
    id_column("hit_id"),
    Column("assignment_id", String(64)),
    Column("worker_id", String(64)),
    Index("events_hit_id", "hit_id", "number"),
)

notification_settings = Table(
    "notification_settings",
    metadata,
    id_column("hit_type_id", ForeignKey("hit_types.id"), primary_key=True),
    Column("destination", Text, nullable=False),
    Column("transport", String(8), nullable=False),
    Column("version", Text, nullable=False),
    # The EventTypes, with commas between them.
    Column("event_types", Text, nullable=False),
    Column("active", Boolean, nullable=False),
)
