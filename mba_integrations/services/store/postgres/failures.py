"""What Postgres' errors mean, as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError, StatementError, TimeoutError

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.store.errors import (
    StorageFullError,
    StoreBusyError,
    StoreError,
    StoreUnreachableError,
)

_DISK_FULL = "53100"
_WAITED = {"55P03", "57014", "40P01", "40001"}  # lock, statement, deadlock, serialization
_REFUSED = "42501"
_NO_SERVER = ("08", "57P", "53")  # classes: connection, shutdown, no resources


@contextmanager
def our_errors(url: str) -> Iterator[None]:
    """Raise errors of ours in place of Postgres' that say something about server or database."""
    try:
        yield
    except TimeoutError as error:
        raise StoreUnreachableError(f"all connections to {url} are taken: {error}.") from error
    except StatementError as error:
        ours = our_error(error, url)
        if ours is None:
            raise
        raise ours from error


def our_error(error: StatementError, url: str) -> MemoryBudgetError | None:
    """The error of ours that says the same; None where the server refuses the statement itself."""
    if isinstance(error.orig, MemoryBudgetError):
        return error.orig  # a value that a column refuses
    code = getattr(error.orig, "sqlstate", None) or ""
    if code == _DISK_FULL:
        return StorageFullError(f"the disk of {url} is full. Nothing was written.")
    if code in _WAITED:
        return StoreBusyError(f"{url} kept the transaction waiting too long: {error.orig}.")
    if code == _REFUSED:
        return StoreError(f"{url} refuses that to its user: {error.orig}.")
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or code.startswith(_NO_SERVER) or (isinstance(error, OperationalError) and not code):
        return StoreUnreachableError(f"{url} does not answer: {error.orig}. Nothing was written.")
    return None
