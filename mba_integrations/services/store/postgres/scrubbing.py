"""Free the bytes of deleted rows: what VACUUM alone does not do on Postgres.

A VACUUM frees a row's place for new rows, and leaves its bytes there until one comes. VACUUM FULL
writes a table anew, with its indexes, and empties the old file; nobody reads or writes the table
meanwhile. So it is done to those that hold rows of the workspace, which are one part of each large
table, as long as they are small. ANALYZE comes along, for the statistics of a column hold values of
it. Old pages of the statistics' own table are written anew too, where the user may do that.

A row that a running transaction may still see stays until the next time.

The write-ahead log keeps what was written until its files are used again, and so do its archives,
replicas and backups: those are the server's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from mba_integrations.services.store.fences import PARTS
from mba_integrations.services.store.tables.tenancy import PARTITIONED, TENANT_TABLES

MOST_FULL_BYTES = 256 * 2**20
"""A table of this size is written anew in some seconds."""
_LOCK_TIMEOUT_MS = 5_000
_STATISTICS = "pg_catalog.pg_statistic"
_PART = text(
    f"SELECT number FROM generate_series(0, {PARTS - 1}) AS number "
    f"WHERE satisfies_hash_partition('memory'::regclass, {PARTS}, number, CAST(:workspace AS text))"
)
_KNOWN = text(
    "SELECT pg_total_relation_size(c.oid), pg_has_role(c.relowner, 'USAGE') "
    "FROM pg_catalog.pg_class c WHERE c.oid = CAST(:name AS regclass)"
)
_ANALYZED = text(
    "SELECT reltuples >= 0 FROM pg_catalog.pg_class WHERE oid = CAST(:name AS regclass)"
)


def scrub(connection: Connection, workspace_id: str | None) -> str:
    """Free the bytes of rows of a workspace, or of all; says what was done.

    Args:
        connection: Which commits by itself, for no transaction can hold a VACUUM.
        workspace_id: Of which workspace.
    """
    connection.execute(text(f"SET lock_timeout = {_LOCK_TIMEOUT_MS}"))
    try:
        done = [(name, _scrubbed(connection, name)) for name in _tables(connection, workspace_id)]
        for table in PARTITIONED:
            _analyzed(connection, table.name)
        _scrubbed(connection, _STATISTICS)
    finally:
        connection.execute(text("RESET lock_timeout"))
    return _said(done)


def _tables(connection: Connection, workspace_id: str | None) -> Iterator[str]:
    numbers: Sequence[int] = range(PARTS)
    if workspace_id is not None:
        numbers = connection.execute(_PART, {"workspace": workspace_id}).scalars().all()
    for table in TENANT_TABLES:
        if table in PARTITIONED:
            yield from (f"{table.name}_{number:02}" for number in numbers)
        else:
            yield table.name


def _scrubbed(connection: Connection, name: str) -> str:
    """What was done to a table: written anew; vacuumed, if it is large or in use; or nothing."""
    size, is_ours = connection.execute(_KNOWN, {"name": name}).one()
    if not is_ours:
        return "left"
    if size <= MOST_FULL_BYTES:
        try:
            connection.execute(text(f"VACUUM (FULL, ANALYZE) {name}"))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03":  # its lock was not free in time
                raise
        else:
            return "rewritten"
    connection.execute(text(f"VACUUM (ANALYZE) {name}"))
    return "vacuumed"


def _analyzed(connection: Connection, name: str) -> None:
    """Take statistics of a table in parts anew, if it has some: autovacuum takes none."""
    if connection.execute(_ANALYZED, {"name": name}).scalar_one():
        connection.execute(text(f"ANALYZE {name}"))


def _said(done: Sequence[tuple[str, str]]) -> str:
    """What was done, in a sentence for each way."""
    ways = {
        "rewritten": "Written anew, with no bytes left",
        "vacuumed": "Vacuumed, with bytes left until their pages are used again",
        "left": "Left as they are, for they belong to another user",
    }
    named = {way: ", ".join(name for name, how in done if how == way) for way in ways}
    said = [f"{ways[way]}: {names}." for way, names in named.items() if names]
    return " ".join([*said, "The write-ahead log is the server's."])
