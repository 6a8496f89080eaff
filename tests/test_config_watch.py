"""A watched settings file: changed, broken, gone, and valid again."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from mba_integrations import ConfigFileError, MemoryBudgetAllocator, MemoryItem
from mba_integrations.core.config_watch import WatchedConfigFile


def write(path: Path, tokens: int | str) -> None:
    """A file with one workspace, written so that its time differs from that of the one before."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(f"workspaces: {{notes: {{max_total_tokens: {tokens}}}}}\n", encoding="utf-8")
    os.utime(path, ns=(before + 1_000_000_000, before + 1_000_000_000))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "settings.yaml"
    write(path, 100)
    return path


def ceiling(file: WatchedConfigFile) -> int:
    return file.current()["notes"].max_total_tokens


def test_change_is_seen_by_the_next_look(path: Path) -> None:
    file = WatchedConfigFile(path)
    assert ceiling(file) == 100
    write(path, 200)
    assert ceiling(file) == 200
    assert file.problem is None


def test_change_of_equal_size_is_seen(path: Path) -> None:
    file = WatchedConfigFile(path)
    size = path.stat().st_size
    assert ceiling(file) == 100
    write(path, 900)
    assert path.stat().st_size == size
    assert ceiling(file) == 900


def test_replaced_file_is_seen_although_time_and_size_are_the_same(path: Path) -> None:
    file = WatchedConfigFile(path)
    assert ceiling(file) == 100
    other = path.with_name("other.yaml")
    write(other, 900)
    old = path.stat()
    os.utime(other, ns=(old.st_atime_ns, old.st_mtime_ns))
    os.replace(other, path)
    assert ceiling(file) == 900


def test_unchanged_file_is_not_read_again(path: Path) -> None:
    file = WatchedConfigFile(path)
    assert file.current() is file.current()


def test_first_look_at_an_invalid_file_fails(path: Path) -> None:
    write(path, 0)
    with pytest.raises(ConfigFileError, match="must be at least 1, got 0"):
        WatchedConfigFile(path).current()


def test_first_look_at_a_missing_file_fails(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"nowhere\.yaml"):
        WatchedConfigFile(tmp_path / "nowhere.yaml").current()


def test_file_can_be_made_valid_after_a_first_look_that_failed(path: Path) -> None:
    write(path, 0)
    file = WatchedConfigFile(path)
    with pytest.raises(ConfigFileError):
        file.current()
    write(path, 300)
    assert ceiling(file) == 300


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("workspaces: {notes: {max_total_tokens: 0}}", id="value-out-of-range"),
        pytest.param("workspaces: [", id="no-yaml"),
        pytest.param("", id="empty"),
        pytest.param("\x00", id="binary"),
        pytest.param(None, id="gone"),
    ],
)
def test_file_that_breaks_keeps_the_settings_until_it_is_valid(
    path: Path, content: str | None
) -> None:
    file = WatchedConfigFile(path)
    assert ceiling(file) == 100
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    assert ceiling(file) == 100
    assert file.problem is not None
    assert str(path) in file.problem
    assert len(file.problem.splitlines()) == 1
    write(path, 400)
    assert ceiling(file) == 400
    assert file.problem is None


def test_settings_of_a_file_cannot_be_changed(path: Path) -> None:
    current = WatchedConfigFile(path).current()
    with pytest.raises(TypeError):
        current["notes"] = None  # type: ignore[index]


def test_threads_see_whole_states(path: Path) -> None:
    file = WatchedConfigFile(path)
    file.current()
    seen: set[int] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add(ceiling(file))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for tokens in range(101, 121):
        other = path.with_name("next.yaml")
        write(other, tokens)
        os.replace(other, path)
    stop.set()
    for thread in threads:
        thread.join()
    assert ceiling(file) == 120
    assert seen <= set(range(100, 121))


def test_allocator_picks_up_a_change_and_notes_a_broken_file(path: Path) -> None:
    memories = [MemoryItem("a", "Kate likes skiing.", "project")]
    allocator = MemoryBudgetAllocator.from_yaml(
        path, reload=True, token_counter=lambda text: len(text.split())
    )
    write(path, 200)
    assert allocator.workspace("notes").max_total_tokens == 200
    write(path, "many")
    allocation = allocator.allocate_memory_budget("Kate?", memories, "notes")
    assert allocator.workspace("notes").max_total_tokens == 200
    assert any("must be an integer, got 'many'" in note for note in allocation.notes)
