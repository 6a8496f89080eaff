"""Which revision of the tables a database has, and which ones this code knows."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect

from mba_integrations.services.store.errors import SchemaError, StoreFileError
from mba_integrations.services.store.owned import select_all

KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""All revisions, the first one first. A test compares them with the files in `versions`."""
HEAD = KNOWN[-1]
"""What this code works with."""
VERSION_TABLE = "store_version"

_version = Table(VERSION_TABLE, MetaData(), Column("version_num", Text))


def current_revision(connection: Connection) -> str | None:
    """The revision of a database; None for an empty one.

    Raises:
        StoreFileError: If it has tables, and none of ours.
    """
    names = inspect(connection).get_table_names()
    if VERSION_TABLE not in names:
        if names:
            raise StoreFileError(
                f"the database has tables of something else, such as {sorted(names)[0]!r}. "
                "Name another file or database for the store."
            )
        return None
    found = connection.execute(select_all(_version)).scalar()
    return None if found is None else str(found)


def check_known(found: str | None) -> None:
    """Refuse tables of a later release.

    Raises:
        SchemaError: Naming both revisions.
    """
    if found is not None and found not in KNOWN:
        raise SchemaError(
            f"the tables have revision {found}, this release knows {HEAD}. Install the release "
            "that made them, or a later one.",
            found=found,
            known=HEAD,
        )


def check_current(found: str | None, *, how: str) -> str:
    """The revision of a database that this code can work with.

    Args:
        found: Its revision.
        how: What to do about tables of an earlier release.

    Raises:
        SchemaError: If it is another one than this code's.
    """
    check_known(found)
    if found != HEAD:
        has = "no tables" if found is None else f"tables of revision {found}"
        raise SchemaError(
            f"the database has {has}, this release works with {HEAD}. {how}",
            found=found,
            known=HEAD,
        )
    return found
