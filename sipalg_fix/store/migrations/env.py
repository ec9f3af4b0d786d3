"""Alembic's entry: upgrade on the connection, and inside the transaction, that the store hands in."""

from __future__ import annotations

from alembic import context

from sipalg_fix.store.schema import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
)
context.run_migrations()
