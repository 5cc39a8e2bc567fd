"""Undertakings."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of undertakings."""
    op.create_table(
        "undertakings",
        sa.Column("requester", sa.String, primary_key=True),
        sa.Column("operation", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("plan", sa.Text),
        sa.Column("hit", sa.String),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("owed", sa.Boolean, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Float),
        sa.Column("changed_at", sa.Float, nullable=False),
    )
    op.create_index("undertakings_due", "undertakings", ["due_at"])
    op.create_index("undertakings_by_subject", "undertakings", ["requester", "subject"])
    op.create_index("undertakings_by_state", "undertakings", ["state", "requester"])
