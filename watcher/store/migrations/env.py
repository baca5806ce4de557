"""What alembic runs to run the steps: on the connection, and in the transaction, that schema.py opened."""

from __future__ import annotations

from alembic import context

from watcher.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
