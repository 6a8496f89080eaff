"""What is data can be pickled and copied; what is live says why not, and what to do."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from allocators import NOW
from fakes import CharCounter, line

import mba_integrations
from mba_integrations import (
    Allocation,
    InputError,
    JoinedTexts,
    LifecycleRecommendation,
    LifecycleReview,
    LoggingSettings,
    LogMemory,
    MemoryBudgetAllocator,
    MemoryBudgetConfigLoader,
    MemoryBudgetError,
    MovesRecord,
    PerformanceSettings,
    RenderingSettings,
    SessionMemory,
    WorkspaceConfig,
    WorkspaceMemory,
)
from mba_integrations.core.calls.logs import record_of
from mba_integrations.core.config.watched_file import WatchedConfigFile
from mba_integrations.core.search.cached_embedder import CachedEmbedder

COPIES = {
    "pickled": lambda thing: pickle.loads(pickle.dumps(thing)),
    "deep-copied": copy.deepcopy,
    "copied": copy.copy,
}
MOVE = LifecycleRecommendation(
    item_id="a", from_tier="working", to_tier="project", action="promote", standing=0.9, why="used"
)


def allocation() -> Allocation:
    items = [line("a", 20), line("b", 9000)]
    return MemoryBudgetAllocator(CharCounter()).allocate_memory_budget(
        "?", items, budget_tokens=100, now=NOW
    )


DATA: dict[str, Callable[[], Any]] = {
    "Allocation": allocation,
    "AllocationRecord": lambda: record_of(allocation(), NOW, include_text=True),
    "AllocationStatistics": lambda: MemoryBudgetAllocator(len).get_allocation_statistics(),
    "BudgetPoint": lambda: allocation().budget_curve([20])[0],
    "ComplexityEstimate": lambda: MemoryBudgetAllocator(len).estimate_query_complexity("why?"),
    "JoinedTexts": lambda: JoinedTexts(separator=", "),
    "LifecycleRecommendation": lambda: MOVE,
    "LifecycleReview": lambda: LifecycleReview(promotions=(MOVE,), staying=2),
    "LoggingSettings": LoggingSettings,
    "MemoryBudgetConfigLoader": lambda: MemoryBudgetConfigLoader,
    "MemoryItem": lambda: line("a", 20, embedding=[1.0, 2.0], metadata={"role": "user"}),
    "MovesRecord": lambda: MovesRecord(
        timestamp=NOW.isoformat(), workspace_id="w", promoted=1, demoted=0
    ),
    "Omitted": lambda: allocation().omitted[0],
    "PerformanceSettings": PerformanceSettings,
    "PreviousPrompt": lambda: allocation().as_previous,
    "RenderingSettings": RenderingSettings,
    "Selected": lambda: allocation().selected[0],
    "TierAllocation": lambda: next(iter(allocation().tiers.values())),
    "WorkspaceConfig": lambda: WorkspaceConfig(workspace_id="w", min_score=0.2),
}
LIVE: dict[str, Callable[[], Any]] = {
    "AllocationSession": lambda: MemoryBudgetAllocator(len).session("s"),
    "LogMemory": LogMemory,
    "MemoryBudgetAllocator": lambda: MemoryBudgetAllocator(len),
    "SessionMemory": SessionMemory,
}
ELSEWHERE = {
    "Candidate": "base of Selected and Omitted",
    "MemoryPool": "tests/core/pool",
    "WorkspaceMemory": "compared by what it finds, below",
}


def test_every_public_class_is_data_or_live_or_is_looked_at_elsewhere() -> None:
    public = {
        name
        for name in mba_integrations.__all__
        if isinstance(kind := getattr(mba_integrations, name), type)
        and not issubclass(kind, (Enum, MemoryBudgetError))  # by name; tests/core/test_errors.py
        and not getattr(kind, "_is_protocol", False)
    }
    assert public == {*DATA, *LIVE, *ELSEWHERE}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("name", DATA)
def test_what_is_data_is_equal_after_a_copy(name: str, way: str) -> None:
    thing = DATA[name]()
    other = COPIES[way](thing)
    assert other == thing
    assert type(other) is type(thing)


@pytest.mark.parametrize("way", ["pickled", "deep-copied"])
@pytest.mark.parametrize("name", LIVE)
def test_what_is_live_says_why_not_and_what_to_do(name: str, way: str) -> None:
    with pytest.raises(InputError, match=rf"^this {name} cannot be pickled or copied: .*\. [A-Z]"):
        COPIES[way](LIVE[name]())


@pytest.mark.parametrize("name", LIVE)
def test_a_shallow_copy_of_what_is_live_is_itself(name: str) -> None:
    handle = LIVE[name]()
    assert copy.copy(handle) is handle


def test_an_allocator_inside_of_data_names_itself() -> None:
    with pytest.raises(InputError, match="MemoryBudgetAllocator cannot be pickled"):
        copy.deepcopy({"budget": [MemoryBudgetAllocator(len)]})


@pytest.mark.parametrize("way", COPIES)
def test_registered_workspaces_go_along_and_go_apart(way: str) -> None:
    memory = WorkspaceMemory()
    memory.register(WorkspaceConfig(workspace_id="w", min_score=0.2))
    other = COPIES[way](memory)
    assert other.find("w") == memory.find("w")
    other.register(WorkspaceConfig(workspace_id="x"))
    assert (memory.ids(), other.ids()) == (("w",), ("w", "x"))


@pytest.mark.parametrize("way", COPIES)
def test_a_copied_embedder_makes_its_vectors_again(way: str) -> None:
    embedder = CachedEmbedder(ones, max_entries=7)
    embedder(["a"])
    other = COPIES[way](embedder)
    assert (embedder.missing(["a"]), other.missing(["a"])) == ([], ["a"])
    assert np.array_equal(other(["a"]), embedder(["a"]))


def ones(texts: list[str]) -> Any:
    return np.ones((len(texts), 2))


@pytest.mark.parametrize("way", COPIES)
def test_a_copied_watched_file_looks_again(way: str, tmp_path: Path) -> None:
    path = tmp_path / "budget.yaml"
    path.write_text("workspaces:\n  w:\n    description: one\n", encoding="utf-8")
    watched = WatchedConfigFile(path)
    before = watched.current()
    other = COPIES[way](watched)
    path.write_text("workspaces:\n  w:\n    description: two\n", encoding="utf-8")
    assert other.current()["w"].description == "two"
    assert before["w"].description == "one"
