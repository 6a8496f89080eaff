"""`PostgresStore`: a store in a Postgres database, which many processes and machines may share.

Each write is a transaction of its own, and Postgres commits those of several connections together.
Writers of one workspace wait for each other where they change memories, so that places in its
sequence of changes are taken in the order of commits. A read is of one moment, and waits for
nobody.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.schema import CreateSchema

from mba_integrations.services.store.errors import StoreClosedError, StoreError
from mba_integrations.services.store.fences import bypasses_fences, enter
from mba_integrations.services.store.migrations.revisions import (
    HEAD,
    check_current,
    current_revision,
)
from mba_integrations.services.store.migrations.upgrading import upgrade as upgraded
from mba_integrations.services.store.postgres.connecting import (
    driver_url,
    reading_engine,
    writing_engine,
)
from mba_integrations.services.store.postgres.failures import our_errors
from mba_integrations.services.store.postgres.large_indexes import PostgresIndexes
from mba_integrations.services.store.postgres.scrubbing import scrub
from mba_integrations.services.store.scopes import Reading, ReadingAll, checked_id
from mba_integrations.services.store.store import LargeIndexes, Store, StoreStatus, utc_now

T = TypeVar("T")
_WRITERS = 8
_STUDIES = "mba_tuning"
"""Schema of the studies of settings, whose tables are Optuna's."""
_UPGRADE_LOCK = 0x6D62615F  # any number that others do not take
_HOW = "Run `mba db upgrade`, or open it with upgrade=True, while no other release uses it."


class PostgresStore(Store):
    """A store in a Postgres database.

    Args:
        url: `postgresql://USER:PASSWORD@HOST/DATABASE`.
        upgrade: Whether tables of an earlier release are upgraded; None makes tables in an empty
            database and upgrades none.
        clock: Gives the moment of a write.

    Raises:
        StoreUnreachableError: If the server does not answer.
        SchemaError: If the tables are of another release.
    """

    def __init__(
        self,
        url: str,
        *,
        upgrade: bool | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        target = driver_url(url)
        self.url = target.set(drivername="postgresql").render_as_string(hide_password=True)
        self._target = target
        self.clock = clock
        self._pid = os.getpid()
        self._closed = False
        self._writers = writing_engine(target)
        self._readers = reading_engine(target)
        try:
            with our_errors(self.url), self._writers.begin() as connection:
                self._revision = _made_ready(connection, upgrade)
                self._as_role = bypasses_fences(connection)
        except BaseException:
            self._writers.dispose()
            raise
        self._threads = ThreadPoolExecutor(_WRITERS, thread_name_prefix="store writer")

    @contextmanager
    def read(self, workspace_id: str) -> Iterator[Reading]:
        checked_id("workspace_id", workspace_id)
        with self._reading(workspace_id) as connection:
            yield Reading(workspace_id=workspace_id, connection=connection)

    @contextmanager
    def read_all(self) -> Iterator[ReadingAll]:
        with self._reading(None) as connection:
            yield ReadingAll(connection=connection)

    @contextmanager
    def _reading(self, workspace_id: str | None) -> Iterator[Connection]:
        self._check_open()
        with our_errors(self.url), self._readers.begin() as connection:
            enter(connection, workspace_id, as_role=self._as_role)
            yield connection

    def _written(self, work: Callable[[Connection], T], workspace_id: str | None) -> T:
        self._check_open()
        with our_errors(self.url), self._writers.begin() as connection:
            enter(connection, workspace_id, as_role=self._as_role)
            return work(connection)

    def _submitted(self, work: Callable[[Connection], T], workspace_id: str | None) -> Future[T]:
        self._check_open()
        return self._threads.submit(self._written, work, workspace_id)

    @property
    def studies_url(self) -> str:
        self._check_open()
        with our_errors(self.url), self._writers.begin() as connection:
            connection.execute(CreateSchema(_STUDIES, if_not_exists=True))
        path = {"options": f"-csearch_path={_STUDIES}"}
        return self._target.update_query_dict(path).render_as_string(hide_password=False)

    def scrub(self, workspace_id: str | None = None) -> str:
        self._check_open()
        engine = self._writers.execution_options(isolation_level="AUTOCOMMIT")
        with our_errors(self.url), engine.connect() as connection:
            return scrub(connection, workspace_id)

    @contextmanager
    def large_indexes(self, workspace_id: str) -> Iterator[LargeIndexes]:
        self._check_open()
        engine = self._writers.execution_options(isolation_level="AUTOCOMMIT")
        with our_errors(self.url), engine.connect() as connection:
            yield PostgresIndexes(connection, workspace_id)

    def backup(self, path: str | Path) -> Path:
        raise StoreError(
            f"{self.url} is backed up with Postgres' own pg_dump, and restored with pg_restore. "
            "Afterwards erase again what the ledger says."
        )

    def status(self) -> StoreStatus:
        self._check_open()
        size = text("SELECT pg_catalog.pg_database_size(current_database()), version()")
        with our_errors(self.url), self._readers.begin() as connection:
            size_bytes, version = connection.execute(size).one()
        return StoreStatus(
            url=self.url,
            engine=" ".join(version.split()[:2]),
            revision=self._revision,
            release=HEAD,
            size_bytes=size_bytes,
            wal_bytes=None,
            free_bytes=None,
            queued_writes=None,
            full=False,
        )

    def close(self) -> None:
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        self._threads.shutdown()
        self._readers.dispose()
        self._writers.dispose()

    def _check_open(self) -> None:
        if os.getpid() != self._pid:
            raise StoreClosedError(
                f"the store {self.url} was opened before this process was forked from process "
                f"{self._pid}. Open it in the process that uses it."
            )
        if self._closed:
            raise StoreClosedError(f"the store {self.url} was closed. Open it again.")


def _made_ready(connection: Connection, upgrade: bool | None) -> str:
    """Make or upgrade the tables, one process at a time; gives their revision."""
    found = current_revision(connection)
    if found is None or upgrade:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        found = current_revision(connection)
    if upgrade or (found is None and upgrade is None):
        return upgraded(connection)
    return check_current(found, how=_HOW)
