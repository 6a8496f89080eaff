"""Put a copy in the place of a store, without what was erased since the copy was made.

The copy is cleaned before it takes the store's place: the ledger of the store that it replaces, or
the one kept beside it, is entered and applied. So no reader ever sees what was erased.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from mba_integrations.services.store.erasure import erasing, ledger
from mba_integrations.services.store.errors import StoreError, StoreFileError, StoreInUseError
from mba_integrations.services.store.rows.erasures import LedgerEntry
from mba_integrations.services.store.scopes import ReadingAll, WritingAll
from mba_integrations.services.store.sqlite.backups import Manifest, verify
from mba_integrations.services.store.sqlite.connecting import reading_engine
from mba_integrations.services.store.sqlite.failures import our_errors
from mba_integrations.services.store.sqlite.ledger_file import (
    keep_ledger,
    kept_ledger,
    ledger_path,
    store_mark,
)
from mba_integrations.services.store.sqlite.lock_file import LockFile
from mba_integrations.services.store.sqlite.store import SqliteStore
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.store import Store

_SIDE_FILES = ("-wal", "-shm", ".lock", ".write-lock", ".turn-lock", ".erased")


def restore(copy: Path, path: Path) -> Manifest:
    """Put a copy in the place of the store in *path*, or where none is.

    Raises:
        StoreFileError: If the copy is damaged, or *path* holds another store than it is a copy of.
        StoreInUseError: If the store in *path* is open.
    """
    copy, path = copy.resolve(), path.resolve()
    manifest = verify(copy)
    lock = LockFile(path.with_name(f"{path.name}.lock"))
    try:
        if not lock.try_lock(shared=False):
            raise StoreInUseError(f"{path} is open. Close it in all processes, then restore.")
        _replace(copy, path)
    finally:
        lock.close()
    return manifest


def _replace(copy: Path, path: Path) -> None:
    part = path.with_name(f"{path.name}.restoring")
    try:
        shutil.copyfile(copy, part)
        part.chmod(0o600)
        with SqliteStore(part, exclusive=True) as store:
            _clean(store, path)
        for suffix in ("-wal", "-shm"):  # of the old file; in front of the new one they destroy it
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        os.replace(part, path)
    finally:
        for name in (part.name, *(part.name + suffix for suffix in _SIDE_FILES)):
            part.with_name(name).unlink(missing_ok=True)


def _clean(store: Store, path: Path) -> None:
    """Erase in a copy what was erased in the store that it is to replace."""
    with store.read_all() as reading:
        mark = store_mark(reading)
    kept = [*_ledger_of(path, mark), *_ledger_beside(path, mark)]
    store.write_all(lambda writing: _apply(writing, kept))
    store.scrub()
    with store.read_all() as reading:
        keep_ledger(path, reading)


def _apply(writing: WritingAll, kept: Iterable[LedgerEntry]) -> None:
    entries = tuple(kept)
    for row in workspaces.listed(writing):
        within = writing.within(row.workspace_id)
        ledger.enter_again(within, entries)
        erasing.erase_again(within, f"restore {writing.at.isoformat()}")


def _ledger_of(path: Path, mark: str) -> tuple[LedgerEntry, ...]:
    """What the store in *path* says was erased; nothing if it cannot be read any more."""
    if not path.exists():
        return ()
    engine = reading_engine(path)
    try:
        with our_errors(path), engine.begin() as connection:
            reading = ReadingAll(connection=connection)
            found, entries = store_mark(reading), ledger.entries(reading)
    except StoreError:
        return ()
    finally:
        engine.dispose()
    _check_same(path, found, mark)
    return entries


def _ledger_beside(path: Path, mark: str) -> tuple[LedgerEntry, ...]:
    kept = kept_ledger(path)
    if kept is None:
        return ()
    _check_same(ledger_path(path), kept[0], mark)
    return kept[1]


def _check_same(path: Path, found: str, mark: str) -> None:
    if found != mark:
        raise StoreFileError(
            f"{path} belongs to another store than the copy. Restore to another path, or move it "
            "away first."
        )
