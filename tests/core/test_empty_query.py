"""Without a question, what is known of the items decides; by a product of signals, their order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mba_integrations import MemoryBudgetAllocator, MemoryItem, ScoringMethod, WorkspaceConfig

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ITEMS = [
    MemoryItem("plain", "one two three", "rag"),
    MemoryItem("important", "four five six", "rag", importance=1.0),
    MemoryItem("new", "seven eight nine", "rag", created_at=NOW),
    MemoryItem("old", "a b c", "rag", created_at=datetime(2020, 1, 1, tzinfo=UTC)),
    MemoryItem("given", "ten eleven twelve", "rag", relevance=1.0),
]


def chosen(method: ScoringMethod, items: list[MemoryItem]) -> dict[str, float]:
    allocator = MemoryBudgetAllocator()
    allocator.register_workspace(WorkspaceConfig(workspace_id="w", scoring_method=method))
    found = allocator.allocate_memory_budget("", items, "w", budget_tokens=500, now=NOW)
    return {entry.id: entry.score for entry in found.selected}


@pytest.mark.parametrize("method", [ScoringMethod.USEFULNESS, ScoringMethod.WEIGHTED_SUM])
def test_what_is_important_or_new_comes_before_what_is_not(method: ScoringMethod) -> None:
    score = chosen(method, ITEMS)
    assert min(score["important"], score["new"]) > score["plain"] > score["old"]
    assert score["given"] > score["plain"]


def test_a_product_of_signals_is_zero_where_no_relevance_is_given() -> None:
    score = chosen(ScoringMethod.PRODUCT, ITEMS)
    assert score.pop("given") > 0.0
    assert set(score.values()) == {0.0}
    assert list(chosen(ScoringMethod.PRODUCT, ITEMS[:4])) == ["plain", "important", "new", "old"]
