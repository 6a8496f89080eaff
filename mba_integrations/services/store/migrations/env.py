"""Alembic runs this: the revisions go into the transaction of the connection that it was given."""

from __future__ import annotations

from alembic import context

from mba_integrations.services.store.migrations.revisions import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
