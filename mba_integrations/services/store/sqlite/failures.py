"""What SQLite's errors mean, as errors of ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, StatementError, TimeoutError

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.store.errors import (
    StorageFullError,
    StoreBusyError,
    StoreError,
    StoreFileError,
)

_PRIMARY = 0xFF  # the low byte of an extended code is the code that it extends
_FULL = {sqlite3.SQLITE_FULL}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NO_ACCESS = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}


@contextmanager
def our_errors(path: Path) -> Iterator[None]:
    """Raise errors of ours in place of SQLite's that say something about the file or the disk."""
    try:
        yield
    except TimeoutError as error:
        raise StoreBusyError(f"all connections that read {path} are taken: {error}.") from error
    except (StatementError, sqlite3.Error) as error:
        ours = our_error(error, path)
        if ours is None:
            raise
        raise ours from error


def our_error(error: BaseException, path: Path) -> MemoryBudgetError | None:
    """The error of ours that says the same; None where SQLite refuses the statement itself."""
    if isinstance(error, StatementError) and isinstance(error.orig, MemoryBudgetError):
        return error.orig  # a value that a column refuses
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", 0) & _PRIMARY
    if code in _FULL or (code == sqlite3.SQLITE_IOERR and "SHMSIZE" in _name(cause)):
        return StorageFullError(
            f"the disk of {path} is full. Nothing was written, reading goes on. Free some space; "
            "writing begins again by itself."
        )
    if code in _BUSY:
        return StoreBusyError(f"another program holds {path} locked. Nothing was written.")
    if code in _BROKEN:
        return StoreFileError(f"{path} is no SQLite database, or a damaged one: {cause}.")
    if code in _NO_ACCESS:
        return StoreFileError(f"{path} cannot be opened for writing: {cause}.")
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(f"the disk of {path} does not answer: {cause} ({_name(cause)}).")
    return None


def _name(cause: object) -> str:
    return str(getattr(cause, "sqlite_errorname", ""))
