"""Shares give way to value: what a tier is kept, what that costs, and what is kept all the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import NOW, memories, workspaces

from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    PinnedOverBudgetError,
    WorkspaceConfig,
)
from mba_integrations.testing import WordCounter

# One line is ten words with its mark; a heading is two or three.
WORDS = "one two three four five six seven eight nine"


def lines(tier: str, *scores: float) -> list[MemoryItem]:
    """Items of ten words each, with a relevance that is their score."""
    return [
        MemoryItem(f"{tier}{n}", f"{WORDS} {tier}{n}", tier, relevance=score)
        for n, score in enumerate(scores)
    ]


def allocate(items: list[MemoryItem], budget: int, **changes: Any) -> Allocation:
    shares = dict.fromkeys(("working_memory_pct", "long_term_memory_pct"), 0.0)
    settings_of_test: dict[str, Any] = {
        "scoring_method": "weighted_sum",
        "relevance_weight": 1.0,
        "importance_weight": 0.0,
        "freshness_weight": 0.0,
        "project_memory_pct": 0.5,
        "rag_memory_pct": 0.5,
        "duplicate_threshold": None,
        "passage_min_tokens": None,
        **shares,
        **changes,
    }
    config = WorkspaceConfig(workspace_id="w", **settings_of_test)
    allocator = MemoryBudgetAllocator(token_counter=WordCounter())
    allocator.register_workspace(config)
    return allocator.allocate_memory_budget("?", items, "w", budget, now=NOW)


JUNK = lines("project", 0.1, 0.1, 0.1)
GOOD = lines("rag", 0.9, 0.9, 0.9, 0.9, 0.9, 0.9)


def chosen(allocation: Allocation, tier: str) -> int:
    return allocation.tiers[MemoryTier(tier)].selected_count


def test_a_tier_of_junk_leaves_its_share_to_what_is_worth_more() -> None:
    allocation = allocate([*JUNK, *GOOD], 50)
    assert (chosen(allocation, "project"), chosen(allocation, "rag")) == (0, 4)
    assert allocation.share_cost == 0.0


def test_a_tier_that_is_not_far_below_keeps_its_share() -> None:
    allocation = allocate([*lines("project", 0.8, 0.8, 0.8), *GOOD], 50)
    assert (chosen(allocation, "project"), chosen(allocation, "rag")) == (2, 2)
    assert allocation.share_cost > 0.0


def test_the_cost_is_what_would_come_in_without_shares() -> None:
    kept = allocate([*lines("project", 0.8, 0.8, 0.8), *GOOD], 50)
    free = allocate(
        [*lines("project", 0.8, 0.8, 0.8), *GOOD], 50, project_memory_pct=0.0, rag_memory_pct=1.0
    )
    assert kept.share_cost == pytest.approx(free.value - kept.value)
    assert free.share_cost == 0.0


def test_a_floor_is_kept_whatever_it_is_worth() -> None:
    allocation = allocate([*JUNK, *GOOD], 50, tier_floor_tokens={"project": 14})
    assert (chosen(allocation, "project"), chosen(allocation, "rag")) == (1, 3)
    assert allocation.share_cost > 0.0


def test_without_borrowing_a_share_is_a_limit() -> None:
    allocation = allocate([*JUNK, *GOOD], 50, borrowing=False)
    assert (chosen(allocation, "project"), chosen(allocation, "rag")) == (2, 2)
    assert allocation.share_cost > 0.0


def test_the_explanation_has_the_cost_where_there_is_one() -> None:
    floor = allocate([*JUNK, *GOOD], 50, tier_floor_tokens={"project": 14})
    assert f"The tiers' shares cost {floor.share_cost:.3f} of value." in floor.explain()
    assert "shares cost" not in allocate([*JUNK, *GOOD], 50).explain()


def test_what_stays_of_a_previous_prompt_does_not_count_as_a_cost_of_shares() -> None:
    allocator = MemoryBudgetAllocator(token_counter=WordCounter())
    first = allocator.allocate_memory_budget("?", JUNK, budget_tokens=40, now=NOW)
    second = allocator.allocate_memory_budget(
        "?", [*JUNK, *GOOD], budget_tokens=40, now=NOW, previous=first
    )
    alone = allocator.allocate_memory_budget("?", [*JUNK, *GOOD], budget_tokens=40, now=NOW)
    assert second.share_cost == pytest.approx(alone.share_cost)


@settings(max_examples=50)
@given(memories(), workspaces(), st.integers(1, 250))
def test_the_cost_is_never_negative_and_free_without_shares_to_keep(
    items: list[MemoryItem], config: WorkspaceConfig, budget: int
) -> None:
    allocator = MemoryBudgetAllocator(token_counter=WordCounter())
    allocator.register_workspace(config)
    try:
        allocation = allocator.allocate_memory_budget(
            "Zebra?", items, config.workspace_id, budget, now=NOW
        )
    except PinnedOverBudgetError:
        return
    assert allocation.share_cost >= 0.0
    tiers = {item.tier for item in items}
    if len(tiers) == 1 and config.borrowing:
        assert allocation.share_cost == pytest.approx(0.0, abs=1e-9)
