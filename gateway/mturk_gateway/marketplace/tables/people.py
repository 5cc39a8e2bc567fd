"""Requesters and workers, and what passes between them besides work."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table, Text, false

from mturk_gateway.marketplace.tables.base import id_column, metadata, newest_first_column, serial_column

requesters = Table(
    "requesters",
    metadata,
    id_column("id", primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    # Whether this one's things are the sandbox's. A requester of the production realm has a twin there.
    Column("sandbox", Boolean, nullable=False),
    Column("twin_id", String(64)),
    Column("creation_time", BigInteger, nullable=False),
    # Whether money is spent that was paid in before, and whether Amazon's fees are charged.
    Column("prepaid", Boolean, nullable=False, server_default=false()),
    Column("charged", Boolean, nullable=False, server_default=false()),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("access_key", String(128), primary_key=True),
    id_column("requester_id", ForeignKey("requesters.id")),
    # In clear, because a signature can only be checked by making it again.
    Column("secret", Text, nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Index("access_keys_requester_id", "requester_id"),
)

server_secrets = Table(
    "server_secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("secret", Text, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    id_column("id", primary_key=True),
    Column("creation_time", BigInteger, nullable=False),
    Column("country", String(2)),
    Column("subdivision", String(2)),
    Column("adult", Boolean, nullable=False),
)

worker_blocks = Table(
    "worker_blocks",
    metadata,
    id_column("requester_id", ForeignKey("requesters.id"), primary_key=True),
    # No foreign key: a block may wait for a worker who has not come yet.
    id_column("worker_id", primary_key=True),
    Column("reason", Text, nullable=False),
    newest_first_column(),
    Index("worker_blocks_listed", "requester_id", "newest_first", "worker_id"),
)

messages = Table(
    "messages",
    metadata,
    serial_column("number"),
    id_column("requester_id", ForeignKey("requesters.id")),
    id_column("worker_id"),
    Column("time", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("messages_worker_id", "worker_id", "number"),
)
