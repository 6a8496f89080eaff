"""Make the tables, or bring those of an earlier release to this one's.

The revision is read back afterwards: an upgrade that says it is done and has moved nothing would
leave a store that fails at its first write.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from sqlalchemy import Connection

from mba_integrations.services.store.errors import SchemaError
from mba_integrations.services.store.migrations.revisions import (
    HEAD,
    VERSION_TABLE,
    check_known,
    current_revision,
)

SCRIPTS = Path(__file__).parent


def upgrade(connection: Connection) -> str:
    """Bring the tables to this code's revision within the transaction; gives the revision.

    Raises:
        SchemaError: If the tables are of a later release, or the upgrade did not move them.
    """
    found = current_revision(connection)
    check_known(found)
    if found != HEAD:
        run(connection)
    now = current_revision(connection)
    if now != HEAD:
        raise SchemaError(
            f"the upgrade from {found} ended at {now}, not at {HEAD}. Nothing was changed.",
            found=now,
            known=HEAD,
        )
    return HEAD


def differences(connection: Connection) -> list[str]:
    """What the tables of a database and those of this code do not have in common, in words."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy.dialects.postgresql.base import ischema_names

    from mba_integrations.services.store.tables.near import COLUMN, HalfVector
    from mba_integrations.services.store.tables.tenancy import TENANT_TABLES, is_partition

    def is_ours(thing: object, name: str | None, kind: str, *_: object) -> bool:
        if kind == "column":
            return name != COLUMN  # there where the server has pgvector
        return kind != "table" or not (name == VERSION_TABLE or is_partition(name or ""))

    ischema_names.setdefault("halfvec", HalfVector)
    options = {"include_object": is_ours, "compare_type": True, "version_table": VERSION_TABLE}
    context = MigrationContext.configure(connection, opts=options)
    return [str(difference) for difference in compare_metadata(context, TENANT_TABLES[0].metadata)]


def new_ledger_key() -> str:
    """A key for the ledger of erasures, in hexadecimal."""
    return secrets.token_hex(32)


def run(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to a revision, whichever that is."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, revision)
