"""Number the changes of HITs and assignments, so that listings can tell what changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER_HITS = """
UPDATE hits SET change = numbered.number
FROM (SELECT id, row_number() OVER (PARTITION BY requester_id ORDER BY creation_time, id) AS number FROM hits)
AS numbered
WHERE numbered.id = hits.id
"""
_NUMBER_ASSIGNMENTS = """
UPDATE assignments SET change = numbered.number
FROM (SELECT id, row_number() OVER (PARTITION BY hit_id ORDER BY accept_time, id) AS number FROM assignments)
AS numbered
WHERE numbered.id = assignments.id
"""


def upgrade() -> None:
    """Number the rows that there are in the order in which they came."""
    for name, owner, numbering in (
        ("hits", "requester_id", _NUMBER_HITS),
        ("assignments", "hit_id", _NUMBER_ASSIGNMENTS),
    ):
        with op.batch_alter_table(name, recreate="never") as table:
            # SQLite adds no column without a default to a table, and a table that others refer to cannot be made anew.
            table.add_column(sa.Column("change", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
        op.execute(numbering)
        op.create_index(f"{name}_changes", name, [owner, "change"], unique=True)
    lasting = sa.text("disposed_at IS NULL")
    op.create_index(
        "hits_expiring",
        "hits",
        ["requester_id", "expiration", "id"],
        sqlite_where=lasting,
        postgresql_where=lasting,
    )
