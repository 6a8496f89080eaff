"""The single-capacity solver against a full dynamic program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packings import KINDS, TOKENS, VALUE, drawn, full_table, ranked, sizes_and_values

from mba_integrations.core.packing import knapsack
from mba_integrations.core.packing.knapsack import best_within, rounded_down
from mba_integrations.core.packing.ranked_items import RankedItems


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("room", [1, 40, 333, 2500], ids=["one", "tight", "middle", "wide"])
@pytest.mark.parametrize("count", [1, 30, 300], ids=["single", "few", "many"])
def test_choice_is_the_optimum(kind: str, room: int, count: int) -> None:
    for seed in range(5):
        value, tokens = drawn(kind, count, seed)
        fitting = tokens <= room
        value, tokens = value[fitting], tokens[fitting]
        items = RankedItems(value, tokens, room)
        choice = best_within(items, room)
        assert tokens[choice.positions].sum() <= room
        assert choice.value == pytest.approx(value[choice.positions].sum())
        assert choice.value == pytest.approx(full_table(value, tokens, room))
        assert choice.upper_bound == pytest.approx(choice.value)


@settings(max_examples=120, deadline=None)
@given(sizes_and_values, st.integers(0, 60))
def test_choice_is_the_optimum_among_many_ties(pairs: list[tuple[int, int]], room: int) -> None:
    items = ranked(pairs, room)
    choice = best_within(items, room)
    assert items.tokens[choice.positions].sum() <= room
    assert choice.value == pytest.approx(full_table(items.value, items.tokens, room))
    assert choice.upper_bound == pytest.approx(choice.value)
    assert len(set(choice.positions.tolist())) == len(choice.positions)


@pytest.mark.parametrize("kind", KINDS)
def test_bound_holds_where_the_table_is_too_small_to_be_exact(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knapsack, "MAX_CELLS", 300)
    monkeypatch.setattr(knapsack, "FIRST_CELLS", 300)
    for seed in range(10):
        value, tokens = drawn(kind, 80, seed)
        choice = best_within(RankedItems(value, tokens, 500), 500)
        best = full_table(value, tokens, 500)
        assert tokens[choice.positions].sum() <= 500
        assert choice.value <= best + 1e-9
        assert choice.upper_bound >= best - 1e-9
        assert choice.value >= 0.9 * best


def test_no_room_and_no_items_choose_nothing() -> None:
    items = RankedItems(np.array([1.0]), np.array([1]), 0)
    assert best_within(items, 0).value == 0.0
    assert best_within(RankedItems(np.zeros(0), np.zeros(0, dtype=np.int64), 5), 5).value == 0.0


def test_a_met_bound_is_the_value_itself() -> None:
    value = 0.1 + 0.2
    assert rounded_down(0.3, 100_000, value) == value
    assert rounded_down(0.39, 100_000, value) == value
    assert rounded_down(0.41, 100_000, value) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("room", "chosen", "value"),
    [
        pytest.param(1, [], 0.0, id="nothing-fits"),
        pytest.param(3, [4], 1.0, id="the-least-dense-alone"),
        pytest.param(7, [0, 4], 11.0, id="the-last-fills-up"),
        pytest.param(8, [1, 2], 13.0, id="the-densest-stays-out"),
        pytest.param(9, [0, 1], 17.0, id="to-the-token"),
        pytest.param(12, [0, 1, 4], 18.0, id="a-token-stays-idle"),
        pytest.param(19, [0, 1, 2, 3, 4], 28.0, id="all"),
    ],
)
def test_choices_of_the_example(room: int, chosen: list[int], value: float) -> None:
    fitting = np.flatnonzero(room >= TOKENS)
    choice = best_within(RankedItems(VALUE[fitting], TOKENS[fitting], room), room)
    assert (choice.value, choice.upper_bound) == (value, value)
    assert sorted(fitting[choice.positions].tolist()) == chosen


def test_a_choice_that_no_table_had_place_for_is_filled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a table only the densest are in; what fits beside them comes in by density."""
    monkeypatch.setattr(knapsack, "MAX_CELLS", 0)
    monkeypatch.setattr(knapsack, "FIRST_CELLS", 0)
    items = RankedItems(np.array([10.0, 7.0, 1.0]), np.array([5, 5, 2]), 8)
    choice = best_within(items, 8)
    assert (sorted(choice.positions.tolist()), choice.value) == ([0, 2], 11.0)
    assert choice.upper_bound >= 11.0


def test_a_bound_between_two_multiples_proves_the_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twentieths: 13 of them were found, the bound is 13.9, so the large core is not needed."""
    rooms: list[int] = []
    real = knapsack._by_core

    def counted(*arguments: Any) -> knapsack.Choice:
        rooms.append(arguments[1])
        return real(*arguments)

    monkeypatch.setattr(knapsack, "_by_core", counted)
    random = np.random.default_rng(2)
    value = np.ceil(random.random(400) * 20) * 0.05
    tokens = random.integers(20, 60, 400)
    choice = best_within(RankedItems(value, tokens, 1007), 1007)
    assert choice.value == choice.upper_bound == pytest.approx(full_table(value, tokens, 1007))
    assert rooms == [1007]


@pytest.mark.parametrize(
    ("bound", "millionths", "value", "expected"),
    [
        pytest.param(1.2345, 0, 1.2, 1.2345, id="no-grain"),
        pytest.param(1.2345, 50_000, 1.1, 1.2, id="down-to-a-multiple"),
        pytest.param(1.25 - 1e-12, 50_000, 1.1, 1.25 - 1e-12, id="just-below-by-rounding-stays"),
        pytest.param(1.24, 50_000, 1.2, 1.2, id="met"),
        pytest.param(1.2 * (1 + 1e-13), 0, 1.2, 1.2, id="met-but-for-rounding"),
    ],
)
def test_bounds_rounded_down(bound: float, millionths: int, value: float, expected: float) -> None:
    assert rounded_down(bound, millionths, value) == pytest.approx(expected, rel=1e-15)
