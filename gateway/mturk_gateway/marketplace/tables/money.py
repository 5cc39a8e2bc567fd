"""The books: for every requester accounts between which money is moved, in cents."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from mturk_gateway.marketplace.tables.base import id_column, metadata, newest_first_column, serial_column

accounts = Table(
    "accounts",
    metadata,
    id_column("requester_id", ForeignKey("requesters.id"), primary_key=True),
    # outside, available, held, earned or fees.
    Column("kind", String(16), primary_key=True),
    # Whose earnings these are; empty for the other kinds.
    id_column("worker_id", primary_key=True),
    Column("balance", BigInteger, nullable=False),
)

transfers = Table(
    "transfers",
    metadata,
    serial_column("number"),
    id_column("requester_id", ForeignKey("requesters.id")),
    Column("time", BigInteger, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("destination", String(16), nullable=False),
    # Who earned it, where somebody did.
    id_column("worker_id"),
    # More than nothing.
    Column("amount", BigInteger, nullable=False),
    Column("hit_id", String(64)),
    Column("assignment_id", String(64)),
    Index("transfers_requester_id", "requester_id", "number"),
    Index("transfers_worker_id", "worker_id", "number"),
)

bonuses = Table(
    "bonuses",
    metadata,
    id_column("id", primary_key=True),
    id_column("requester_id", ForeignKey("requesters.id")),
    id_column("hit_id", ForeignKey("hits.id")),
    id_column("assignment_id", ForeignKey("assignments.id")),
    id_column("worker_id"),
    Column("amount", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("grant_time", BigInteger, nullable=False),
    newest_first_column(),
    Index("bonuses_of_hit", "hit_id", "newest_first", "id"),
    Index("bonuses_of_assignment", "assignment_id", "newest_first", "id"),
)
