"""`SqliteStore`: a store in one SQLite file.

By default several processes may have the file open at once: each writes from one thread, under a
lock between processes for each transaction (`writer` says why), and sees what the others wrote in
its next read. With `exclusive=True` a process has the file for itself, as a server does that others
are to ask: who opens it then is told its pid and url.

Readers never wait and hold nobody up: they see the file as it was when they began.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from mba_integrations.core.arguments import checked_path
from mba_integrations.services.store.errors import StoreClosedError, StoreFileError
from mba_integrations.services.store.glances import Glance, GlanceAll, Seen
from mba_integrations.services.store.migrations.revisions import HEAD
from mba_integrations.services.store.owned import Rows
from mba_integrations.services.store.scopes import Reading, ReadingAll, checked_id
from mba_integrations.services.store.sqlite.backups import back_up
from mba_integrations.services.store.sqlite.connecting import reading_engine
from mba_integrations.services.store.sqlite.failures import our_errors
from mba_integrations.services.store.sqlite.glances import GlancingConnection
from mba_integrations.services.store.sqlite.ledger_file import keep_ledger
from mba_integrations.services.store.sqlite.opening import make_private, opened
from mba_integrations.services.store.sqlite.writer import Writer, checkpoint, wal_bytes
from mba_integrations.services.store.store import Store, StoreStatus, utc_now

T = TypeVar("T")
_SCRUB_WAIT_MS = 10_000


class SqliteStore(Store):
    """A store in one SQLite file.

    Args:
        path: The file; made if it is not there.
        exclusive: Whether this process has it for itself.
        url: Where this process answers, for those who find the file held.
        allow_network_fs: Whether the file may lie on a network file system, at your own risk.
        upgrade: Whether tables of an earlier release are upgraded, after a copy of the file beside
            it; None is yes.
        clock: Gives the moment of a write.

    Raises:
        StoreFileError: If the file is no database of ours, or cannot be one.
        StoreInUseError: If another process holds it.
        SchemaError: If its tables are of a later release.
    """

    def __init__(
        self,
        path: Path,
        *,
        exclusive: bool = False,
        url: str | None = None,
        allow_network_fs: bool = False,
        upgrade: bool | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.path = path.resolve()
        self.url = f"sqlite:///{self.path}"
        self.clock = clock
        self._pid = os.getpid()
        files = opened(
            self.path,
            exclusive=exclusive,
            url=url,
            allow_network_fs=allow_network_fs,
            upgrade=upgrade is not False,
        )
        self._files = files
        try:
            self._writer = Writer(self.path, files.write_lock)
            self._readers = reading_engine(self.path)
            self._glances = GlancingConnection(self.path)
        except BaseException:
            files.close()
            raise
        self._closed = False

    @contextmanager
    def read(self, workspace_id: str) -> Iterator[Reading]:
        checked_id("workspace_id", workspace_id)
        with self._reading() as connection:
            yield Reading(workspace_id=workspace_id, connection=connection)

    @contextmanager
    def read_all(self) -> Iterator[ReadingAll]:
        with self._reading() as connection:
            yield ReadingAll(connection=connection)

    def glance(self, workspace_id: str) -> Glance:
        checked_id("workspace_id", workspace_id)
        return Glance(workspace_id=workspace_id, look=self._look)

    def glance_all(self) -> GlanceAll:
        return GlanceAll(look=self._look)

    def _look(self, statement: Rows, values: Mapping[str, Any]) -> Seen | None:
        self._check_open()
        return self._glances.look(statement, values)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._check_open()
        with our_errors(self.path), self._readers.begin() as connection:
            yield connection

    def _submitted(self, work: Callable[[Connection], T], workspace_id: str | None) -> Future[T]:
        self._check_open()
        return self._writer.submit(work)

    @property
    def studies_url(self) -> str:
        beside = self.path.with_name(f"{self.path.name}.studies")
        try:
            make_private(beside)
        except StoreFileError:
            if not beside.exists():
                raise
        return f"{self.url}.studies"

    def scrub(self, workspace_id: str | None = None) -> str:
        self._check_open()
        emptied = self._writer.between(_scrub).result()
        with self.read_all() as reading:
            keep_ledger(self.path, reading)
        if emptied:
            return "Free pages are gone from the file, and the write-ahead log is empty."
        return "Free pages are gone. A reader that began before keeps the write-ahead log."

    def backup(self, path: str | Path) -> Path:
        self._check_open()
        return back_up(self.path, checked_path("path", path).resolve(), at=self.clock())

    def status(self) -> StoreStatus:
        self._check_open()
        return StoreStatus(
            url=self.url,
            engine=f"SQLite {sqlite3.sqlite_version}",
            revision=self._files.revision,
            release=HEAD,
            size_bytes=self.path.stat().st_size,
            wal_bytes=wal_bytes(self.path),
            free_bytes=shutil.disk_usage(self.path.parent).free,
            queued_writes=self._writer.queued,
            full=self._writer.full,
            commits=self._writer.commits,
            committed_writes=self._writer.committed,
        )

    def close(self) -> None:
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        # The writer closes last: the last connection that closes checkpoints.
        self._readers.dispose()
        self._glances.close()
        self._writer.close()
        self._files.close()

    def _check_open(self) -> None:
        if os.getpid() != self._pid:
            raise StoreClosedError(
                f"the store {self.path} was opened before this process was forked from process "
                f"{self._pid}. Open it in the process that uses it."
            )
        if self._closed:
            raise StoreClosedError(f"the store {self.path} was closed. Open it again.")


def _scrub(connection: sqlite3.Connection) -> bool:
    """Whether nothing is left, also in the WAL."""
    # First what was deleted goes from the WAL, then free pages from the file, then from the WAL.
    checkpoint(connection, wait_ms=_SCRUB_WAIT_MS)
    # A page with each step; `execute` takes one step where a statement has no columns.
    connection.executescript("PRAGMA incremental_vacuum")
    return checkpoint(connection, wait_ms=_SCRUB_WAIT_MS)
