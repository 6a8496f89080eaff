"""The allocator and its files: settings that change, logs, statistics and exports."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from allocators import Clock, allocator_with, workspace
from fakes import CharCounter, line

from mba_integrations import (
    ConfigFileError,
    InputError,
    MemoryBudgetAllocator,
    MemoryItem,
    QueryComplexity,
)

# Settings files

FILE = "workspaces:\n  chat:\n    max_total_tokens: {tokens}\n"


def written(path: Path, text: str) -> None:
    """Replaced as editors do, so that the change is seen whatever the clock's resolution."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.yaml"
    written(path, FILE.format(tokens=1000))
    return path


def test_workspaces_of_a_file_are_registered(settings_file: Path) -> None:
    allocator = MemoryBudgetAllocator.from_yaml(settings_file, token_counter=CharCounter())
    assert allocator.workspace_ids == ("default", "chat")
    written(settings_file, FILE.format(tokens=500))
    assert allocator.workspace("chat").max_total_tokens == 1000


def test_a_changed_file_is_picked_up_by_the_next_call(settings_file: Path) -> None:
    allocator = MemoryBudgetAllocator.from_yaml(
        settings_file, reload=True, token_counter=CharCounter()
    )
    assert allocator.allocate_memory_budget("Who?", [], "chat").budget_tokens == 500
    written(settings_file, FILE.format(tokens=600) + "  code:\n    max_total_tokens: 800\n")
    assert allocator.allocate_memory_budget("Who?", [], "chat").budget_tokens == 300
    assert allocator.workspace_ids == ("default", "chat", "code")


def test_an_invalid_file_keeps_the_old_settings_and_says_so(settings_file: Path) -> None:
    allocator = MemoryBudgetAllocator.from_yaml(
        settings_file, reload=True, token_counter=CharCounter()
    )
    written(settings_file, FILE.format(tokens=-5))
    allocation = allocator.allocate_memory_budget("Who?", [line("a", 20)], "chat")
    assert allocation.budget_tokens == 500
    (note,) = allocation.notes
    assert "settings.yaml:3" in note
    assert "-5" in note
    written(settings_file, FILE.format(tokens=800))
    mended = allocator.allocate_memory_budget("Who?", [], "chat")
    assert (mended.budget_tokens, mended.notes) == (400, ())


def test_a_file_that_vanishes_keeps_the_old_settings(settings_file: Path) -> None:
    allocator = MemoryBudgetAllocator.from_yaml(settings_file, reload=True)
    settings_file.unlink()
    assert allocator.workspace("chat").max_total_tokens == 1000
    with pytest.raises(ConfigFileError):
        MemoryBudgetAllocator.from_yaml(settings_file, reload=True)


def test_a_registered_workspace_hides_the_one_of_the_watched_file(settings_file: Path) -> None:
    allocator = MemoryBudgetAllocator.from_yaml(settings_file, reload=True)
    allocator.register_workspace(workspace("chat", max_total_tokens=77))
    written(settings_file, FILE.format(tokens=600))
    assert allocator.workspace("chat").max_total_tokens == 77


# Log, statistics, export


def test_statistics_count_the_calls_of_a_workspace_within_the_window() -> None:
    clock = Clock()
    allocator = allocator_with(workspace(), workspace("other"), clock=clock)
    allocator.allocate_memory_budget("Who?", [line("a", 20)], "w", 100)
    clock.now += timedelta(hours=30)
    allocator.allocate_memory_budget("Who?", [line("a", 20), line("b", 500)], "w", 50)
    allocator.allocate_memory_budget("Who?", [], "other", 10)
    late = allocator.get_allocation_statistics("w", time_window_hours=24)
    assert late.allocation_count == 1
    assert late.omission_counts == {"too_large": 1}
    assert late.complexity_counts[QueryComplexity.SIMPLE] == 1
    assert late.mean_utilisation == pytest.approx((20 + len("## Documents\n")) / 50)
    assert late.latency_ms_p50 is not None
    assert allocator.get_allocation_statistics("w").allocation_count == 2
    assert allocator.get_allocation_statistics().allocation_count == 3
    with pytest.raises(InputError, match="time_window_hours"):
        allocator.get_allocation_statistics("w", time_window_hours=0)


def test_a_disabled_log_records_nothing() -> None:
    allocator = allocator_with(workspace(logging={"enabled": False}))
    allocator.allocate_memory_budget("Who?", [line("a", 20)], "w", 100)
    assert allocator.get_allocation_statistics("w").allocation_count == 0


def test_the_log_is_exported_as_versioned_json_without_texts(tmp_path: Path) -> None:
    allocator = allocator_with(workspace())
    allocator.allocate_memory_budget("a private query", [MemoryItem("a", "secret", "rag")], "w", 99)
    path = tmp_path / "log.json"
    allocator.export_allocation_log(path)
    text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    assert document["schema_version"] == 1
    assert [record["workspace_id"] for record in document["records"]] == ["w"]
    assert "secret" not in text
    assert "private" not in text


def test_texts_are_recorded_where_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    allocator = allocator_with(workspace(logging={"path": str(path), "include_text": True}))
    allocator.allocate_memory_budget("a query", [MemoryItem("a", "a \ud800", "rag")], "w", 99)
    (record,) = [json.loads(entry) for entry in path.read_text(encoding="utf-8").splitlines()]
    assert (record["query"], record["texts"]) == ("a query", ["a \ud800"])


def test_an_export_that_fails_leaves_the_old_file_whole(tmp_path: Path) -> None:
    allocator = allocator_with()
    with pytest.raises(InputError, match="cannot be exported to"):
        allocator.export_allocation_log(tmp_path / "none" / "log.json")
