"""What another budget would buy."""

from __future__ import annotations

import pytest
from fakes import CharCounter
from hypothesis import given
from hypothesis import strategies as st
from strategies import NOW, memories, workspaces

from mba_integrations import (
    Allocation,
    InputError,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    PinnedOverBudgetError,
    WorkspaceConfig,
)

HEADING = len("## Documents\n")


def allocate(items: list[MemoryItem], budget: int, config: WorkspaceConfig) -> Allocation:
    allocator = MemoryBudgetAllocator(token_counter=CharCounter())
    allocator.register_workspace(config)
    return allocator.allocate_memory_budget("x", items, config.workspace_id, budget, now=NOW)


def by_relevance(**settings: object) -> WorkspaceConfig:
    weights = {"relevance_weight": 1.0, "importance_weight": 0.0, "freshness_weight": 0.0}
    return WorkspaceConfig(workspace_id="w", scoring_method="weighted_sum", **weights, **settings)


def memory(name: str, size: int, relevance: float, tier: str = "rag") -> MemoryItem:
    return MemoryItem(name, name[0] * (size - 3), tier, relevance=relevance)


ITEMS = [memory("a", 10, 0.9), memory("b", 20, 0.6), memory("c", 30, 0.3)]


def test_a_larger_budget_brings_in_the_next_items() -> None:
    allocation = allocate(ITEMS, HEADING + 10, by_relevance())
    curve = allocation.budget_curve([HEADING + 60, HEADING + 10, HEADING + 30, HEADING + 29])
    seen = [(point.budget_tokens - HEADING, point.entering, point.leaving) for point in curve]
    assert seen == [
        (10, (), ()),
        (29, ("b",), ("a",)),
        (30, ("b",), ()),
        (60, ("b", "c"), ()),
    ]
    assert [point.used_tokens - HEADING for point in curve] == [10, 20, 30, 60]


def test_a_smaller_budget_says_what_goes() -> None:
    allocation = allocate(ITEMS, HEADING + 60, by_relevance())
    (point,) = allocation.budget_curve([HEADING + 15])
    assert (point.entering, point.leaving) == ((), ("b", "c"))


def test_the_marginal_value_is_that_of_the_densest_omitted_item_of_each_tier() -> None:
    items = [*ITEMS, memory("d", 50, 0.5, "project")]
    allocation = allocate(items, HEADING + 10, by_relevance())
    assert [entry.id for entry in allocation.selected] == ["a"]
    marginal = allocation.marginal_value
    assert marginal[MemoryTier.RAG] == pytest.approx(0.6 * 100)
    with_heading = 50 / (50 + len("## Project\n"))
    assert marginal[MemoryTier.PROJECT] == pytest.approx(0.5 * 100 * with_heading)
    assert marginal[MemoryTier.WORKING] == 0.0


def test_items_below_the_threshold_have_no_marginal_value() -> None:
    allocation = allocate(ITEMS, HEADING + 10, by_relevance(min_score=0.7))
    assert set(allocation.marginal_value.values()) == {0.0}


def test_a_budget_that_pins_do_not_fit_is_worth_nothing() -> None:
    pinned = MemoryItem("p", "p" * 50, "rag", pinned=True)
    allocation = allocate([pinned, *ITEMS], 200, by_relevance())
    point = allocation.budget_curve([20])[0]
    assert (point.value, point.used_tokens, set(point.leaving)) == (0.0, 0, {"p", "a", "b", "c"})


@pytest.mark.parametrize("budget", [0, -1, 2.5, True])
def test_a_budget_that_is_no_positive_integer_is_refused(budget: int) -> None:
    allocation = allocate(ITEMS, 50, by_relevance())
    with pytest.raises(InputError, match="a budget must be an integer >= 1"):
        allocation.budget_curve([budget])


@given(memories(), workspaces(), st.lists(st.integers(1, 400), max_size=12))
def test_the_value_never_falls_along_the_curve_and_starts_from_the_allocation(
    items: list[MemoryItem], config: WorkspaceConfig, budgets: list[int]
) -> None:
    try:
        allocation = allocate(items, 200, config)
    except PinnedOverBudgetError:
        return
    curve = allocation.budget_curve([*budgets, 200])
    values = [point.value for point in curve]
    assert values == sorted(values)
    assert all(point.used_tokens <= point.budget_tokens for point in curve)
    if config.rendering.format != "messages" and len(budgets) == 0:
        assert values[0] == pytest.approx(allocation.value)


def test_more_tokens_for_a_tier_buy_its_next_item() -> None:
    items = [*ITEMS, memory("p", 10, 0.8, "project"), memory("q", 20, 0.1, "project")]
    config = by_relevance(borrowing=False)
    allocation = allocate(items, 200, config)
    assert allocation.selected_ids
    out = {one.id for one in allocation.omitted}
    gains = allocation.larger_tiers(200)
    for tier, gain in gains.items():
        own = {one.id for one in items if one.tier is tier}
        assert set(gain.entering) == own & out
        assert (gain.value > 0) == bool(own & out)


def test_tiers_that_borrow_are_told_apart_by_what_is_left_in_each() -> None:
    rest = [memory(f"{n}-rag", 20, 0.9) for n in range(9)]
    poor = [memory("p", 10, 0.8, "project"), memory("q", 20, 0.1, "project")]
    allocation = allocate([*rest, *poor], 120, by_relevance())
    found = {
        tier: (gain.value, gain.entering) for tier, gain in allocation.larger_tiers(40).items()
    }
    assert found == {
        MemoryTier.WORKING: (0.0, ()),
        MemoryTier.PROJECT: (10.0, ("p", "q")),
        MemoryTier.LONG_TERM: (0.0, ()),
        MemoryTier.RAG: (36.0, ("5-rag", "6-rag")),
    }


@given(items=memories(), config=workspaces(), budget=st.integers(1, 400))
def test_more_tokens_for_a_tier_are_never_worth_less(
    items: list[MemoryItem], config: WorkspaceConfig, budget: int
) -> None:
    try:
        allocation = allocate(items, budget, config)
    except PinnedOverBudgetError:
        return
    gains = allocation.larger_tiers(50)
    assert gains.keys() == set(MemoryTier)
    assert all(gain.value >= 0 for gain in gains.values())


@pytest.mark.parametrize("tokens", [0, -1, 1.5])
def test_more_tokens_are_a_positive_whole_number(tokens: object) -> None:
    with pytest.raises(InputError, match="tokens"):
        allocate(ITEMS, 60, by_relevance()).larger_tiers(tokens)
