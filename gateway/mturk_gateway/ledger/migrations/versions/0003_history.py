"""What was created, decided, paid and disposed of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables of history."""
    op.create_table(
        "histories",
        sa.Column("requester", sa.String, primary_key=True),
        sa.Column("deeds", sa.BigInteger, nullable=False),
        sa.Column("cursor", sa.Text),
    )
    _make_hits()
    _make_assignments()
    op.create_table(
        "history_bonuses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("requester", sa.String, nullable=False),
        sa.Column("assignment", sa.String, nullable=False),
        sa.Column("hit", sa.String),
        sa.Column("worker", sa.String),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("granted_at", sa.BigInteger, nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
    )
    op.create_index("history_bonuses_by_time", "history_bonuses", ["requester", "granted_at"])
    op.create_index("history_bonuses_by_assignment", "history_bonuses", ["requester", "assignment"])
    op.create_index("history_bonuses_by_hit", "history_bonuses", ["requester", "hit"])
    op.create_table(
        "history_reviews",
        sa.Column("requester", sa.String, primary_key=True),
        sa.Column("assignment", sa.String, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("hit", sa.String, nullable=False),
        sa.Column("correct", sa.Integer, nullable=False),
        sa.Column("incorrect", sa.Integer, nullable=False),
        sa.Column("reviewed_at", sa.BigInteger),
    )
    op.create_index("history_reviews_by_hit", "history_reviews", ["requester", "hit"])


def _make_hits() -> None:
    op.create_table(
        "history_hits",
        sa.Column("requester", sa.String, primary_key=True),
        sa.Column("hit", sa.String, primary_key=True),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("reward", sa.BigInteger),
        sa.Column("status", sa.String),
        sa.Column("most", sa.Integer, nullable=False),
        sa.Column("submitted", sa.Integer, nullable=False),
        sa.Column("completed", sa.Integer, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("disposed_at", sa.BigInteger),
        sa.Column("has_policies", sa.Boolean),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("assignments_read", sa.Integer, nullable=False),
        sa.Column("bonuses_read", sa.Integer, nullable=False),
        sa.Column("bonuses_read_at", sa.BigInteger),
        sa.Column("reviews_read", sa.Integer, nullable=False),
    )
    op.create_index("history_hits_by_creation", "history_hits", ["requester", "created_at"])
    op.create_index("history_hits_by_disposal", "history_hits", ["requester", "disposed_at"])
    op.create_index("history_hits_with_bonuses", "history_hits", ["requester", "bonuses_read_at"])
    for name, which in (
        ("history_hits_unseen", "status IS NULL"),
        ("history_hits_assignments", "assignments_read < version"),
        ("history_hits_bonuses", "bonuses_read < version"),
        ("history_hits_reviews", "reviews_read < version"),
    ):
        where = sa.text(which)
        op.create_index(name, "history_hits", ["requester", "hit"], sqlite_where=where, postgresql_where=where)


def _make_assignments() -> None:
    op.create_table(
        "history_assignments",
        sa.Column("requester", sa.String, primary_key=True),
        sa.Column("assignment", sa.String, primary_key=True),
        sa.Column("hit", sa.String),
        sa.Column("worker", sa.String),
        sa.Column("status", sa.String),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("reward", sa.BigInteger),
        sa.Column("sought", sa.Boolean, nullable=False),
    )
    op.create_index("history_assignments_by_decision", "history_assignments", ["requester", "decided_at"])
    op.create_index("history_assignments_by_worker", "history_assignments", ["requester", "worker", "decided_at"])
    op.create_index("history_assignments_by_hit", "history_assignments", ["requester", "hit"])
