"""A saved pool is whole at every moment: through errors, kills, and other processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mba_integrations.core.errors import PoolError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool import generations
from mba_integrations.core.pool.generations import Manifest, read_generation, write_generation
from mba_integrations.core.pool.memory_pool import MemoryPool

SAVER = """
import sys
from mba_integrations import MemoryItem, MemoryPool
start, path = int(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
for save in range(start, start + int(sys.argv[3])):
    MemoryPool.from_items(
        MemoryItem(f"m{row}", f"save {save}", "rag", embedding=[float(save), float(row)])
        for row in range(40)
    ).save(path)
"""


def saver(folder: Path, start: int, saves: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", SAVER, str(start), str(folder), str(saves)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as output:
        assert output.readline() == "ready\n"
    return process


def save_of(folder: Path) -> int:
    """The number of the save that the folder holds; items and vectors are of that one."""
    items = MemoryPool.load(folder).items
    save = int(items[0].content.removeprefix("save "))
    assert len(items) == 40
    for row, item in enumerate(items):
        assert item.content == f"save {save}"
        assert item.embedding is not None
        assert item.embedding.tolist() == [save, row]
    return save


def write_text(folder: Path, text: str) -> None:
    def fill(fresh: Path) -> Manifest:
        (fresh / "a.txt").write_text(text)
        return {"note": text}

    write_generation(folder, fill)


def read_text(folder: Path) -> str:
    def load(kept: Path, manifest: Manifest) -> str:
        text = (kept / "a.txt").read_text()
        assert manifest["note"] == text
        return text

    return read_generation(folder, load)


def test_a_killed_saver_leaves_one_whole_pool(tmp_path: Path) -> None:
    folder, random = tmp_path / "pool", np.random.default_rng(5)
    saver(folder, 0, 1).wait()
    for start in range(1000, 8000, 1000):
        process = saver(folder, start, 1000)
        time.sleep(float(random.uniform(0.0, 0.06)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        save_of(folder)
    saver(folder, 99, 1).wait()
    assert save_of(folder) == 99
    assert len(list((folder / "generations").iterdir())) == 2
    assert not (folder / "pool.json.new").exists()


def test_two_processes_that_save_do_not_disturb_one_that_loads(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    saver(folder, 0, 1).wait()
    savers = [saver(folder, start, 40) for start in (1000, 2000)]
    seen = set()
    while any(process.poll() is None for process in savers):
        seen.add(save_of(folder))
    assert [process.returncode for process in savers] == [0, 0]
    assert save_of(folder) in (1039, 2039)
    assert len(seen) > 2


def test_a_pool_that_was_loaded_is_read_on_while_others_save(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    saver(folder, 7, 1).wait()
    items = MemoryPool.load(folder).items
    saver(folder, 8, 5).wait()
    vectors = [item.embedding for item in items]
    assert [None if v is None else v.tolist() for v in vectors] == [[7, row] for row in range(40)]


@pytest.mark.parametrize("step", ["_sync", "_switch", "check_sum"])
@pytest.mark.parametrize(
    "problem", [OSError("disk full"), KeyboardInterrupt()], ids=["error", "^C"]
)
def test_an_error_at_any_step_leaves_the_content_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, problem: BaseException
) -> None:
    write_text(tmp_path / "pool", "first")

    def fails(*arguments: Any) -> None:
        raise problem

    with monkeypatch.context() as patched:
        patched.setattr(generations, step, fails)
        with pytest.raises(type(problem)):
            write_text(tmp_path / "pool", "second")
    assert read_text(tmp_path / "pool") == "first"
    write_text(tmp_path / "pool", "third")
    assert read_text(tmp_path / "pool") == "third"
    assert len(list((tmp_path / "pool" / "generations").iterdir())) == 2


def test_the_generation_before_stays_for_readers_and_older_ones_go(tmp_path: Path) -> None:
    for number in range(5):
        write_text(tmp_path / "pool", f"text {number}")
    kept = sorted(path.name[:2] for path in (tmp_path / "pool" / "generations").iterdir())
    assert kept == ["4-", "5-"]


def test_a_reader_whose_generation_is_gone_reads_the_manifest_again(tmp_path: Path) -> None:
    write_text(tmp_path / "pool", "text 0")
    overtaken: list[str] = []

    def load(kept: Path, manifest: Manifest) -> str:
        overtaken.append(manifest["note"])
        if len(overtaken) == 1:
            write_text(tmp_path / "pool", "text 1")
            write_text(tmp_path / "pool", "text 2")
        return (kept / "a.txt").read_text()

    assert read_generation(tmp_path / "pool", load) == "text 2"
    assert overtaken == ["text 0", "text 2"]


def test_threads_that_save_wait_for_each_other(tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=write_text, args=(tmp_path / "pool", f"text {number}"))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_text(tmp_path / "pool") in {f"text {number}" for number in range(8)}
    latest = max(path.name for path in (tmp_path / "pool" / "generations").iterdir())
    assert latest.startswith("8-")


@pytest.mark.parametrize(
    "manifest",
    [None, "{}", '{"format": "of somebody else", "schema_version": 1}', "no json"],
    ids=["none", "empty", "foreign", "no-json"],
)
def test_a_folder_that_is_no_pool_is_refused_and_left_as_it_is(
    tmp_path: Path, manifest: str | None
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_text("x")
    if manifest is not None:
        (folder / "pool.json").write_text(manifest)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    with pytest.raises(PoolError, match=r"photos exists and is not a saved pool. Choose another"):
        write_text(folder, "text")
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_what_somebody_else_put_into_a_pool_folder_stays(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    write_text(folder, "first")
    mine = [folder / "notes.txt", folder / "generations" / "mine", folder / "tokens-0.npy"]
    for path in mine:
        path.write_text("mine")
    for number in range(3):
        write_text(folder, f"text {number}")
    assert [path.read_text() for path in mine] == ["mine"] * 3


def test_a_folder_behind_a_symbolic_link_is_written_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "pool"
    link.symlink_to(tmp_path / "disk", target_is_directory=True)
    write_text(link, "first")
    write_text(link, "second")
    assert link.is_symlink()
    assert read_text(link) == read_text(tmp_path / "disk") == "second"


def test_generations_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "pool", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "generations").symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(PoolError, match="generations is a symbolic link"):
        write_text(folder, "text")
    assert list(elsewhere.iterdir()) == []


def test_a_pool_can_be_read_by_whom_the_folder_lets_in(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        MemoryPool.from_items([MemoryItem("a", "text", "rag")]).save(tmp_path / "pool")
    finally:
        os.umask(before)
    for path in (tmp_path / "pool").rglob("*"):
        assert path.stat().st_mode & 0o044 == 0o044
