"""`open_store`: the store at a path or a URL."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mba_integrations.core.arguments import checked_path
from mba_integrations.core.errors import MissingExtraError

if TYPE_CHECKING:
    from mba_integrations.services.store.store import Store

_SQLITE_URL = "sqlite:///"
_POSTGRES_URLS = ("postgresql://", "postgres://", "postgresql+psycopg://")


def open_store(
    where: str | os.PathLike[str],
    *,
    exclusive: bool = False,
    url: str | None = None,
    allow_network_fs: bool = False,
    upgrade: bool | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Store:
    """Open a store, and make it if it is not there.

    Args:
        where: Path of a SQLite file, `sqlite:///PATH`, or `postgresql://...`.
        exclusive: Whether this process has a SQLite file for itself; by default several may have
            it open.
        url: Where this process answers, for those who find the file held.
        allow_network_fs: Whether a SQLite file may lie on a network file system.
        upgrade: Whether tables of an earlier release are upgraded. None does so on SQLite, after a
            copy of the file, and on Postgres only if the database is empty.
        clock: Gives the moment of a write; None is the system's.

    Raises:
        MissingExtraError: If SQLAlchemy, or psycopg for Postgres, is not installed.
        StoreFileError: If the file is no database of ours, or cannot be one.
        StoreInUseError: If another process holds the file.
        StoreUnreachableError: If the server does not answer.
        SchemaError: If the tables are of another release.
    """
    if importlib.util.find_spec("sqlalchemy") is None:
        raise MissingExtraError("the store", extra="memory")
    timed: dict[str, Any] = {"upgrade": upgrade}
    if clock is not None:
        timed["clock"] = clock
    if isinstance(where, str) and where.startswith(_POSTGRES_URLS):
        if importlib.util.find_spec("psycopg") is None:
            raise MissingExtraError("a store on Postgres", extra="postgres")
        from mba_integrations.services.store.postgres.store import PostgresStore

        return PostgresStore(where, **timed)
    from mba_integrations.services.store.sqlite.store import SqliteStore

    path = checked_path("where", where)
    if isinstance(where, str) and where.startswith(_SQLITE_URL):
        path = Path(where.removeprefix(_SQLITE_URL))
    return SqliteStore(
        path, exclusive=exclusive, url=url, allow_network_fs=allow_network_fs, **timed
    )
