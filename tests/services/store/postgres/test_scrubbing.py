"""What is erased leaves no bytes in the files of a Postgres server, but for its write-ahead log."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from store_rows import add, row

from mba_integrations.services.store.erasure import erasing
from mba_integrations.services.store.postgres import scrubbing
from mba_integrations.services.store.statements import memories
from mba_integrations.services.store.store import Store

CANARY = f"zqx-canary-{uuid4().hex}"
"""Other processes test the same in databases of the same server."""
TEXT = f"Kate's secret is {CANARY}."


@pytest.fixture
def where(empty_postgres: str) -> str:
    return empty_postgres


def files_with(url: str, said: bytes) -> list[str]:
    """Files of the server's data directory that hold these bytes, but for the write-ahead log."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        [folder] = connection.execute("SHOW data_directory").fetchone() or [""]
    if not os.access(folder, os.R_OK):
        pytest.skip("the server's files cannot be read from here")
    files = [one for one in Path(folder).rglob("*") if one.is_file() and "pg_wal" not in one.parts]
    return [str(one) for one in files if said in _bytes_of(one)]


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:  # dropped since, with a table of another database
        return b""


@pytest.fixture
def erased(store: Store, where: str) -> str:
    """The URL of a database in which a text was erased; its statistics hold values of it."""
    add(store, "kate", "other")
    store.write("kate", lambda writing: memories.add(writing, [row("m", TEXT, subject=CANARY)]))
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("ANALYZE memory")
    store.write("kate", lambda writing: erasing.erase(writing, "e", "subject", [CANARY]))
    return where


def test_no_bytes_of_what_was_erased_stay_in_the_files(store: Store, erased: str) -> None:
    assert files_with(erased, CANARY.encode())
    for _ in range(3):  # the server's own vacuum may be looking at the rows
        said = store.scrub("kate")
        left = files_with(erased, CANARY.encode())
        if not left:
            break
    assert left == []
    assert said.startswith("Written anew, with no bytes left: ")
    assert "memory_" in said
    assert "write-ahead log" in said


def test_what_is_large_is_vacuumed_and_the_receipt_says_so(
    store: Store, erased: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrubbing, "MOST_FULL_BYTES", -1)
    assert store.scrub("kate").startswith("Vacuumed, with bytes left until their pages")


def test_a_table_in_use_is_not_waited_for(
    store: Store, erased: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrubbing, "_LOCK_TIMEOUT_MS", 20)
    with psycopg.connect(erased) as reader:
        reader.execute("SELECT count(*) FROM answer")
        said = store.scrub("kate")
    assert "Vacuumed, with bytes left until their pages are used again: answer." in said
