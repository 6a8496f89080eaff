"""Connections to a SQLite file: one that writes, and a pool of those that read.

Every connection is set up alike. The driver's own handling of transactions is off: it would begin
them late, and so fail where another writer came first.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from mba_integrations.services.store.documents import written_as_json

BUSY_TIMEOUT_MS = 10_000
"""How long a statement waits for other programs; processes of ours wait for the write lock."""
_READERS = 8
_READERS_MORE = 24

_ALWAYS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA synchronous = FULL",  # a commit is on the disk before it is acknowledged
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # off in builds of SQLite that wheels bring
    "PRAGMA wal_autocheckpoint = 0",  # under the write lock alone, see `writer`
)
_NEW_FILE = ("PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA journal_mode = WAL")
_READER = ("PRAGMA query_only = ON",)


def writing_engine(path: Path) -> Engine:
    """An engine whose connections write, each made anew; transactions begin with the write lock."""
    return _engine(path, (*_ALWAYS, *_NEW_FILE), "BEGIN IMMEDIATE", poolclass=NullPool)


def reading_engine(path: Path) -> Engine:
    """An engine whose connections only read; one that is free is used again."""
    pool = {"poolclass": QueuePool, "pool_size": _READERS, "max_overflow": _READERS_MORE}
    return _engine(path, (*_ALWAYS, *_READER), "BEGIN", **pool)


def glancing_connection(path: Path) -> sqlite3.Connection:
    """A connection that only reads, and fails where it would have to wait."""
    return _connected(path, (*_ALWAYS, *_READER, "PRAGMA busy_timeout = 0"))


def _engine(path: Path, pragmas: tuple[str, ...], begin: str, **pool: Any) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=partial(_connected, path, pragmas),
        json_serializer=written_as_json,
        **pool,
    )

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _connected(path: Path, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        for pragma in pragmas:
            connection.execute(pragma).close()
    except BaseException:
        connection.close()
        raise
    return connection
