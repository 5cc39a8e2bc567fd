"""How Alembic runs the marketplace's migrations: on the connection that its caller brings, in one transaction."""

from __future__ import annotations

from alembic import context

from mturk_gateway.marketplace.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    # SQLite can roll back table definitions; Alembic assumes the worst of its drivers.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
