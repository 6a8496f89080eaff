"""Glances at a file: what they see, how many statements they send, and what they never wait for."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mba_integrations.core.errors import InputError
from mba_integrations.services.store import callers
from mba_integrations.services.store.errors import StoreClosedError
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.sqlite.store import SqliteStore
from mba_integrations.services.store.statements import workspaces
from mba_integrations.testing import Clock


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "memory.db"))


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with open_store(path, clock=Clock()) as store:
        assert isinstance(store, SqliteStore)
        yield store


def made(store: SqliteStore, name: str) -> None:
    store.write(name, lambda writing: workspaces.create(writing, settings={"a": 1}))


def test_a_glance_sees_what_was_committed_and_belongs_to_its_workspace(store: SqliteStore) -> None:
    assert workspaces.version_seen(store.glance("kate")) is None
    made(store, "tom")
    assert workspaces.version_seen(store.glance("kate")) is None
    made(store, "kate")
    assert workspaces.version_seen(store.glance("kate")) == (store.clock(), 1)
    store.write("kate", lambda writing: workspaces.change_settings(writing, {"a": 2}))
    assert workspaces.version_seen(store.glance("kate")) == (store.clock(), 2)
    assert workspaces.version_seen(store.glance("tom")) == (store.clock(), 1)


def test_a_glance_sees_what_other_connections_commit(store: SqliteStore, path: Path) -> None:
    made(store, "kate")
    assert not callers.any_seen(store.glance_all())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE workspace SET settings_version = 7")
        assert workspaces.version_seen(store.glance("kate")) == (store.clock(), 1)
        other.execute("COMMIT")
        assert workspaces.version_seen(store.glance("kate")) == (store.clock(), 7)


def test_a_glance_leaves_nothing_behind_that_keeps_the_log(store: SqliteStore) -> None:
    for name in ("kate", "tom"):
        made(store, name)
        workspaces.version_seen(store.glance(name))
    assert "the write-ahead log is empty" in store.scrub()


def test_a_glance_waits_for_nobody_and_ends_with_its_store(store: SqliteStore) -> None:
    look = store.glance_all()
    assert store._glances._connection.execute("PRAGMA busy_timeout").fetchone() == (0,)
    store.close()
    with pytest.raises(StoreClosedError):
        callers.any_seen(look)


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "x" * 513])
def test_a_glance_at_what_is_no_id_is_refused(store: SqliteStore, name: str) -> None:
    with pytest.raises(InputError, match="workspace_id"):
        store.glance(name)
