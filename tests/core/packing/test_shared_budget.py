"""Several tiers under one budget, against trying every choice of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from packings import best_of, drawn, sharing, tier

from mba_integrations.core.packing import knapsack, shared_budget
from mba_integrations.core.packing.cost_lists import CostList
from mba_integrations.core.packing.shared_budget import TieredChoice, best_at_home, best_shared
from mba_integrations.core.packing.sharing_tier import SharingTier


def charged(tiers: list[SharingTier], choice: TieredChoice) -> float:
    """What the choice costs; fails if it breaks the room of a tier or counts its value wrong."""
    total, value = 0.0, 0.0
    for of, positions in zip(tiers, choice.positions, strict=True):
        assert len(set(positions.tolist())) == len(positions)
        used = int(of.items.tokens[positions].sum())
        assert used <= of.room or not len(positions)
        total += max(of.guaranteed, float(used + of.opening if len(positions) else 0))
        value += float(of.items.value[positions].sum())
    assert choice.value == pytest.approx(value)
    return total


@settings(max_examples=200, deadline=None)
@given(sharing(max_items=6))
def test_the_best_choice_is_found_and_proven(drawn: tuple[list[SharingTier], int]) -> None:
    tiers, total = drawn
    best = best_of(tiers, total)
    choice = best_shared(tiers, total)
    assert charged(tiers, choice) <= total + 1e-6
    assert choice.value == pytest.approx(best, abs=1e-9)
    assert choice.upper_bound == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("limit", [0, 1, 20, 200])
@settings(max_examples=60, deadline=None)
@given(sharing(max_items=6))
def test_the_bound_holds_where_limits_are_too_low_to_be_exact(
    limit: int, drawn: tuple[list[SharingTier], int]
) -> None:
    tiers, total = drawn
    best = best_of(tiers, total)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FIRST_CELLS", "MAX_SHARED_CELLS", "MAX_PAIRS", "FIRST_PAIRS"):
            patch.setattr(shared_budget, name, max(1, limit) if "PAIRS" in name else limit)
        for name in ("FIRST_CELLS", "MAX_CELLS"):
            patch.setattr(knapsack, name, limit)
        choice = best_shared(tiers, total)
    assert charged(tiers, choice) <= total + 1e-6
    assert choice.value <= best + 1e-9 <= choice.upper_bound + 2e-9


@settings(max_examples=100, deadline=None)
@given(sharing(max_items=6))
def test_at_home_each_tier_is_a_knapsack_of_its_own(
    drawn: tuple[list[SharingTier], int],
) -> None:
    tiers, _ = drawn
    choice = best_at_home(tiers)
    assert charged(tiers, choice) == sum(of.guaranteed for of in tiers)
    assert choice.value == pytest.approx(sum(best_of([of], of.guaranteed) for of in tiers))
    assert len(choice.prices) == len(choice.gaps) == len(tiers)


@settings(max_examples=100, deadline=None)
@given(sharing(max_items=5))
def test_prices_and_gaps_bound_what_each_tier_gives(
    drawn: tuple[list[SharingTier], int],
) -> None:
    """One more item, dear enough to be out by price and gap, changes nothing."""
    tiers, total = drawn
    choice = best_shared(tiers, total)
    for number, of in enumerate(tiers):
        price, gap = choice.prices[number], choice.gaps[number]
        tokens = max(1, of.room // 2)
        value = price * tokens - gap - 1e-6
        if not np.isfinite(price) or value <= 0:
            continue
        pairs = [
            *zip(of.items.tokens.tolist(), of.items.value.tolist(), strict=True),
            (tokens, value),
        ]
        room = of.room + of.opening
        more = tier(pairs, guaranteed=of.guaranteed, room=room, opening=of.opening)
        changed = [*tiers[:number], more, *tiers[number + 1 :]]
        assert best_of(changed, total) == pytest.approx(choice.value, abs=1e-9)


@pytest.mark.parametrize(
    ("total", "positions", "value"),
    [
        pytest.param(8, [[0], [0]], 17.0, id="both-at-home"),
        pytest.param(9, [[0], [0, 2]], 18.0, id="one-borrows-a-token"),
        pytest.param(11, [[0], [0, 1]], 21.0, id="one-borrows-three"),
        pytest.param(14, [[0, 1], [0, 1]], 24.0, id="both-borrow"),
        pytest.param(16, [[0, 1], [0, 1, 2]], 25.0, id="all"),
    ],
)
def test_tiers_of_the_example_as_the_budget_grows(
    total: int, positions: list[list[int]], value: float
) -> None:
    tiers = [
        tier([(4, 8.0), (3, 3.0)], guaranteed=4.0, room=11),
        tier([(3, 9.0), (4, 4.0), (2, 1.0)], guaranteed=4.0, room=11),
    ]
    choice = best_shared(tiers, total)
    assert [sorted(found.tolist()) for found in choice.positions] == positions
    assert choice.value == choice.upper_bound == value


def test_no_tiers_are_worth_nothing() -> None:
    choice = best_shared([], 10)
    assert (choice.positions, choice.value, choice.upper_bound) == ([], 0, 0)


def test_a_home_that_is_not_proven_leaves_the_bound_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tables at all, so that a, the densest, stays where b and c would be better."""
    for module in (knapsack, shared_budget):
        for name in {"FIRST_CELLS", "MAX_CELLS", "MAX_SHARED_CELLS"} & set(vars(module)):
            monkeypatch.setattr(module, name, 0)
    pairs = [(5, 10.0), (4, 7.0), (4, 6.0)]
    tiers = [tier(pairs, guaranteed=8.0, room=9), tier([(9, 0.1)], guaranteed=2.0, room=10)]
    choice = best_shared(tiers, 10)
    assert choice.value < 13.0 <= choice.upper_bound


def test_of_equal_items_at_the_price_the_prefix_comes_in_without_a_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hundred items that are all at the price: what fits comes in, though no cell is free."""
    for name in ("FIRST_CELLS", "MAX_SHARED_CELLS"):
        monkeypatch.setattr(shared_budget, name, 0)
    tiers = [tier([(10, 0.5)] * 50, guaranteed=0.0, room=305) for _ in range(2)]
    assert best_shared(tiers, 305).value == 15.0


@pytest.mark.parametrize("limit", [0, 3_000, 50_000])
def test_tables_of_all_tiers_together_keep_to_the_limit(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_budget, "MAX_SHARED_CELLS", limit)
    columns = [drawn("strongly-correlated", count, 1) for count in (20, 200, 200)]
    tiers = [
        tier(list(zip(tokens.tolist(), value.tolist(), strict=True)), guaranteed=0.0, room=900)
        for value, tokens in columns
    ]
    lists = shared_budget._PriceSearch(tiers, 900)._lists(5.0, first=False)
    assert sum(listed.cells for _, listed in lists) <= limit + 3 * 100  # a column for each table


def test_of_states_that_differ_by_rounding_the_cheapest_is_the_best() -> None:
    states = CostList(np.array([3.0, 5.0, 9.0]), np.array([0.3, 0.1 + 0.2, 1.0]), np.zeros(3))
    assert shared_budget._best_state(states, 6.0) == 0
    assert shared_budget._best_state(states, 9.0) == 2
    assert shared_budget._best_state(states, 2.0) is None
