"""Files that other processes read become what this process would make of them, or are read here."""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ingest_files as files
from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.services.rag import reading_pool, reading_process
from mba_integrations.services.rag.files import FileToRead
from mba_integrations.services.rag.reading_pool import ReadingPool
from mba_integrations.services.rag.reading_process import Work
from mba_integrations.services.rag.service import RagService
from mba_integrations.services.store.owned import select_owned
from mba_integrations.services.store.tables.documents import document
from mba_integrations.services.store.tables.memories import memory, memory_change

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of several formats; some are refused, one has a piece twice, one no text."""
    made = tmp_path / "wiki"
    made.mkdir()
    texts = {
        "leave.md": "# Leave\n\nBen approves leave.\n\n# Größe\n\n| a | b |\n|---|---|\n| 1 | ü |",
        "again.md": "# A\n\nThe same.\n\n# A\n\nThe same.\n",
        "tax.py": "def tax(sum):\n    return sum // 5\n",
        "empty.txt": "\n",
        "wide.csv": "name,age\nKate,7\n",
    }
    for name, text in texts.items():
        (made / name).write_text(text, encoding="utf-8")
    (made / "binary.txt").write_bytes(bytes(range(256)) * 40)
    (made / "encrypted.pdf").write_bytes(files.encrypted_pdf())
    for number in range(6):
        (made / f"{number}.md").write_text(f"# Note {number}\n\nIt is about {number}.\n")
    for place, path in enumerate(sorted(made.iterdir())):
        os.utime(path, (1_700_000_000 + place, 1_700_000_000 + place))
    return made


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few files are enough for one other process, which gets two of them at a time."""
    monkeypatch.setattr(reading_pool, "may_read_apart", lambda count: True)
    monkeypatch.setattr("mba_integrations.services.rag.folders.may_read_apart", lambda count: True)
    monkeypatch.setattr(reading_pool, "_PROCESSES", 1)
    monkeypatch.setattr(reading_pool, "_PORTION_FILES", 2)
    monkeypatch.setattr(reading_pool, "_UNDER_WAY", 2)


def all_rows(rag: RagService, workspace_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that a sync writes, but for the workspace and the moment of the write."""
    with rag.memory.equipment.read(workspace_id) as reading:
        return {
            table.name: [
                tuple(row)
                for row in reading.execute(
                    select_owned(
                        table,
                        *(one for one in table.c if one.name not in _OF_THE_WRITE),
                    ).order_by(*table.primary_key)
                )
            ]
            for table in (document, memory, memory_change)
        }


_OF_THE_WRITE = {"workspace_id", "stored_at", "replaced_at", "tier_since", "at"}


def test_what_is_stored_is_row_by_row_what_this_process_would_store(
    rag: RagService, folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    rag.memory.create_workspace("omega")
    told: list[tuple[int, int]] = []
    here = rag.sync_folder("kate", folder)
    request.getfixturevalue("apart")
    monkeypatch.setattr(reading_pool, "answered", None)  # this process reads nothing
    there = rag.sync_folder("omega", folder, progress=lambda *of: told.append(of))
    assert all_rows(rag, "omega") == all_rows(rag, "kate")
    assert len(all_rows(rag, "kate")["memory"]) == here.added_pieces > 10
    assert (there.refused, there.created) == (here.refused, here.created)
    assert len(here.refused) == 3
    assert told[-1] == (13, 13)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("pass", id="ends-at-once"),
        pytest.param("import sys; sys.stdin.buffer.read(1)", id="ends-in-the-middle"),
        pytest.param("print('no pickle', flush=True); input()", id="says-something-else"),
    ],
)
def test_files_of_a_process_that_ends_are_read_here(
    rag: RagService, folder: Path, apart: None, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_pool, "started_module", lambda name: started(code))
    reply = rag.sync_folder("kate", folder)
    assert (reply.created, len(reply.refused)) == (10, 3)
    assert rag.count("kate") == 10


def test_files_are_read_here_where_no_process_can_be_started(
    rag: RagService, folder: Path, apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(name: str) -> subprocess.Popen[bytes]:
        raise OSError("no room")

    monkeypatch.setattr(reading_pool, "started_module", refused)
    assert rag.sync_folder("kate", folder).created == 10


def test_processes_end_with_the_pool_and_nobody_waits_for_their_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = started("import time; time.sleep(60)")
    monkeypatch.setattr(reading_pool, "started_module", lambda name: process)
    with DocumentReader() as reader, ReadingPool(reader, Work(now=NOW, limits=None)) as pool:
        pool._free.put(pool._start())
        waiting = pool._threads.submit(pool._asked, [to_read(folder, "leave.md")])
    assert waiting.result() is None
    assert process.returncode == -signal.SIGKILL


def test_few_files_are_read_here(
    rag: RagService, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_pool, "started_module", None)
    assert rag.sync_folder("kate", folder).created == 10


@pytest.mark.parametrize(
    ("count", "cores", "expected"),
    [
        pytest.param(reading_pool.FROM_FILES, 2, True, id="many-files"),
        pytest.param(reading_pool.FROM_FILES - 1, 2, False, id="one-file-too-few"),
        pytest.param(reading_pool.FROM_FILES, 1, False, id="one-core"),
    ],
)
def test_processes_are_for_many_files_and_more_than_one_core(
    count: int, cores: int, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda of: range(cores), raising=False)
    assert reading_pool.may_read_apart(count) is expected


def test_a_portion_is_of_some_small_files_or_a_large_one(folder: Path) -> None:
    sizes = [10] * 60 + [900_000, 200_000, 5_000_000, 10]
    given = [to_read(folder, f"{place}.md", size=size) for place, size in enumerate(sizes)]
    portions = list(reading_pool._portions(given))
    assert [one for portion in portions for one in portion] == given
    assert [len(portion) for portion in portions] == [50, 11, 1, 1, 1]


def test_at_most_a_few_portions_are_under_way(
    folder: Path, apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(ReadingPool, "_start", lambda pool: None)
    monkeypatch.setattr(ReadingPool, "_asked", lambda pool, portion: asked.append(len(portion)))
    with DocumentReader() as reader, ReadingPool(reader, Work(now=NOW, limits=None)) as pool:
        reading = pool.read([to_read(folder, f"{place % 6}.md") for place in range(100)])
        for _ in range(10):
            next(reading)
        pool._threads.shutdown(wait=True)
    assert len(asked) <= 5 + reading_pool._UNDER_WAY


def test_the_process_answers_until_its_input_ends(folder: Path) -> None:
    said = [Work(now=NOW, limits=None), [to_read(folder, "leave.md")], [to_read(folder, "no.md")]]
    out = io.BytesIO()
    reading_process.serve(io.BytesIO(b"".join(map(pickle.dumps, said))), out)
    out.seek(0)
    (cut,), (refused,) = pickle.load(out), pickle.load(out)
    assert (cut.row.title, cut.given, len(cut.pieces)) == ("Leave", None, 2)
    assert "cannot be read" in refused.reason


def to_read(folder: Path, name: str, *, size: int = 10) -> FileToRead:
    return FileToRead(
        root=str(folder), path=name, document_id=f"wiki/{name}", size=size, modified=NOW
    )


def started(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
