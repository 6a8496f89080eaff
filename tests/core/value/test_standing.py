"""What counts whatever is asked."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import CharCounter
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import MemoryBudgetAllocator, MemoryItem
from mba_integrations.core.value.need.standing import (
    STANDING_PROBABILITY,
    joined,
    of_empty_query,
    with_standing,
)


@pytest.mark.parametrize(
    ("importance", "expected"),
    [
        pytest.param(0.0, 0.0, id="none"),
        pytest.param(0.6, 0.0, id="where-it-begins"),
        pytest.param(0.8, STANDING_PROBABILITY / 2, id="half-way"),
        pytest.param(1.0, STANDING_PROBABILITY, id="a-standing-instruction"),
    ],
)
def test_importance_is_a_reason_of_its_own(importance: float, expected: float) -> None:
    found = with_standing(np.zeros(2), np.array([importance, 0.5]))
    assert found.tolist() == pytest.approx([expected, 0.0])


def test_it_counts_less_where_nothing_is_asked() -> None:
    found = with_standing(np.zeros(1), np.ones(1), weight=0.2)
    assert found[0] == pytest.approx(0.2 * STANDING_PROBABILITY)


def test_an_empty_query_goes_by_importance_then_freshness() -> None:
    importance, freshness = np.array([0.5, 0.5, 0.9, 1.0]), np.array([0.1, 0.9, 0.0, 0.5])
    assert np.argsort(-of_empty_query(importance, freshness)).tolist() == [3, 2, 1, 0]


fractions = st.floats(0.0, 1.0)


@given(fractions, fractions, fractions)
def test_a_further_reason_never_lowers_a_probability(one: float, other: float, more: float) -> None:
    low, high = sorted((other, more))
    first = float(joined(np.array([one]), low)[0])
    assert one - 1e-12 <= first <= float(joined(np.array([one]), high)[0]) + 1e-12 <= 1.0 + 1e-12


def test_a_mark_that_most_items_have_says_little_of_each() -> None:
    few, many = with_standing(np.zeros(8), np.ones(8)), with_standing(np.zeros(80), np.ones(80))
    assert few.tolist() == pytest.approx([STANDING_PROBABILITY] * 8)
    assert many.sum() == pytest.approx(few.sum())


def test_a_match_stays_ahead_of_short_items_where_all_are_important() -> None:
    short = [MemoryItem(f"n{n}", f"Lamp {n}.", "project", importance=1.0) for n in range(60)]
    text = "The harbour of the old town was built in 1890, after a great fire."
    match = MemoryItem("match", text, "project", importance=1.0)
    allocator = MemoryBudgetAllocator(CharCounter())
    allocation = allocator.allocate_memory_budget(
        "When was the harbour built?", [*short, match], budget_tokens=100
    )
    assert "match" in allocation.selected_ids
