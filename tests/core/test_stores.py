"""Stores that an allocator is given: two allocators that share one continue each other's work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from allocators import Clock, allocator_with, ids, lettered, workspace
from fakes import CharCounter, line
from sqlite_store import SqliteStore

from mba_integrations import (
    InputError,
    LoggingSettings,
    LogMemory,
    MemoryBudgetAllocator,
    MemoryItem,
    SessionMemory,
    UnknownWorkspaceError,
    WorkspaceConfig,
    WorkspaceMemory,
)
from mba_integrations.core.log.records import LogRecord


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


def worker(path: Path) -> MemoryBudgetAllocator:
    """An allocator as each of several processes has one: a store of its own over the same file."""
    store = SqliteStore(path)
    return MemoryBudgetAllocator(
        CharCounter(), clock=Clock(), sessions=store, logs=store, workspaces=store
    )


def items(**relevance: float) -> list[MemoryItem]:
    return [line(name, 10, relevance=value) for name, value in relevance.items()]


def test_two_allocators_continue_each_others_prompts(path: Path) -> None:
    one, two = worker(path), worker(path)
    one.register_workspace(lettered())
    first = one.session("s").allocate_memory_budget("?", items(a=0.9, b=0.8), "w", 100)
    second = two.session("s").allocate_memory_budget("?", items(b=0.9, a=0.8, c=0.95), "w", 100)
    third = one.session("s").allocate_memory_budget("?", items(c=0.1, b=0.9, a=0.2), "w", 100)
    assert [ids(first), ids(second), ids(third)] == [["a", "b"], ["a", "b", "c"], ["a", "b", "c"]]
    assert second.prompt_text.startswith(first.prompt_text)
    assert two.session("s").previous("w") == third.as_previous


def test_a_session_that_one_allocator_forgets_is_new_for_the_other(path: Path) -> None:
    one, two = worker(path), worker(path)
    one.register_workspace(lettered())
    one.session("s").allocate_memory_budget("?", items(a=0.9, b=0.8), "w", 100)
    two.session("s").forget()
    assert one.session("s").previous("w") is None
    again = one.session("s").allocate_memory_budget("?", items(a=0.1, b=0.8), "w", 100)
    assert ids(again) == ["b", "a"]


def test_a_shared_store_gives_what_one_allocator_gives(path: Path) -> None:
    turns = [items(a=0.9, b=0.8), items(b=0.9, a=0.8, c=0.95), items(c=0.1, b=0.9, d=0.2)]
    alone = allocator_with(lettered())
    workers = [worker(path), worker(path)]
    workers[0].register_workspace(lettered())
    for number, memories in enumerate(turns):
        expected = alone.session("s").allocate_memory_budget("?", memories, "w", 40)
        found = workers[number % 2].session("s").allocate_memory_budget("?", memories, "w", 40)
        assert found.prompt_text == expected.prompt_text


def test_two_allocators_see_each_others_workspaces(path: Path) -> None:
    one, two = worker(path), worker(path)
    one.register_workspace(workspace("notes", max_total_tokens=77))
    assert two.workspace("notes").max_total_tokens == 77
    two.register_workspace(workspace("notes", max_total_tokens=88))
    assert one.workspace("notes").max_total_tokens == 88
    assert one.workspace_ids == two.workspace_ids == ("default", "notes")
    with pytest.raises(UnknownWorkspaceError, match="known are: default, notes"):
        two.workspace("code")


def test_two_allocators_see_each_others_records(path: Path, tmp_path: Path) -> None:
    one, two = worker(path), worker(path)
    for allocator, count in ((one, 1), (two, 2)):
        for _ in range(count):
            allocator.allocate_memory_budget("Who?", [line("a", 20)], budget_tokens=100)
    assert one.get_allocation_statistics().allocation_count == 3
    one.export_allocation_log(tmp_path / "one.json")
    two.export_allocation_log(tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_the_stores_in_memory_can_be_shared_too() -> None:
    shared = {
        "sessions": SessionMemory(Clock()),
        "logs": LogMemory(),
        "workspaces": WorkspaceMemory(),
    }
    one, two = allocator_with(lettered(), **shared), allocator_with(**shared)
    one.session("s").allocate_memory_budget("?", items(a=0.9, b=0.8), "w", 100)
    assert ids(two.session("s").allocate_memory_budget("?", items(b=0.9, a=0.8), "w", 100)) == [
        "a",
        "b",
    ]
    assert two.get_allocation_statistics("w").allocation_count == 2


def test_a_workspace_of_the_store_is_used_in_place_of_the_default(path: Path) -> None:
    store = SqliteStore(path)
    store.register(WorkspaceConfig(workspace_id="default", max_total_tokens=50))
    allocator = worker(path)
    assert allocator.workspace("default").max_total_tokens == 50
    assert allocator.workspace_ids == ("default",)


def test_a_file_is_registered_in_the_store_that_is_given(path: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("workspaces:\n  chat:\n    max_total_tokens: 1000\n")
    MemoryBudgetAllocator.from_yaml(settings, workspaces=SqliteStore(path))
    assert worker(path).workspace("chat").max_total_tokens == 1000


class FullDisk(LogMemory):
    def record(self, record: LogRecord, settings: LoggingSettings, /) -> str | None:
        self.asked = record
        return "the disk is full; the record is lost"


def test_the_note_of_a_log_store_reaches_the_caller() -> None:
    allocator = allocator_with(workspace(), logs=FullDisk())
    allocation = allocator.allocate_memory_budget("Who?", [line("a", 20)], "w", 100)
    assert allocation.notes == ("the disk is full; the record is lost",)


def test_a_log_store_sees_no_texts_unless_they_are_logged() -> None:
    store = FullDisk()
    quiet = workspace("quiet")
    open_ = workspace("open", logging={"include_text": True})
    allocator = allocator_with(quiet, open_, logs=store)
    allocator.allocate_memory_budget("private", [line("a", 20)], "quiet", 100)
    assert "query" not in store.asked.to_dict()
    allocator.allocate_memory_budget("private", [line("a", 20)], "open", 100)
    assert store.asked.to_dict()["query"] == "private"


def test_a_log_store_is_not_asked_where_logging_is_off() -> None:
    store = FullDisk()
    allocator = allocator_with(workspace(logging={"enabled": False}), logs=store)
    allocator.allocate_memory_budget("Who?", [line("a", 20)], "w", 100)
    assert not hasattr(store, "asked")


@pytest.mark.parametrize(
    "workspace_id", [5, None, ["w"], {}], ids=["number", "none", "list", "map"]
)
def test_a_workspace_id_that_is_no_text_is_refused(workspace_id: Any) -> None:
    with pytest.raises(InputError, match="workspace_id must be a text, got"):
        allocator_with(workspace()).workspace(workspace_id)
