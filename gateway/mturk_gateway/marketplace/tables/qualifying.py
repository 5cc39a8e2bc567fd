"""Qualification types, who holds them, and who asked for them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table, Text, text

from mturk_gateway.marketplace.tables.base import id_column, metadata, newest_first_column

qualification_types = Table(
    "qualification_types",
    metadata,
    id_column("id", primary_key=True),
    # None for the types that belonged to Amazon.
    Column("requester_id", String(64), ForeignKey("requesters.id")),
    Column("name", Text, nullable=False),
    Column("keywords", Text),
    Column("description", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("test", Text),
    Column("test_duration", BigInteger),
    Column("answer_key", Text),
    Column("retry_delay", BigInteger),
    Column("auto_granted", Boolean, nullable=False),
    Column("auto_granted_value", BigInteger),
    Column("creation_time", BigInteger, nullable=False),
    newest_first_column(),
    Column("deleted_at", BigInteger),
)

Index(
    "qualification_types_names",
    qualification_types.c.requester_id,
    qualification_types.c.name,
    unique=True,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)

Index(
    "qualification_types_listed",
    qualification_types.c.requester_id,
    qualification_types.c.newest_first,
    qualification_types.c.id,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)

qualifications = Table(
    "qualifications",
    metadata,
    id_column("qualification_type_id", ForeignKey("qualification_types.id"), primary_key=True),
    # No foreign key: a grant may wait for a worker who has not come yet.
    id_column("worker_id", primary_key=True),
    # Granted or Revoked.
    Column("status", String(16), nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("grant_time", BigInteger, nullable=False),
    newest_first_column(),
    # Why it was revoked.
    Column("reason", Text),
    Index("qualifications_listed", "qualification_type_id", "status", "newest_first", "worker_id"),
    Index("qualifications_worker_id", "worker_id"),
)

qualification_requests = Table(
    "qualification_requests",
    metadata,
    id_column("id", primary_key=True),
    id_column("qualification_type_id", ForeignKey("qualification_types.id")),
    id_column("requester_id", ForeignKey("requesters.id")),
    id_column("worker_id"),
    # Testing while the worker takes the test, Pending while the requester is to decide, Granted or Rejected.
    Column("status", String(16), nullable=False),
    Column("request_time", BigInteger, nullable=False),
    Column("submit_time", BigInteger),
    # The submit time with its sign changed.
    Column("newest_first", BigInteger),
    # When the time for the test is over.
    Column("due", BigInteger),
    # As it was when the worker asked, for the requester may change the type meanwhile.
    Column("test", Text),
    Column("answer", Text),
    # Why it was rejected.
    Column("reason", Text),
    Index("qualification_requests_of_worker", "worker_id", "qualification_type_id", "request_time"),
    Index("qualification_requests_listed", "requester_id", "status", "newest_first", "id"),
    Index("qualification_requests_of_type", "qualification_type_id", "status", "newest_first", "id"),
    Index("qualification_requests_due", "due"),
    Index("qualification_requests_due_of_one", "requester_id", "due"),
)

Index(
    "qualification_requests_open",
    qualification_requests.c.qualification_type_id,
    qualification_requests.c.worker_id,
    unique=True,
    sqlite_where=text("status IN ('Testing', 'Pending')"),
    postgresql_where=text("status IN ('Testing', 'Pending')"),
)
