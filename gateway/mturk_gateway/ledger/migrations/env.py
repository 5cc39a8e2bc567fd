"""Alembic's entry: runs the revisions of the ledger on the connection that `Database.migrate` gives."""

from alembic import context

from mturk_gateway.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
