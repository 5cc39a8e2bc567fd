"""Usage counts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table of usage counts."""
    op.create_table(
        "usage",
        sa.Column("requester", sa.String, primary_key=True),
        sa.Column("api", sa.String, primary_key=True),
        sa.Column("operation", sa.String, primary_key=True),
        sa.Column("day", sa.String, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
