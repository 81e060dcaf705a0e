"""Run by Alembic, on the connection that ``db.migrate`` hands over."""

from alembic import context

from filmroom.db.schema import node

context.configure(
    connection=context.config.attributes["connection"], target_metadata=node.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
