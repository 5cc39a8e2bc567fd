"""Receptors."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of receptors."""
    op.create_table(
        "receptors",
        sa.Column("requester", sa.String, primary_key=True),
        sa.Column("hit_type", sa.String, primary_key=True),
        sa.Column("specification", sa.Text),
        sa.Column("active", sa.Boolean, nullable=False),
    )
