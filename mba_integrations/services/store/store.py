"""`Store`: what SQLite and Postgres have in common for those who read and write.

Reads and writes are transactions bound to a workspace. A write is a function of a scope; it is done
whole or not at all, and what it gives is given back once it is durable. It must not keep the scope,
may be run on another thread, and is run once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from mba_integrations.services.store.errors import StoreBusyError, StoreError
from mba_integrations.services.store.glances import Glance, GlanceAll
from mba_integrations.services.store.scopes import (
    Reading,
    ReadingAll,
    Writing,
    WritingAll,
    checked_id,
)

T = TypeVar("T")
PATIENCE_S = 60.0
"""How long a write waits for its turn."""


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """How the store is.

    Attributes:
        url: Where it is, without a password.
        engine: Name and version of the database.
        revision: Of the tables.
        release: The revision that this code works with.
        size_bytes: Of the database.
        wal_bytes: Of what SQLite has not put into its file yet; None on Postgres.
        free_bytes: On the disk; None where that is not known.
        queued_writes: Writes that wait; None on Postgres.
        full: Whether the disk was full at the last write.
        commits: Transactions of this process that were committed; None on Postgres.
        committed_writes: Writes in them; None on Postgres.
    """

    url: str
    engine: str
    revision: str
    release: str
    size_bytes: int
    wal_bytes: int | None
    free_bytes: int | None
    queued_writes: int | None
    full: bool
    commits: int | None = None
    committed_writes: int | None = None


class LargeIndexes(ABC):
    """Makes what candidates in a large workspace are found by. What is there already is left."""

    @abstractmethod
    def add_column(self) -> bool:
        """Have the column of vectors; False where the database cannot search vectors."""

    @abstractmethod
    def make_places(self) -> None:
        """Have the indexes by which `prefetch.beside` finds memories."""

    @abstractmethod
    def drop_vectors(self, model_id: str) -> None:
        """Drop the index of the vectors of a model."""

    @abstractmethod
    def make_vectors(self, model_id: str, *, numbers: int, count: int) -> None:
        """Have the index of the vectors of a model; takes minutes for a million.

        Args:
            model_id: Of which model.
            numbers: Of a vector.
            count: How many vectors there are, about.
        """

    @abstractmethod
    def progress(self) -> float:
        """How much of an index of vectors is made that another connection makes, in [0, 1]."""


class Store(ABC):
    """Memories and what belongs to them, in one database. Use it from as many threads as you like.

    Attributes:
        url: Where it is, without a password.
        clock: Gives the moment of a write, with a zone.
    """

    url: str
    clock: Callable[[], datetime]

    @abstractmethod
    def read(self, workspace_id: str) -> AbstractContextManager[Reading]:
        """A transaction that reads one workspace as it stands now, whatever is written meanwhile.

        Whether the workspace is there is not looked at: one that is not has no rows.

        Raises:
            InputError: If *workspace_id* is no id.
            StoreClosedError: If the store was closed.
            StoreUnreachableError: If the server does not answer.
        """

    @abstractmethod
    def read_all(self) -> AbstractContextManager[ReadingAll]:
        """A transaction that reads all workspaces, for what keeps the store going."""

    def glance(self, workspace_id: str) -> Glance | None:
        """Looks at one workspace without waiting; None where each look waits for a server.

        Raises:
            InputError: If *workspace_id* is no id.
        """
        return None

    def glance_all(self) -> GlanceAll | None:
        """Looks without waiting at what belongs to no workspace; None as for `glance`."""
        return None

    def write(
        self,
        workspace_id: str,
        work: Callable[[Writing], T],
        *,
        actor: str | None = None,
        at: datetime | None = None,
    ) -> T:
        """Write to one workspace; comes back when it is durable.

        Args:
            workspace_id: Which one.
            work: What to do in the transaction; what it raises is raised, and undoes it all.
            actor: Who writes, for the feed of changes.
            at: The moment of the write; None asks the clock.

        Raises:
            InputError: If *workspace_id* is no id.
            StoreBusyError: If a lock was not free in time.
            StorageFullError: If the disk is full.
            StoreClosedError: If the store was closed.
            StoreUnreachableError: If the server does not answer.
        """
        return self._answered(self.submit(workspace_id, work, actor=actor, at=at))

    def submit(
        self,
        workspace_id: str,
        work: Callable[[Writing], T],
        *,
        actor: str | None = None,
        at: datetime | None = None,
    ) -> Future[T]:
        """As `write`, without waiting: the future has the result once it is durable."""
        checked_id("workspace_id", workspace_id)
        moment = at or self.clock()

        def within(connection: Connection) -> T:
            writing = Writing(
                workspace_id=workspace_id, connection=connection, at=moment, actor=actor
            )
            return work(writing)

        return self._submitted(within, workspace_id)

    def write_all(self, work: Callable[[WritingAll], T], *, at: datetime | None = None) -> T:
        """Write to all workspaces, for what keeps the store going; comes back when durable."""
        moment = at or self.clock()

        def within(connection: Connection) -> T:
            writing = WritingAll(connection=connection, at=moment)
            return work(writing)

        return self._answered(self._submitted(within, None))

    @property
    @abstractmethod
    def studies_url(self) -> str:
        """Database beside this one for studies of settings, as SQLAlchemy takes it; with the
        password where there is one. A file is made by asking, for its owner alone."""

    def large_indexes(self, workspace_id: str) -> AbstractContextManager[LargeIndexes]:
        """What makes the indexes of a large workspace.

        Raises:
            StoreError: On a database that finds no candidates.
        """
        raise StoreError(f"{self.url} finds no candidates for a workspace {workspace_id!r}.")

    def _answered(self, future: Future[T]) -> T:
        """Wait for a write, but not for ever for its beginning."""
        wait([future], PATIENCE_S)
        if not future.done() and future.cancel():
            raise StoreBusyError(
                f"{self.url} did not come to this write within {PATIENCE_S:g} seconds, for it or "
                "another process writes without end. Nothing was written; try again."
            )
        return future.result()

    @abstractmethod
    def _submitted(self, work: Callable[[Connection], T], workspace_id: str | None) -> Future[T]:
        """Run *work* in a transaction of one workspace, or of all."""

    @abstractmethod
    def scrub(self, workspace_id: str | None = None) -> str:
        """Free the space of what was deleted of a workspace, or of all; says what was done.

        On SQLite no bytes of it are left in the file and what lies beside it; waits for readers
        that began before. On Postgres tables are written anew, but for those that are large, in use
        or another user's: `postgres.scrubbing`.
        """

    @abstractmethod
    def backup(self, path: str | Path) -> Path:
        """Copy the store, as it stands now, into a file that must not be there; gives its path.

        Raises:
            StoreError: On Postgres, whose own tools do that.
            StoreFileError: If the file is there, or cannot be made.
        """

    @abstractmethod
    def status(self) -> StoreStatus:
        """How the store is."""

    @abstractmethod
    def close(self) -> None:
        """End all writes that were begun, and close the connections. A second time is no error."""

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
