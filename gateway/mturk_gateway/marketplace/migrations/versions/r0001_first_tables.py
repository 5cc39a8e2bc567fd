"""Requesters, HIT types, HITs, assignments, qualification types, and the key that signs page tokens."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    _requesters()
    _types()
    _hits()
    _assignments()
    server_secrets = op.create_table(
        "server_secrets",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="server_secrets_pk"),
    )
    # Made together with the schema, so that all processes find the same key without having to agree on one.
    op.bulk_insert(server_secrets, [{"name": "page tokens", "secret": secrets.token_hex(32)}])


def _requesters() -> None:
    op.create_table(
        "requesters",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="requesters_pk"),
        sa.UniqueConstraint("name", name="requesters_name_uq"),
    )
    op.create_table(
        "access_keys",
        sa.Column("access_key", sa.String(128), nullable=False),
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("access_key", name="access_keys_pk"),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="access_keys_requester_id_fk"),
    )
    op.create_index("access_keys_requester_id", "access_keys", ["requester_id"])
    op.create_table(
        "request_tokens",
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("made", sa.String(64), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("requester_id", "operation", "token", name="request_tokens_pk"),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="request_tokens_requester_id_fk"),
    )
    op.create_index("request_tokens_creation_time", "request_tokens", ["creation_time"])


def _types() -> None:
    op.create_table(
        "qualification_types",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text()),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("test", sa.Text()),
        sa.Column("test_duration", sa.BigInteger()),
        sa.Column("answer_key", sa.Text()),
        sa.Column("retry_delay", sa.BigInteger()),
        sa.Column("auto_granted", sa.Boolean(), nullable=False),
        sa.Column("auto_granted_value", sa.BigInteger()),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="qualification_types_pk"),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="qualification_types_requester_id_fk"),
        sa.UniqueConstraint("requester_id", "name", name="qualification_types_requester_id_name_uq"),
    )
    op.create_table(
        "hit_types",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("group_id", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text()),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("assignment_duration", sa.BigInteger(), nullable=False),
        sa.Column("auto_approval_delay", sa.BigInteger(), nullable=False),
        sa.Column("requirements", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="hit_types_pk"),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="hit_types_requester_id_fk"),
        sa.UniqueConstraint("requester_id", "fingerprint", name="hit_types_requester_id_fingerprint_uq"),
    )
    op.create_table(
        "hit_type_qualifications",
        sa.Column("hit_type_id", sa.String(64), nullable=False),
        sa.Column("qualification_type_id", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("hit_type_id", "qualification_type_id", name="hit_type_qualifications_pk"),
        sa.ForeignKeyConstraint(["hit_type_id"], ["hit_types.id"], name="hit_type_qualifications_hit_type_id_fk"),
    )
    op.create_index(
        "hit_type_qualifications_qualification_type_id", "hit_type_qualifications", ["qualification_type_id"]
    )


def _hits() -> None:
    op.create_table(
        "hits",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("hit_type_id", sa.String(64), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("annotation", sa.Text()),
        sa.Column("assignment_review_policy", sa.Text()),
        sa.Column("hit_review_policy", sa.Text()),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.Column("newest_first", sa.BigInteger(), nullable=False),
        sa.Column("expiration", sa.BigInteger(), nullable=False),
        sa.Column("max_assignments", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("submitted", sa.BigInteger(), nullable=False),
        sa.Column("approved", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("reviewing", sa.Boolean(), nullable=False),
        sa.Column("disposed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="hits_pk"),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="hits_requester_id_fk"),
        sa.ForeignKeyConstraint(["hit_type_id"], ["hit_types.id"], name="hits_hit_type_id_fk"),
    )
    op.create_index("hits_hit_type_id", "hits", ["hit_type_id"])
    listed = sa.text("disposed_at IS NULL")
    op.create_index(
        "hits_listed",
        "hits",
        ["requester_id", "newest_first", "id"],
        sqlite_where=listed,
        postgresql_where=listed,
    )


def _assignments() -> None:
    op.create_table(
        "assignments",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("hit_id", sa.String(64), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("accept_time", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("submit_time", sa.BigInteger()),
        sa.Column("auto_approval_time", sa.BigInteger()),
        sa.Column("approval_time", sa.BigInteger()),
        sa.Column("rejection_time", sa.BigInteger()),
        sa.Column("given_up_at", sa.BigInteger()),
        sa.Column("due", sa.BigInteger()),
        sa.Column("answer", sa.Text()),
        sa.Column("feedback", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="assignments_pk"),
        sa.ForeignKeyConstraint(["hit_id"], ["hits.id"], name="assignments_hit_id_fk"),
    )
    op.create_index("assignments_listed", "assignments", ["hit_id", "submit_time", "id"])
    op.create_index("assignments_due", "assignments", ["due"])
    held = sa.text("given_up_at IS NULL")
    op.create_index(
        "assignments_one_per_worker",
        "assignments",
        ["hit_id", "worker_id"],
        unique=True,
        sqlite_where=held,
        postgresql_where=held,
    )
