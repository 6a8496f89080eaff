"""Take hold of a SQLite file: where it may lie, who else has it, whether it is whole.

The first process that opens a file holds it alone for a moment: it makes the file or upgrades its
tables, and checks it if the last process ended without closing it. Others wait for that moment.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from mba_integrations.services.store.errors import StoreFileError, StoreInUseError
from mba_integrations.services.store.migrations.revisions import (
    HEAD,
    check_current,
    check_known,
    current_revision,
)
from mba_integrations.services.store.sqlite.connecting import reading_engine, writing_engine
from mba_integrations.services.store.sqlite.failures import our_errors
from mba_integrations.services.store.sqlite.file_system import network_file_system
from mba_integrations.services.store.sqlite.lock_file import Holder, LockFile, WriteLock
from mba_integrations.services.store.sqlite.writer import wal_bytes

_PATIENCE_S = 30.0
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """What is held of a file as long as its store is open.

    Attributes:
        open_lock: Says that the file is open.
        write_lock: Held for each transaction.
        revision: Of its tables.
    """

    open_lock: LockFile
    write_lock: WriteLock
    revision: str

    def close(self) -> None:
        """Let others have it."""
        self.write_lock.close()
        self.open_lock.close()


def opened(
    path: Path, *, exclusive: bool, url: str | None, allow_network_fs: bool, upgrade: bool
) -> HeldFile:
    """Take hold of a file; the arguments are those of `SqliteStore`.

    Raises:
        StoreFileError: If it is no database, or lies where none can be.
        StoreInUseError: If another process holds it.
        SchemaError: If its tables are of a later release.
    """
    try:
        _check_place(path, allow_network_fs=allow_network_fs)
        return _locked(path, Holder(os.getpid(), url, exclusive), upgrade=upgrade)
    except OSError as error:
        raise StoreFileError(
            f"{path} cannot be opened: {error.strerror} ({error.filename})."
        ) from error


def _locked(path: Path, holder: Holder, *, upgrade: bool) -> HeldFile:
    open_lock = LockFile(path.with_name(f"{path.name}.lock"))
    try:
        write_lock = WriteLock(path)
        try:
            revision = _held(path, open_lock, holder, upgrade=upgrade)
        except BaseException:
            write_lock.close()
            raise
    except BaseException:
        open_lock.close()
        raise
    return HeldFile(open_lock=open_lock, write_lock=write_lock, revision=revision)


def _check_place(path: Path, *, allow_network_fs: bool) -> None:
    if path.is_dir():
        raise StoreFileError(
            f"{path} is a folder. Name a file in it, such as {path / 'memory.db'}."
        )
    if not path.parent.is_dir():
        raise StoreFileError(
            f"{path} cannot be made: there is no folder {path.parent}. Make it first."
        )
    kind = None if allow_network_fs else network_file_system(path)
    if kind is not None:
        raise StoreFileError(
            f"{path} is on a network file system ({kind}), where SQLite can lose writes. Put it on "
            "a disk of this machine, use Postgres, or allow it with allow_network_fs=True."
        )


def _held(path: Path, open_lock: LockFile, holder: Holder, *, upgrade: bool) -> str:
    """Lock the file for oneself or with others, and make it ready; gives its revision."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        if open_lock.try_lock(shared=False):
            open_lock.say_who(holder)
            revision = _made_ready(path, upgrade=upgrade)
            if holder.exclusive or open_lock.share():
                return revision
        elif not holder.exclusive and open_lock.try_lock(shared=True):
            open_lock.say_who(holder)
            return _checked(path)
        _wait_or_refuse(path, open_lock, holder, deadline)


def _wait_or_refuse(path: Path, lock: LockFile, holder: Holder, deadline: float) -> None:
    other = lock.holder()
    time.sleep(_PAUSE_S)
    # Looked at twice: what is written may be of one that ended, until the next one writes.
    held = holder.exclusive or (other is not None and other.exclusive and other == lock.holder())
    if not held and time.monotonic() < deadline:
        return
    pid = None if other is None else other.pid
    url = None if other is None else other.url
    who = "another process" if pid is None else f"process {pid}"
    way = f"Ask it at {url}" if url else "End it first"
    raise StoreInUseError(f"{path} is held by {who}. {way}.", pid=pid, url=url)


def _made_ready(path: Path, *, upgrade: bool) -> str:
    """Make or upgrade the tables of a file that nobody else has; gives their revision."""
    unclean = wal_bytes(path) > 0  # who closes a file leaves none
    if not path.exists():
        make_private(path)
    found = _revision(path)
    if unclean:
        _check_whole(path)
    check_known(found)
    if found is not None and (found == HEAD or not upgrade):
        return check_current(found, how="Open it with upgrade=True.")
    if found is not None:
        _copy(path, path.with_name(f"{path.name}.before-{HEAD}"))
    return _upgraded(path)


def _checked(path: Path) -> str:
    """The revision of a file that others have open."""
    how = "Other processes have it open: end them, then open it again to upgrade it."
    return check_current(_revision(path), how=how)


def _revision(path: Path) -> str | None:
    with _looking_at(path) as connection:
        try:
            return current_revision(connection)
        except StoreFileError as error:
            raise StoreFileError(f"{path}: {error}") from None


@contextmanager
def _looking_at(path: Path) -> Iterator[Connection]:
    """A connection that changes nothing, for the file may be somebody else's."""
    engine = reading_engine(path)
    try:
        with our_errors(path), engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _upgraded(path: Path) -> str:
    from mba_integrations.services.store.migrations.upgrading import upgrade

    engine = writing_engine(path)
    with our_errors(path), engine.begin() as connection:
        return upgrade(connection)


def _copy(path: Path, copy: Path) -> None:
    """Keep the file as it was; a copy of the same name, of an upgrade that failed, is replaced."""
    copy.unlink(missing_ok=True)
    make_private(copy)
    with our_errors(copy), closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))


def make_private(path: Path) -> None:
    """Make an empty file for its owner alone; SQLite keeps its mode.

    Raises:
        StoreFileError: If it is there, or cannot be made.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreFileError(f"{path} cannot be made: {error.strerror}.") from error


def _check_whole(path: Path) -> None:
    with _looking_at(path) as connection:
        said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if said != "ok":
        raise StoreFileError(
            f"{path} is damaged: {said}. It was left as it is. Restore a backup, or recover what "
            "can be read with the sqlite3 program's .recover."
        )
