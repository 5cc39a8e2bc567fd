"""The tables of a whole marketplace: workers, qualifications, money, reviews, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables that were not there."""
    _people()
    _money()
    _qualifications()
    _work()
    _telling()


def _people() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.Column("country", sa.String(2)),
        sa.Column("subdivision", sa.String(2)),
        sa.Column("adult", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="workers_pk"),
    )
    op.create_table(
        "worker_blocks",
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("newest_first", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="worker_blocks_requester_id_fk"),
        sa.PrimaryKeyConstraint("requester_id", "worker_id", name="worker_blocks_pk"),
    )
    op.create_index("worker_blocks_listed", "worker_blocks", ["requester_id", "newest_first", "worker_id"])
    op.create_table(
        "messages",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="messages_requester_id_fk"),
        sa.PrimaryKeyConstraint("number", name="messages_pk"),
    )
    op.create_index("messages_worker_id", "messages", ["worker_id", "number"])


def _money() -> None:
    op.create_table(
        "accounts",
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="accounts_requester_id_fk"),
        sa.PrimaryKeyConstraint("requester_id", "kind", "worker_id", name="accounts_pk"),
    )
    op.create_table(
        "transfers",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("destination", sa.String(16), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("hit_id", sa.String(64)),
        sa.Column("assignment_id", sa.String(64)),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="transfers_requester_id_fk"),
        sa.PrimaryKeyConstraint("number", name="transfers_pk"),
    )
    op.create_index("transfers_requester_id", "transfers", ["requester_id", "number"])
    op.create_index("transfers_worker_id", "transfers", ["worker_id", "number"])
    op.create_table(
        "bonuses",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("hit_id", sa.String(64), nullable=False),
        sa.Column("assignment_id", sa.String(64), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("grant_time", sa.BigInteger(), nullable=False),
        sa.Column("newest_first", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="bonuses_assignment_id_fk"),
        sa.ForeignKeyConstraint(["hit_id"], ["hits.id"], name="bonuses_hit_id_fk"),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="bonuses_requester_id_fk"),
        sa.PrimaryKeyConstraint("id", name="bonuses_pk"),
    )
    op.create_index("bonuses_of_assignment", "bonuses", ["assignment_id", "newest_first", "id"])
    op.create_index("bonuses_of_hit", "bonuses", ["hit_id", "newest_first", "id"])


def _qualifications() -> None:
    op.create_table(
        "qualifications",
        sa.Column("qualification_type_id", sa.String(64), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("grant_time", sa.BigInteger(), nullable=False),
        sa.Column("newest_first", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.ForeignKeyConstraint(
            ["qualification_type_id"], ["qualification_types.id"], name="qualifications_qualification_type_id_fk"
        ),
        sa.PrimaryKeyConstraint("qualification_type_id", "worker_id", name="qualifications_pk"),
    )
    op.create_index(
        "qualifications_listed", "qualifications", ["qualification_type_id", "status", "newest_first", "worker_id"]
    )
    op.create_index("qualifications_worker_id", "qualifications", ["worker_id"])
    op.create_table(
        "qualification_requests",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("qualification_type_id", sa.String(64), nullable=False),
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("request_time", sa.BigInteger(), nullable=False),
        sa.Column("submit_time", sa.BigInteger()),
        sa.Column("newest_first", sa.BigInteger()),
        sa.Column("due", sa.BigInteger()),
        sa.Column("test", sa.Text()),
        sa.Column("answer", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.ForeignKeyConstraint(
            ["qualification_type_id"],
            ["qualification_types.id"],
            name="qualification_requests_qualification_type_id_fk",
        ),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="qualification_requests_requester_id_fk"),
        sa.PrimaryKeyConstraint("id", name="qualification_requests_pk"),
    )
    op.create_index("qualification_requests_due", "qualification_requests", ["due"])
    op.create_index("qualification_requests_due_of_one", "qualification_requests", ["requester_id", "due"])
    op.create_index(
        "qualification_requests_listed", "qualification_requests", ["requester_id", "status", "newest_first", "id"]
    )
    op.create_index(
        "qualification_requests_of_type",
        "qualification_requests",
        ["qualification_type_id", "status", "newest_first", "id"],
    )
    op.create_index(
        "qualification_requests_of_worker",
        "qualification_requests",
        ["worker_id", "qualification_type_id", "request_time"],
    )
    op.create_index(
        "qualification_requests_open",
        "qualification_requests",
        ["qualification_type_id", "worker_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('Testing', 'Pending')"),
        postgresql_where=sa.text("status IN ('Testing', 'Pending')"),
    )


def _work() -> None:
    op.create_table(
        "hit_layouts",
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("frame_height", sa.BigInteger(), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="hit_layouts_requester_id_fk"),
        sa.PrimaryKeyConstraint("requester_id", "id", name="hit_layouts_pk"),
    )
    op.create_table(
        "uploaded_files",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("assignment_id", sa.String(64), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="uploaded_files_assignment_id_fk"),
        sa.PrimaryKeyConstraint("key", name="uploaded_files_pk"),
    )
    op.create_index("uploaded_files_assignment_id", "uploaded_files", ["assignment_id"])
    op.create_table(
        "review_records",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("hit_id", sa.String(64), nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("action", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["hit_id"], ["hits.id"], name="review_records_hit_id_fk"),
        sa.PrimaryKeyConstraint("number", name="review_records_pk"),
    )
    op.create_index("review_records_hit_id", "review_records", ["hit_id", "number"])


def _telling() -> None:
    op.create_table(
        "events",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("requester_id", sa.String(64), nullable=False),
        sa.Column("hit_type_id", sa.String(64), nullable=False),
        sa.Column("hit_id", sa.String(64), nullable=False),
        sa.Column("assignment_id", sa.String(64)),
        sa.Column("worker_id", sa.String(64)),
        sa.ForeignKeyConstraint(["requester_id"], ["requesters.id"], name="events_requester_id_fk"),
        sa.PrimaryKeyConstraint("number", name="events_pk"),
    )
    op.create_index("events_hit_id", "events", ["hit_id", "number"])
    op.create_table(
        "notification_settings",
        sa.Column("hit_type_id", sa.String(64), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("transport", sa.String(8), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("event_types", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["hit_type_id"], ["hit_types.id"], name="notification_settings_hit_type_id_fk"),
        sa.PrimaryKeyConstraint("hit_type_id", name="notification_settings_pk"),
    )
