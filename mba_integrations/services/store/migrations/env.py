"""Alembic runs this: the revisions go into the transaction of the connection that it was given."""

from __future__ import annotations

from alembic import context

from mba_integrations.services.store.migrations.revisions import VERSION_TABLE

if hasattr(context, "config"):  # it has none where somebody else imports this
    context.configure(
        connection=context.config.attributes["connection"],
        version_table=VERSION_TABLE,
        transactional_ddl=True,
    )
    context.run_migrations()
