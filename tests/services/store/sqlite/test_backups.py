"""Copies of a file: made under writes, verified, restored without what was erased since."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from store_rows import add, current, ids, read, row

from mba_integrations.services.store.erasure import erasing, ledger
from mba_integrations.services.store.errors import StoreFileError, StoreInUseError
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.rows.erasures import ErasedKind
from mba_integrations.services.store.sqlite.backups import verify
from mba_integrations.services.store.sqlite.restoring import restore
from mba_integrations.services.store.statements import finding, memories, workspaces
from mba_integrations.services.store.statements.log import sessions
from mba_integrations.services.store.store import Store

CANARY = "canary-text " * 400


def found_in(folder: Path, *, but: tuple[str, ...] = ()) -> list[str]:
    """Files of a folder that hold the canary."""
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.name not in but and b"canary-text" in path.read_bytes()
    )


@pytest.fixture
def store(sqlite_path: Path) -> Iterator[Store]:
    with open_store(sqlite_path) as opened:
        opened.write("kate", lambda writing: workspaces.create(writing, settings={}))
        add(opened, "kate", row("hers", CANARY, subject="kate", tags=("canary-text",)), "other")
        opened.write("kate", lambda writing: sessions.put(writing, "hers", {"id": "hers"}))
        yield opened


def erase(store: Store) -> None:
    store.write("kate", lambda writing: erasing.erase(writing, "e", "subject", ["kate"]))
    store.scrub()


def test_erased_bytes_are_nowhere_beside_the_store(store: Store, sqlite_path: Path) -> None:
    rewritten = row("hers", f"again {CANARY}", subject="kate")
    store.write("kate", lambda writing: memories.rewrite(writing, [rewritten], keep_versions=True))
    assert found_in(sqlite_path.parent)
    erase(store)
    assert found_in(sqlite_path.parent) == []
    store.close()
    with closing(sqlite3.connect(sqlite_path)) as connection:
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
    assert found_in(sqlite_path.parent) == []


def test_a_copy_is_verified_by_what_its_manifest_says(store: Store, tmp_path: Path) -> None:
    copy = store.backup(tmp_path / "copy.db")
    manifest = verify(copy)
    assert (manifest.workspaces, manifest.memories) == (1, 2)
    assert manifest.size_bytes == copy.stat().st_size
    assert {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.glob("copy.db*")} == {0o600}
    assert {one.name for one in tmp_path.glob("copy.db*")} == {"copy.db", "copy.db.json"}


def test_nothing_is_overwritten_by_a_copy(store: Store, tmp_path: Path) -> None:
    taken = tmp_path / "taken.db"
    taken.write_text("mine")
    with pytest.raises(StoreFileError, match="cannot be made: File exists"):
        store.backup(taken)
    assert taken.read_text() == "mine"
    with pytest.raises(StoreFileError, match="cannot be made: No such file"):
        store.backup(tmp_path / "no" / "copy.db")
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        pytest.param("copy.db", b"\x00", "sha256 is .*, not .*use another copy", id="changed-copy"),
        pytest.param("copy.db.json", b"]", "is no manifest of a copy", id="broken-manifest"),
        pytest.param("copy.db.json", None, "has no manifest: there is no", id="no-manifest"),
    ],
)
def test_a_damaged_copy_is_not_restored(
    store: Store, tmp_path: Path, name: str, change: bytes | None, says: str
) -> None:
    copy = store.backup(tmp_path / "copy.db")
    target = tmp_path / name
    target.unlink() if change is None else target.write_bytes(target.read_bytes()[:-1] + change)
    store.close()
    before = (tmp_path / "memory.db").read_bytes()
    with pytest.raises(StoreFileError, match=says):
        restore(copy, tmp_path / "memory.db")
    assert (tmp_path / "memory.db").read_bytes() == before


def test_a_restored_copy_has_what_there_was_and_not_what_was_erased_since(
    store: Store, sqlite_path: Path
) -> None:
    copy = store.backup(sqlite_path.with_name("copy.db"))
    add(store, "kate", "later")
    erase(store)
    store.close()
    assert restore(copy, sqlite_path).memories == 2
    assert found_in(sqlite_path.parent, but=("copy.db",)) == []
    assert not list(sqlite_path.parent.glob("*restoring*"))
    with open_store(sqlite_path) as again:
        assert ids(current(again)) == ["other"]
        assert read(again, "kate", lambda reading: sessions.find(reading, "hers")) is None
        assert [one.counts["memory"] for one in read(again, "kate", erasing.receipts)] == [1]
        known = read(
            again, "kate", lambda reading: ledger.was_erased(reading, ErasedKind.SUBJECT, ["kate"])
        )
        assert known == {"kate"}


def test_the_ledger_beside_a_store_that_is_lost_is_applied(store: Store, sqlite_path: Path) -> None:
    copy = store.backup(sqlite_path.with_name("copy.db"))
    erase(store)
    store.close()
    sqlite_path.unlink()
    restore(copy, sqlite_path)
    with open_store(sqlite_path) as again:
        assert ids(read(again, "kate", finding.in_any_state)) == ["other"]


def test_the_ledger_beside_a_store_that_is_damaged_is_applied(
    store: Store, sqlite_path: Path
) -> None:
    copy = store.backup(sqlite_path.with_name("copy.db"))
    erase(store)
    store.close()
    sqlite_path.write_bytes(b"\x07" * 8192)
    restore(copy, sqlite_path)
    with open_store(sqlite_path) as again:
        assert ids(current(again)) == ["other"]


def test_a_copy_is_restored_where_nothing_is(store: Store, tmp_path: Path) -> None:
    copy = store.backup(tmp_path / "copy.db")
    restore(copy, tmp_path / "new.db")
    with open_store(tmp_path / "new.db") as again:
        assert current(again) == current(store)


def test_an_open_store_is_not_replaced(store: Store, sqlite_path: Path) -> None:
    copy = store.backup(sqlite_path.with_name("copy.db"))
    with pytest.raises(StoreInUseError, match=r"is open. Close it in all processes"):
        restore(copy, sqlite_path)
    assert ids(current(store)) == ["hers", "other"]


def test_another_store_is_not_replaced(store: Store, tmp_path: Path) -> None:
    copy = store.backup(tmp_path / "copy.db")
    open_store(tmp_path / "mine.db").close()
    with pytest.raises(StoreFileError, match="belongs to another store than the copy"):
        restore(copy, tmp_path / "mine.db")
    (tmp_path / "gone.db.erased").write_text(json.dumps({"format": 9}))
    with pytest.raises(StoreFileError, match="its format is 9, this release knows 1"):
        restore(copy, tmp_path / "gone.db")
