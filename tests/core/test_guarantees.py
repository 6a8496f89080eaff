"""What holds for any items, texts, settings, budgets and counters."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from counters import ADDITIVE, COUNTERS
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import NOW, memories, workspaces

from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryPool,
    MemoryTier,
    PinnedOverBudgetError,
    WorkspaceConfig,
)

budgets = st.none() | st.integers(1, 250)
any_counter = st.sampled_from(list(COUNTERS))


def allocate(
    items: list[MemoryItem],
    config: WorkspaceConfig,
    counter: str,
    budget: int | None,
    **arguments: Any,
) -> Allocation:
    allocator = MemoryBudgetAllocator(token_counter=COUNTERS[counter])
    allocator.register_workspace(config)
    try:
        return allocator.allocate_memory_budget(
            "What did Zebra say in 2026?",
            items,
            config.workspace_id,
            budget,
            now=NOW,
            **arguments,
        )
    except PinnedOverBudgetError:
        assume(False)
        raise


@given(memories(), workspaces(), any_counter, budgets)
def test_the_prompt_never_exceeds_its_budget(
    items: list[MemoryItem], config: WorkspaceConfig, counter: str, budget: int | None
) -> None:
    allocation = allocate(items, config, counter, budget)
    assert COUNTERS[counter].count(allocation.prompt_text) == allocation.used_tokens
    assert allocation.used_tokens <= allocation.budget_tokens
    if budget is not None:
        assert allocation.budget_tokens == budget
    if config.rendering.format == "messages":
        assert allocation.message_tokens <= allocation.budget_tokens


@given(
    memories(pins=False),
    workspaces(token_price=0.0, min_score=0.0),
    any_counter,
    st.integers(8, 80),
)
def test_budgets_next_to_each_other_are_never_exceeded_by_a_token(
    items: list[MemoryItem], config: WorkspaceConfig, counter: str, budget: int
) -> None:
    """One of them is nearly always just short of another item, where one token too many shows."""
    allocator = MemoryBudgetAllocator(token_counter=COUNTERS[counter])
    allocator.register_workspace(config)
    pool = MemoryPool.from_items(items)
    for tokens in range(budget, budget + 12):
        found = allocator.allocate_memory_budget("Zebra in 2026?", pool, "w", tokens, now=NOW)
        assert COUNTERS[counter].count(found.prompt_text) == found.used_tokens <= tokens


@given(memories(), workspaces(), any_counter, budgets)
def test_selected_and_omitted_are_the_input(
    items: list[MemoryItem], config: WorkspaceConfig, counter: str, budget: int | None
) -> None:
    allocation = allocate(items, config, counter, budget)
    decided = [entry.id for entry in (*allocation.selected, *allocation.omitted)]
    assert sorted(decided) == sorted(item.id for item in items)
    assert sum(allocation.omission_counts().values()) == len(allocation.omitted)
    assert all(allocation.decision(entry.id) == entry for entry in allocation.omitted)
    assert all(allocation.decision(entry.id) == entry for entry in allocation.selected)


@given(memories(), workspaces(), any_counter, budgets)
def test_pins_are_in_and_groups_are_whole(
    items: list[MemoryItem], config: WorkspaceConfig, counter: str, budget: int | None
) -> None:
    chosen = {entry.id for entry in allocate(items, config, counter, budget).selected}
    assert all(item.id in chosen for item in items if item.pinned)
    for group in {item.group for item in items if item.group}:
        members = [item.id in chosen for item in items if item.group == group]
        assert all(members) or not any(members)


@given(memories(), workspaces(), any_counter, budgets)
def test_equal_input_gives_equal_output_and_stays_unchanged(
    items: list[MemoryItem], config: WorkspaceConfig, counter: str, budget: int | None
) -> None:
    before = copy.deepcopy(items)
    first = allocate(items, config, counter, budget)
    again = allocate(copy.deepcopy(items), config, counter, budget)
    left, right = first.to_dict(), again.to_dict()
    assert {**left, "duration_ms": 0} == {**right, "duration_ms": 0}
    assert items == before
    assert [item.metadata for item in items] == [item.metadata for item in before]


@given(memories(), workspaces(), any_counter, budgets)
def test_the_value_is_within_its_bound(
    items: list[MemoryItem], config: WorkspaceConfig, counter: str, budget: int | None
) -> None:
    allocation = allocate(items, config, counter, budget)
    assert 0.0 <= allocation.value <= allocation.upper_bound + 1e-9
    assert 0.0 <= allocation.gap <= 1.0


@given(memories(), workspaces(), st.sampled_from(sorted(ADDITIVE)), budgets)
def test_tiers_add_up_and_keep_to_their_budgets(
    items: list[MemoryItem], config: WorkspaceConfig, counter: str, budget: int | None
) -> None:
    assume(config.rendering.format != "messages")
    allocation = allocate(items, config, counter, budget)
    tiers = allocation.tiers
    assert sum(tier.used_tokens for tier in tiers.values()) == allocation.used_tokens
    assert all(tier.used_tokens <= tier.budget_tokens for tier in tiers.values())
    assert sum(tier.budget_tokens for tier in tiers.values()) <= allocation.budget_tokens
    for tier, cap in config.tier_cap_tokens.items():
        if not any(entry.pinned for entry in allocation.selected if entry.tier is tier):
            assert tiers[tier].used_tokens <= cap


@given(memories(), memories(), workspaces(), any_counter, budgets)
def test_a_previous_allocation_never_breaks_the_budget(
    items: list[MemoryItem],
    others: list[MemoryItem],
    config: WorkspaceConfig,
    counter: str,
    budget: int | None,
) -> None:
    previous = allocate(others, config, counter, budget)
    allocation = allocate(items, config, counter, budget, previous=previous)
    assert COUNTERS[counter].count(allocation.prompt_text) == allocation.used_tokens
    assert allocation.used_tokens <= allocation.budget_tokens
    steady = config.with_changes(stability=0.0)
    off = allocate(items, steady, counter, budget, previous=previous)
    chosen = {entry.id for entry in off.selected}
    assert chosen == {entry.id for entry in allocate(items, config, counter, budget).selected}


@given(st.permutations(range(8)), workspaces(), budgets)
def test_the_guarantee_does_not_depend_on_the_order_of_the_input(
    order: list[int], config: WorkspaceConfig, budget: int | None
) -> None:
    items = [MemoryItem(f"m{n}", "word " * (n + 1), list(MemoryTier)[n % 4]) for n in order]
    allocation = allocate(items, config, "o200k", budget)
    assert COUNTERS["o200k"].count(allocation.prompt_text) <= allocation.budget_tokens


@given(
    memories(pins=False),
    workspaces(duplicate_threshold=None, passage_min_tokens=None),
    st.integers(1, 150),
    st.integers(0, 60),
)
def test_in_one_tier_a_larger_budget_is_never_worth_less(
    items: list[MemoryItem], config: WorkspaceConfig, budget: int, more: int
) -> None:
    rag = [item for item in items if item.tier is MemoryTier.RAG]
    assume(config.rendering.format != "messages")
    smaller = allocate(rag, config, "characters", budget)
    larger = allocate(rag, config, "characters", budget + more)
    assert larger.value >= smaller.value - 1e-9


@pytest.mark.parametrize("counter", COUNTERS)
def test_an_item_of_one_megabyte_is_omitted_and_the_rest_fits(counter: str) -> None:
    items = [MemoryItem("huge", "a" * 1_000_000, "rag"), MemoryItem("small", "Zebra.", "rag")]
    config = WorkspaceConfig(workspace_id="w")
    allocation = allocate(items, config, counter, 100)
    assert [entry.id for entry in allocation.selected] == ["small"]
    assert allocation.decision("huge").reason == "too_large"  # type: ignore[union-attr]
