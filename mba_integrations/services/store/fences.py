"""Fences between workspaces inside Postgres, behind the conditions that every statement has.

A transaction says for which workspace it is (`enter`), until its end and no longer: a setting of
the session would outlive it in a pool of connections. Without that it sees no row and can write
none. The policies hold for the owner of the tables too (`FORCE`), but Postgres asks nobody who may
bypass them: so a superuser's transaction takes on the role `mba_store`, which may not.

The parts of a table have no policy of their own, so nobody reaches rows through them.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

PARTS = 32
ROLE = "mba_store"
LOCK_TIMEOUT_MS = 10_000
STATEMENT_TIMEOUT_MS = 60_000

_WORKSPACE = "mba.workspace"
_ALL = "mba.all_workspaces"
_BYPASSES = text(
    "SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user"
)
_ENTER = text(
    f"SELECT set_config('{_WORKSPACE}', :workspace, true), set_config('{_ALL}', :all, true), "
    f"set_config('lock_timeout', '{LOCK_TIMEOUT_MS}', true), "
    f"set_config('statement_timeout', '{STATEMENT_TIMEOUT_MS}', true)"
)
_ENTER_AS_ROLE = text(f"{_ENTER.text}, set_config('role', '{ROLE}', true)")
_MAKE_ROLE = f"""
DO $$ BEGIN
    CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$"""


def bypasses_fences(connection: Connection) -> bool:
    """Whether Postgres would not ask the policies for who is connected."""
    return bool(connection.execute(_BYPASSES).scalar())


def enter(connection: Connection, workspace_id: str | None, *, as_role: bool) -> None:
    """Say which workspace the transaction is for; None is all of them.

    Args:
        connection: At the beginning of its transaction.
        workspace_id: Which one.
        as_role: Whether who is connected bypasses the fences, and must take on the role.
    """
    named = {"workspace": workspace_id or "", "all": "on" if workspace_id is None else "off"}
    connection.execute(_ENTER_AS_ROLE if as_role else _ENTER, named)


def fence(connection: Connection, table: str) -> None:
    """Let a transaction see and write a table's rows of its own workspace alone."""
    _force(connection, table)
    connection.exec_driver_sql(
        f"CREATE POLICY own_workspace ON {table} USING ("
        f"workspace_id = current_setting('{_WORKSPACE}', true) "
        f"OR current_setting('{_ALL}', true) = 'on')"
    )


def cut(connection: Connection, table: str) -> None:
    """Make the parts of a table that is kept in parts by workspace."""
    for number in range(PARTS):
        part = f"{table}_{number:02}"
        connection.exec_driver_sql(
            f"CREATE TABLE {part} PARTITION OF {table} "
            f"FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {number})"
        )
        _force(connection, part)


def may_use(connection: Connection, table: str) -> None:
    """Let the role use a table, where who is connected needs the role."""
    if bypasses_fences(connection):
        connection.exec_driver_sql(_MAKE_ROLE)
        connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")


def _force(connection: Connection, table: str) -> None:
    connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    connection.exec_driver_sql(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
