"""The writer: what it commits together, what fails alone, a disk that is full, the WAL's size."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from store_rows import add, current, ids, row

from mba_integrations.core.errors import InputError
from mba_integrations.services.store import store as store_module
from mba_integrations.services.store.errors import (
    StorageFullError,
    StoreBusyError,
    StoreClosedError,
    StoreError,
)
from mba_integrations.services.store.opening import open_store
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.sqlite import writer as writer_module
from mba_integrations.services.store.sqlite.lock_file import WriteLock
from mba_integrations.services.store.sqlite.store import SqliteStore
from mba_integrations.services.store.sqlite.writer import Writer, wal_bytes
from mba_integrations.services.store.statements import memories, workspaces
from mba_integrations.services.store.tables.workspaces import workspace


@pytest.fixture
def store(sqlite_path: Path) -> Iterator[SqliteStore]:
    with open_store(sqlite_path) as opened:
        opened.write("kate", lambda writing: workspaces.create(writing, settings={}))
        assert isinstance(opened, SqliteStore)
        yield opened


@pytest.fixture
def writer(store: SqliteStore) -> Writer:
    return store._writer


@contextmanager
def held(store: SqliteStore) -> Iterator[Future[None]]:
    """The writer is in the middle of a write, so that what comes meanwhile queues up."""
    began, go_on = threading.Event(), threading.Event()

    def wait(_: Writing) -> None:
        began.set()
        go_on.wait(10)

    waiting = store.submit("kate", wait)
    began.wait(10)
    yield waiting
    go_on.set()
    wait_for([waiting], 10)


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many writes each transaction had, as they are committed."""
    sizes: list[int] = []
    attempt = Writer._attempt_more

    def count(self: Writer, writes: list[Any]) -> Any:
        following = attempt(self, writes)
        sizes.append(len(writes))
        return following

    monkeypatch.setattr(Writer, "_attempt_more", count)
    return sizes


def submit(store: SqliteStore, *names: str) -> list[Future[Any]]:
    return [store.submit("kate", partial(memories.add, rows=[row(name)])) for name in names]


def test_what_is_queued_is_committed_together(
    store: SqliteStore, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LONGEST_BATCH_S", 60.0)
    monkeypatch.setattr(writer_module, "MOST_WRITES", 4)
    with held(store):
        futures = submit(store, *"abcdef")
    assert [future.result(10)[0].memory_id for future in futures] == list("abcdef")
    assert commits == [4, 3]
    assert ids(current(store)) == list("abcdef")


def test_a_commit_does_not_wait_for_more(
    store: SqliteStore, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LONGEST_BATCH_S", 0.0)
    with held(store):
        futures = submit(store, "a", "b")
    assert [len(future.result(10)) for future in futures] == [1, 1]
    assert commits == [1, 1, 1]


def test_a_write_that_fails_takes_none_of_its_neighbours_with_it(
    store: SqliteStore, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LONGEST_BATCH_S", 60.0)

    def fail(writing: Writing) -> None:
        memories.add(writing, [row("half")])
        raise KeyError("mine")

    with held(store):
        (before,) = submit(store, "a")
        failing = store.submit("kate", fail)
        refused = store.submit("kate", lambda writing: memories.add(writing, [row("a")]))
        (after,) = submit(store, "b")
    assert len(before.result(10)) == len(after.result(10)) == 1
    with pytest.raises(KeyError, match="mine"):
        failing.result(10)
    with pytest.raises(StoreError, match="'a' already"):
        refused.result(10)
    assert commits == [5]
    assert ids(current(store)) == ["a", "b"]
    assert [one.added_seq for one in current(store)] == [1, 2]


def test_a_first_write_that_fails_leaves_those_behind_it_alone(store: SqliteStore) -> None:
    with held(store):
        failing = store.submit("kate", lambda writing: memories.forget(writing, ["no"]))
        futures = submit(store, "a")
    with pytest.raises(StoreError, match="no memory 'no'"):
        failing.result(10)
    assert len(futures[0].result(10)) == 1


def test_a_result_is_given_only_once_it_can_be_read(store: SqliteStore) -> None:
    for name in "abc":
        future = submit(store, name)[0]
        future.result(10)
        with closing(sqlite3.connect(store.path)) as other:
            kept = other.execute("SELECT count(*) FROM memory WHERE memory_id = ?", name).fetchone()
        assert kept == (1,)


def test_a_commit_that_fails_fails_all_its_writes(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LONGEST_BATCH_S", 60.0)

    def break_off(writing: Writing) -> None:
        writing.connection.connection.driver_connection.execute("ROLLBACK")  # type: ignore[union-attr]
        raise KeyError("gone")

    with held(store) as waiting:
        (lost,) = submit(store, "a")
        breaking = store.submit("kate", break_off)
    for future in (waiting, lost, breaking):
        with pytest.raises(KeyError, match="gone"):
            future.result(10)
    assert current(store) == ()
    assert ids(add(store, "kate", "b")) == ["b"]


def test_a_value_that_a_column_refuses_is_told_as_bad_input(store: SqliteStore) -> None:
    naive = lambda writing: writing.execute(  # noqa: E731
        writing.update(workspace).values(created_at="today")
    )
    with pytest.raises(InputError, match="a time must be a datetime with a zone"):
        store.write("kate", naive)


def test_a_full_disk_is_said_and_forgotten_once_there_is_room(
    store: SqliteStore, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "FULL_PAUSE_S", 0.05)
    add(store, "kate", "a")

    def room(pages: int) -> None:
        writer.between(
            lambda driver: driver.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        ).result(10)

    room(1)
    with pytest.raises(StorageFullError, match=r"is full. Nothing was written, reading goes on"):
        add(store, "kate", row("big", "x" * 1_000_000))
    assert store.status().full
    assert ids(current(store)) == ["a"]
    monkeypatch.setattr(writer_module, "FULL_PAUSE_S", 60.0)
    time.sleep(0.06)
    with pytest.raises(StorageFullError):
        add(store, "kate", row("big", "x" * 1_000_000))
    room(2**30)
    with pytest.raises(StorageFullError, match="was full a moment ago"):
        add(store, "kate", "b")
    writer._full_until = 0.0  # the pause is over
    assert ids(add(store, "kate", "b")) == ["b"]
    assert not store.status().full


def test_the_wal_is_put_into_the_file_when_it_is_large(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, "kate", row("a", "x" * 200_000))
    assert wal_bytes(store.path) > 200_000
    monkeypatch.setattr(writer_module, "CHECKPOINT_BYTES", 100_000)
    store._writer._checkpoint_at = 100_000
    add(store, "kate", "b")
    assert wal_bytes(store.path) == 0


def test_a_reader_that_stays_keeps_the_wal_and_is_not_waited_for_at_each_commit(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "CHECKPOINT_BYTES", 100_000)
    store._writer._checkpoint_at = 100_000
    add(store, "kate", "a")
    tried: list[bool] = []
    checkpoint = writer_module.checkpoint

    def note(driver: sqlite3.Connection) -> bool:
        tried.append(checkpoint(driver))
        return tried[-1]

    monkeypatch.setattr(writer_module, "checkpoint", note)
    with store.read("kate") as reading:
        workspaces.get(reading)
        add(store, "kate", row("b", "x" * 200_000))
        add(store, "kate", "c")
        assert tried == [False]
        assert workspaces.change_seq(reading) == 1
    add(store, "kate", row("d", "x" * 200_000))
    assert tried == [False, True]
    assert wal_bytes(store.path) == 0


def test_another_program_that_holds_the_file_is_named(
    store: SqliteStore, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.between(lambda driver: driver.execute("PRAGMA busy_timeout = 10").fetchall()).result(10)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError, match=r"another program holds .* locked"):
            add(store, "kate", "a")
        other.execute("ROLLBACK")
    assert ids(add(store, "kate", "a")) == ["a"]


def test_a_process_that_holds_the_write_lock_is_waited_for_so_long(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = WriteLock(store.path)
    monkeypatch.setattr(store_module, "PATIENCE_S", 0.05)
    with other.held(), pytest.raises(StoreBusyError, match=r"not come to this write within 0.05 s"):
        add(store, "kate", "a")
    other.close()
    monkeypatch.setattr(store_module, "PATIENCE_S", 60.0)
    assert ids(add(store, "kate", "b")) == ["b"]
    assert ids(current(store)) == ["b"]


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda store: add(store, "kate", "a"), id="write"),
        pytest.param(current, id="read"),
        pytest.param(lambda store: store.scrub(), id="scrub"),
        pytest.param(lambda store: store.status(), id="status"),
    ],
)
def test_a_closed_store_says_so(store: SqliteStore, use: Callable[[SqliteStore], object]) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreClosedError, match=r"was closed. Open it again"):
        use(store)


def test_what_is_queued_when_the_store_is_closed_is_still_done(store: SqliteStore) -> None:
    with held(store):
        futures = submit(store, "a", "b")
        closing_thread = threading.Thread(target=store.close)
        closing_thread.start()
    closing_thread.join(10)
    assert [len(future.result(10)) for future in futures] == [1, 1]
    with open_store(store.path) as again:
        assert ids(current(again)) == ["a", "b"]


def test_a_write_from_within_a_write_is_refused_instead_of_waiting_for_itself(
    store: SqliteStore,
) -> None:
    with pytest.raises(StoreError, match="a write asks for another write"):
        store.write("kate", lambda _: add(store, "kate", "a"))


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        pytest.param("journal_mode", "wal", id="wal"),
        pytest.param("synchronous", 2, id="synchronous-full"),
        pytest.param("foreign_keys", 1, id="foreign-keys"),
        pytest.param("secure_delete", 1, id="secure-delete"),
        pytest.param("wal_autocheckpoint", 0, id="no-checkpoint-of-its-own"),
        pytest.param("auto_vacuum", 2, id="incremental-vacuum"),
        pytest.param("busy_timeout", 10_000, id="busy-timeout"),
    ],
)
def test_every_connection_is_set_up_alike(store: SqliteStore, pragma: str, value: object) -> None:
    def ask(connection: Connection) -> object:
        return connection.execute(text(f"PRAGMA {pragma}")).scalar()

    assert store.write("kate", lambda writing: ask(writing.connection)) == value
    with store.read("kate") as reading:
        assert ask(reading.connection) == value


def test_a_reader_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(StoreError, match="cannot be opened for writing"), store.read("kate") as it:
        it.connection.execute(text("DELETE FROM workspace"))
