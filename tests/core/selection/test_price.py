"""What is worth less than its tokens stays out, whatever room there is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from counted_units import drawn
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations import (
    Allocation,
    ConfigError,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    Omitted,
    WorkspaceConfig,
)
from mba_integrations.testing import WordCounter


def allocate(
    items: list[MemoryItem], budget: int = 1000, query: str = "?", **changes: Any
) -> Allocation:
    settings_of_test: dict[str, Any] = {
        "scoring_method": "weighted_sum",
        "relevance_weight": 1.0,
        "importance_weight": 0.0,
        "freshness_weight": 0.0,
        "duplicate_threshold": None,
        "passage_min_tokens": None,
        **changes,
    }
    config = WorkspaceConfig(workspace_id="w", **settings_of_test)
    allocator = MemoryBudgetAllocator(token_counter=WordCounter())
    allocator.register_workspace(config)
    return allocator.allocate_memory_budget(query, items, "w", budget)


def item(name: str, relevance: float, **changes: Any) -> MemoryItem:
    return MemoryItem(name, f"{name} one two three", "rag", relevance=relevance, **changes)


ITEMS = [item("good", 0.8), item("fair", 0.5), item("poor", 0.1)]


@pytest.mark.parametrize(
    ("price", "chosen"),
    [
        pytest.param(0.0, {"good", "fair", "poor"}, id="off"),
        pytest.param(0.1, {"good", "fair", "poor"}, id="at-the-price"),
        pytest.param(0.11, {"good", "fair"}, id="one-below"),
        pytest.param(0.9, set(), id="none-is-worth-it"),
    ],
)
def test_the_budget_is_a_ceiling(price: float, chosen: set[str]) -> None:
    allocation = allocate(ITEMS, token_price=price)
    assert set(allocation.selected_ids) == chosen
    assert {one.reason for one in allocation.omitted} <= {"below_price"}


def test_pins_and_their_groups_are_exempt() -> None:
    items = [*ITEMS, item("pin", 0.0, pinned=True, group="g"), item("with", 0.0, group="g")]
    assert set(allocate(items, token_price=0.6).selected_ids) == {"good", "pin", "with"}


def test_a_group_pays_for_all_its_tokens() -> None:
    group = [item("a", 0.9, group="g"), item("b", 0.1, group="g")]
    assert len(allocate(group, token_price=0.45).selected) == 2
    omitted = allocate(group, token_price=0.55).omitted
    assert [one.reason for one in omitted] == ["below_price", "below_price"]
    assert "10 tokens" in omitted[0].detail


def test_the_reason_has_the_tokens() -> None:
    found = allocate(ITEMS, token_price=0.11).decision("poor")
    assert isinstance(found, Omitted)
    assert found.detail == "its 5 tokens are worth less than the price of a token"


def test_no_budget_brings_in_what_is_below_the_price() -> None:
    allocation = allocate(ITEMS, 13, token_price=0.3)
    assert {*allocation.budget_curve([10_000])[0].entering, *allocation.selected_ids} == {
        "good",
        "fair",
    }


def test_usefulness_is_compared_by_token() -> None:
    long = MemoryItem("long", "zebra " * 400, "rag")
    short = MemoryItem("short", "zebra stripes", "rag")
    allocator = MemoryBudgetAllocator(token_counter=WordCounter())
    score = allocator.allocate_memory_budget("zebra", [long, short]).decision("long").score
    for price, chosen in ((score / 400, {"long", "short"}), (score / 300, {"short"})):
        config = WorkspaceConfig(workspace_id="w", token_price=price * 0.9, passage_min_tokens=None)
        allocator.register_workspace(config)
        found = allocator.allocate_memory_budget("zebra", [long, short], "w")
        assert set(found.selected_ids) == chosen


def test_a_price_below_0_is_refused() -> None:
    with pytest.raises(ConfigError, match="token_price"):
        WorkspaceConfig(workspace_id="w", token_price=-1e-6)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    count=st.sampled_from([3, 40, 400]),
    price=st.sampled_from([1e-5, 1e-3, 0.01, 0.1]),
    kind=st.sampled_from(["independent", "quantised", "equal"]),
    per_token=st.booleans(),
)
def test_it_is_what_counting_all_units_gives(
    seed: int, count: int, price: float, **options: Any
) -> None:
    counted = drawn(seed, count, 400, lazy=False, **options)
    tokens = counted.column.all()
    value = counted.units.value(np.arange(count), tokens)
    expected = np.flatnonzero(value < price * tokens)
    found = drawn(seed, count, 400, lazy=True, **options).units.worth_less(price)
    # A value at the price itself may fall to either side by rounding.
    apart = np.setxor1d(found, expected)
    assert np.abs(value[apart] / (price * tokens[apart]) - 1.0) == pytest.approx(0.0, abs=1e-9)


def test_few_units_are_counted_for_a_low_price() -> None:
    instance = drawn(1, 5000, 600)
    instance.units.worth_less(1e-6)
    assert instance.counter.counted < 500


# Documents that fit


def priced(budget: int, *, tier: MemoryTier = MemoryTier.RAG, **changes: Any) -> Allocation:
    """Ten paragraphs of nine words and a dash, none of them with a word of the question."""
    paragraphs = [
        MemoryItem(f"p{place}", f"Paragraph {place} tells what was done and why.", tier)
        for place in range(10)
    ]
    changes = {"scoring_method": "usefulness", **changes}
    return allocate(paragraphs, budget, "Which baseline was used?", **changes)


def test_documents_that_fit_as_a_whole_have_no_price() -> None:
    whole = priced(1_000)
    assert len(whole.selected) == 10
    needed = whole.used_tokens
    assert len(priced(needed).selected) == 10
    one_less = priced(needed - 1)
    assert len(one_less.selected) < 9
    assert "below_price" in {one.reason for one in one_less.omitted}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"token_price": 0.02}, id="a-price-that-is-named"),
        pytest.param({"tier": MemoryTier.LONG_TERM}, id="memories"),
    ],
)
def test_a_named_price_and_memories_keep_theirs(changes: dict[str, Any]) -> None:
    assert len(priced(1_000, **changes).selected) < 10
