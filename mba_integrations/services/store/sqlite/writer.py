"""The one thread that writes to a file, and commits what is queued together.

A commit waits for the disk, so writes that queue up meanwhile go into the next one: up to 256, or
as many as can be begun in 2 ms. Each write runs inside its own SAVEPOINT, so one that fails takes
nothing of its neighbours with it, and its caller hears of it once theirs are durable. The first
needs none: if it fails, nothing was done before it, and the transaction begins anew.

Several processes may have the file open. SQLite up to 3.51.2 can damage a file when two connections
write or checkpoint at the same instant, and `BEGIN IMMEDIATE` does not keep a checkpoint out. So a
file lock is held around every transaction and every checkpoint, and around opening and closing the
connection, for SQLite checkpoints when the last one closes.

When the disk is full, SQLite undoes the whole transaction: all writes of the commit fail. For a
second all further ones are refused at once, then the next one tries again.
"""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

from mba_integrations.services.store.errors import StorageFullError, StoreClosedError, StoreError
from mba_integrations.services.store.sqlite.connecting import BUSY_TIMEOUT_MS, writing_engine
from mba_integrations.services.store.sqlite.failures import our_error, our_errors
from mba_integrations.services.store.sqlite.lock_file import WriteLock

MOST_WRITES = 256
LONGEST_BATCH_S = 0.002
CHECKPOINT_BYTES = 16 * 2**20
"""A WAL of this size is put into the file."""
FULL_PAUSE_S = 1.0
CHECKPOINT_WAIT_MS = 100
"""How long a checkpoint waits for readers."""


class _Nothing(Enum):
    NOTHING = 0


NOTHING = _Nothing.NOTHING
T = TypeVar("T")


@dataclass(slots=True)
class _Write:
    """A write that waits, and what became of it.

    Attributes:
        work: What to do.
        alone: Whether it is no transaction, but something that is done between two.
    """

    work: Callable[[Any], Any]
    alone: bool = False
    future: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None

    def attempt(self, connection: Connection) -> None:
        """Do the work inside a savepoint.

        Raises:
            BaseException: Only if the whole transaction is lost.
        """
        savepoint = connection.begin_nested()
        try:
            self.result = self.work(connection)
        except BaseException as error:
            if not _driver(connection).in_transaction:  # SQLite undid it, and the savepoint with it
                raise
            savepoint.rollback()
            self.error = error
        else:
            savepoint.commit()

    def resolve(self, error: BaseException | None) -> None:
        """Tell the caller that the transaction is durable, or what the error is."""
        if self.future.cancelled():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(self.result)


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.dbapi_connection)


class Writer:
    """Writes to one file from its own thread, until it is closed.

    Args:
        path: The file.
        lock: Held around whatever writes.
    """

    def __init__(self, path: Path, lock: WriteLock) -> None:
        self.path = path
        self.full = False
        self.commits = self.committed = 0
        self._lock = lock
        self._engine = writing_engine(path)
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._full_until = 0.0
        self._checkpoint_at = CHECKPOINT_BYTES
        with our_errors(path), self._lock.held():
            self._connection = self._engine.connect()
        self._thread = threading.Thread(target=self._run, name=f"writer of {path}", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Writes that wait."""
        return self._queue.qsize()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Queue a write, which gets a connection in a transaction.

        Raises:
            StoreClosedError: If the writer was closed.
            StoreError: If a write asks for another one, which would wait for itself.
        """
        return self._put(_Write(work))

    def between(self, act: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue something that no transaction can hold, such as a VACUUM."""
        return self._put(_Write(act, alone=True))

    def close(self) -> None:
        """Do what is queued, put the WAL into the file, close the connection."""
        with self._gate:
            closed, self._closed = self._closed, True
        if not closed:
            self._queue.put(None)
            self._thread.join()

    def _put(self, write: _Write) -> Future[Any]:
        if threading.current_thread() is self._thread:
            raise StoreError("a write asks for another write. Do both in one function.")
        with self._gate:
            if self._closed:
                raise StoreClosedError(f"the store {self.path} was closed. Open it again.")
            self._queue.put(write)
        return write.future

    def _run(self) -> None:
        write = self._queue.get()
        while write is not None:
            write = self._do_alone(write) if write.alone else self._commit(write)
        with self._lock.held():
            checkpoint(_driver(self._connection))
            self._connection.close()
        self._engine.dispose()

    def _do_alone(self, write: _Write) -> _Write | None:
        try:
            with our_errors(self.path), self._lock.held():
                write.future.set_running_or_notify_cancel()
                write.result = write.work(_driver(self._connection))
        except BaseException as error:
            write.error = error
        write.resolve(write.error)
        return self._queue.get()

    def _commit(self, first: _Write) -> _Write | None:
        """Commit the first write with those behind it; gives the one that comes after them."""
        writes = [first]
        following: _Write | _Nothing | None = NOTHING
        failure: BaseException | None = None
        try:
            self._refuse_while_full()
            with self._lock.held():
                with self._connection.begin():
                    if first.future.set_running_or_notify_cancel():
                        first.result = first.work(self._connection)
                    following = self._attempt_more(writes)
                self._checkpoint_if_large()
        except BaseException as error:
            failure = self._failure(error)
        else:
            self.full = False
            self.commits += 1
            self.committed += len(writes)
        for write in writes:
            write.resolve(failure or (write.error and self._failure(write.error)))
        return self._queue.get() if isinstance(following, _Nothing) else following

    def _attempt_more(self, writes: list[_Write]) -> _Write | _Nothing | None:
        """Do what is queued, as long as it may take; gives what was taken and is to come later."""
        end = time.monotonic() + LONGEST_BATCH_S
        while len(writes) < MOST_WRITES and time.monotonic() < end:
            try:
                write = self._queue.get_nowait()
            except queue.Empty:
                break
            if write is None or write.alone:
                return write
            if write.future.set_running_or_notify_cancel():
                writes.append(write)
                write.attempt(self._connection)
        return NOTHING

    def _refuse_while_full(self) -> None:
        if self.full and time.monotonic() < self._full_until:
            raise StorageFullError(
                f"the disk of {self.path} was full a moment ago. Nothing was written, reading "
                "goes on. Free some space; writing begins again by itself."
            )

    def _failure(self, error: BaseException) -> BaseException:
        """What callers are told of an error."""
        ours = our_error(error, self.path)
        if ours is None:
            return error
        if isinstance(ours, StorageFullError):
            self.full, self._full_until = True, time.monotonic() + FULL_PAUSE_S
        ours.__cause__ = error
        return ours

    def _checkpoint_if_large(self) -> None:
        size = wal_bytes(self.path)
        if size < self._checkpoint_at:
            return
        # Readers that began before keep the WAL as it is; do not wait for them at each commit.
        done = checkpoint(_driver(self._connection))
        self._checkpoint_at = CHECKPOINT_BYTES if done else size + CHECKPOINT_BYTES


def checkpoint(connection: sqlite3.Connection, *, wait_ms: int = CHECKPOINT_WAIT_MS) -> bool:
    """Put the WAL into the file and empty it; whether that was done before readers were too slow.

    The write lock must be held.
    """
    connection.execute(f"PRAGMA busy_timeout = {wait_ms}").close()
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:  # it stays as it is, and the next one tries again
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").close()
    return not busy


def wal_bytes(path: Path) -> int:
    """Size of what is not in the file yet."""
    try:
        return os.stat(f"{path}-wal").st_size
    except FileNotFoundError:
        return 0
