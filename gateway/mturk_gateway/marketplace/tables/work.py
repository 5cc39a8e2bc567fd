"""HITs, what they are made of, and the work done on them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, String, Table, Text, text
from sqlalchemy import UniqueConstraint as Unique

from mturk_gateway.marketplace.tables.base import (
    change_column,
    id_column,
    metadata,
    newest_first_column,
    serial_column,
)

hit_types = Table(
    "hit_types",
    metadata,
    id_column("id", primary_key=True),
    id_column("requester_id", ForeignKey("requesters.id")),
    id_column("group_id"),
    # The id instead, where the type was deleted: the same values then make a new one.
    Column("fingerprint", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("keywords", Text),
    Column("reward", Text, nullable=False),
    Column("assignment_duration", BigInteger, nullable=False),
    Column("auto_approval_delay", BigInteger, nullable=False),
    Column("requirements", Text, nullable=False),
    Column("deleted_at", BigInteger),
    Unique("requester_id", "fingerprint"),
    Index("hit_types_group_id", "group_id"),
)

hit_type_qualifications = Table(
    "hit_type_qualifications",
    metadata,
    id_column("hit_type_id", ForeignKey("hit_types.id"), primary_key=True),
    Column("qualification_type_id", String(255), primary_key=True),
    Index("hit_type_qualifications_qualification_type_id", "qualification_type_id"),
)

hit_layouts = Table(
    "hit_layouts",
    metadata,
    # Whoever makes a layout chooses its id, because old scripts have theirs written in.
    id_column("requester_id", ForeignKey("requesters.id"), primary_key=True),
    id_column("id", primary_key=True),
    Column("content", Text, nullable=False),
    Column("frame_height", BigInteger, nullable=False),
    Column("creation_time", BigInteger, nullable=False),
)

hits = Table(
    "hits",
    metadata,
    id_column("id", primary_key=True),
    id_column("requester_id", ForeignKey("requesters.id")),
    id_column("hit_type_id", ForeignKey("hit_types.id")),
    Column("question", Text, nullable=False),
    Column("layout_id", String(64)),
    Column("annotation", Text),
    Column("assignment_review_policy", Text),
    Column("hit_review_policy", Text),
    Column("creation_time", BigInteger, nullable=False),
    newest_first_column(),
    Column("expiration", BigInteger, nullable=False),
    Column("max_assignments", BigInteger, nullable=False),
    # Cents to be paid beside the reward for each assignment.
    Column("fee", BigInteger, nullable=False, server_default=text("0")),
    # How many of the HIT's assignments are in each state; what is left of max_assignments is available.
    Column("pending", BigInteger, nullable=False),
    Column("submitted", BigInteger, nullable=False),
    Column("approved", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("reviewing", Boolean, nullable=False),
    Column("disposed_at", BigInteger),
    # The expiration, until what follows from it has been done.
    Column("due", BigInteger),
    change_column("hits", "requester_id"),
    Index("hits_hit_type_id", "hit_type_id"),
    Index("hits_changes", "requester_id", "change", unique=True),
    Index("hits_due", "due"),
    Index("hits_due_of_one", "requester_id", "due"),
)

Index(
    "hits_listed",
    hits.c.requester_id,
    hits.c.newest_first,
    hits.c.id,
    sqlite_where=text("disposed_at IS NULL"),
    postgresql_where=text("disposed_at IS NULL"),
)

# A HIT changes by itself when it expires.
Index(
    "hits_expiring",
    hits.c.requester_id,
    hits.c.expiration,
    hits.c.id,
    sqlite_where=text("disposed_at IS NULL"),
    postgresql_where=text("disposed_at IS NULL"),
)

assignments = Table(
    "assignments",
    metadata,
    id_column("id", primary_key=True),
    id_column("hit_id", ForeignKey("hits.id")),
    # The HIT's, to find what is due for one requester.
    Column("requester_id", String(64), nullable=False, server_default=text("''")),
    id_column("worker_id"),
    # Accepted, Submitted, Approved, Rejected, Returned or Abandoned; requesters know of three of them.
    Column("state", String(16), nullable=False),
    Column("accept_time", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("submit_time", BigInteger),
    Column("auto_approval_time", BigInteger),
    Column("approval_time", BigInteger),
    Column("rejection_time", BigInteger),
    Column("given_up_at", BigInteger),
    # When the next timer of this assignment fires; none when nothing more happens by itself.
    Column("due", BigInteger),
    Column("answer", Text),
    Column("feedback", Text),
    change_column("assignments", "hit_id"),
    Index("assignments_changes", "hit_id", "change", unique=True),
    Index("assignments_listed", "hit_id", "submit_time", "id"),
    Index("assignments_due", "due"),
    Index("assignments_due_of_one", "requester_id", "due"),
    Index("assignments_of_worker", "worker_id", "state"),
)

Index(
    "assignments_one_per_worker",
    assignments.c.hit_id,
    assignments.c.worker_id,
    unique=True,
    sqlite_where=text("given_up_at IS NULL"),
    postgresql_where=text("given_up_at IS NULL"),
)

uploaded_files = Table(
    "uploaded_files",
    metadata,
    # Names the file in the answer.
    Column("key", String(64), primary_key=True),
    id_column("assignment_id", ForeignKey("assignments.id")),
    Column("question", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("uploaded_files_assignment_id", "assignment_id"),
)

review_records = Table(
    "review_records",
    metadata,
    serial_column("number"),
    id_column("hit_id", ForeignKey("hits.id")),
    # Assignment or HIT.
    Column("level", String(16), nullable=False),
    # Whether this is an action; else it is a result.
    Column("action", Boolean, nullable=False),
    # A ReviewActionDetail or ReviewResultDetail as the reply has it, in JSON.
    Column("detail", Text, nullable=False),
    Index("review_records_hit_id", "hit_id", "number"),
)

request_tokens = Table(
    "request_tokens",
    metadata,
    id_column("requester_id", ForeignKey("requesters.id"), primary_key=True),
    Column("operation", String(64), primary_key=True),
    Column("token", String(64), primary_key=True),
    # What the first use of the token made, or the id of the request.
    id_column("made"),
    Column("creation_time", BigInteger, nullable=False),
    Index("request_tokens_creation_time", "creation_time"),
)
