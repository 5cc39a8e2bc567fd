"""The state of the marketplace. Times are epoch seconds; documents are text in the form given."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    MetaData,
    ScalarSelect,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
    }
)


def _id(name: str, *constraints: ForeignKey, primary_key: bool = False) -> Column[str]:
    return Column(name, String(64), *constraints, primary_key=primary_key, nullable=False)


def _number(name: str, owner: str, owned_by: ColumnElement[str]) -> ScalarSelect[int]:
    latest = table(name, column(owner), column("change")).alias("latest")
    highest = select(func.coalesce(func.max(latest.c.change), 0) + 1)
    return highest.where(latest.c[owner] == owned_by).scalar_subquery()


def _change(name: str, owner: str) -> Column[int]:
    """The number of the last change of a row, among all changes of the rows that have the same owner.

    Every UPDATE takes the next number, whether or not whoever wrote it thought of that; every INSERT is to say
    `next_change`. Writers take turns, so the numbers ascend in the order in which changes become visible.
    """
    following = _number(name, owner, literal_column(f"{name}.{owner}", String))
    return Column("change", BigInteger, nullable=False, server_default=text("0"), onupdate=following)


def next_change(owner: Column[str]) -> ScalarSelect[int]:
    """What an INSERT into the table of the column `owner` sets `change` to; the parameter `owner` is its value."""
    return _number(owner.table.description, owner.name, bindparam("owner", type_=String))


requesters = Table(
    "requesters",
    metadata,
    _id("id", primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("sandbox", Boolean, nullable=False),
    Column("creation_time", BigInteger, nullable=False),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("access_key", String(128), primary_key=True),
    _id("requester_id", ForeignKey("requesters.id")),
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

qualification_types = Table(
    "qualification_types",
    metadata,
    _id("id", primary_key=True),
    _id("requester_id", ForeignKey("requesters.id")),
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
    UniqueConstraint("requester_id", "name"),
)

hit_types = Table(
    "hit_types",
    metadata,
    _id("id", primary_key=True),
    _id("requester_id", ForeignKey("requesters.id")),
    _id("group_id"),
    Column("fingerprint", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("keywords", Text),
    Column("reward", Text, nullable=False),
    Column("assignment_duration", BigInteger, nullable=False),
    Column("auto_approval_delay", BigInteger, nullable=False),
    Column("requirements", Text, nullable=False),
    UniqueConstraint("requester_id", "fingerprint"),
)

hit_type_qualifications = Table(
    "hit_type_qualifications",
    metadata,
    _id("hit_type_id", ForeignKey("hit_types.id"), primary_key=True),
    # No foreign key: Amazon's own types have no row.
    Column("qualification_type_id", String(255), primary_key=True),
    Index("hit_type_qualifications_qualification_type_id", "qualification_type_id"),
)

hits = Table(
    "hits",
    metadata,
    _id("id", primary_key=True),
    _id("requester_id", ForeignKey("requesters.id")),
    _id("hit_type_id", ForeignKey("hit_types.id")),
    Column("question", Text, nullable=False),
    Column("annotation", Text),
    Column("assignment_review_policy", Text),
    Column("hit_review_policy", Text),
    Column("creation_time", BigInteger, nullable=False),
    # The creation time with its sign changed, so that one ascending index gives newest first, then ids ascending.
    Column("newest_first", BigInteger, nullable=False),
    Column("expiration", BigInteger, nullable=False),
    Column("max_assignments", BigInteger, nullable=False),
    # How many of the HIT's assignments are in each state; what is left of max_assignments is available.
    Column("pending", BigInteger, nullable=False),
    Column("submitted", BigInteger, nullable=False),
    Column("approved", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("reviewing", Boolean, nullable=False),
    Column("disposed_at", BigInteger),
    _change("hits", "requester_id"),
    Index("hits_hit_type_id", "hit_type_id"),
    Index("hits_changes", "requester_id", "change", unique=True),
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
    _id("id", primary_key=True),
    _id("hit_id", ForeignKey("hits.id")),
    _id("worker_id"),
    # Accepted, Submitted, Approved, Rejected or Abandoned; only the middle three are known to requesters.
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
    _change("assignments", "hit_id"),
    Index("assignments_changes", "hit_id", "change", unique=True),
    Index("assignments_listed", "hit_id", "submit_time", "id"),
    Index("assignments_due", "due"),
)

Index(
    "assignments_one_per_worker",
    assignments.c.hit_id,
    assignments.c.worker_id,
    unique=True,
    sqlite_where=text("given_up_at IS NULL"),
    postgresql_where=text("given_up_at IS NULL"),
)

request_tokens = Table(
    "request_tokens",
    metadata,
    _id("requester_id", ForeignKey("requesters.id"), primary_key=True),
    Column("operation", String(64), primary_key=True),
    Column("token", String(64), primary_key=True),
    # What the first use of the token made.
    _id("made"),
    Column("creation_time", BigInteger, nullable=False),
    Index("request_tokens_creation_time", "creation_time"),
)
