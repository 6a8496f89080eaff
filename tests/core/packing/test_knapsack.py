"""The single-capacity solver against a full dynamic program."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.packing import knapsack
from mba_integrations.core.packing.core_table import CoreTable
from mba_integrations.core.packing.knapsack import best_within, rounded_down
from mba_integrations.core.packing.ranked_items import RankedItems


def full_table(value: np.ndarray, tokens: np.ndarray, room: int) -> float:
    """The optimum, by the textbook recurrence."""
    worth = np.zeros(room + 1)
    for gain, need in zip(value.tolist(), tokens.tolist(), strict=True):
        if need <= room:
            worth[need:] = np.maximum(worth[need:], worth[: room + 1 - need] + gain)
    return float(worth[room])


def drawn(kind: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    tokens = np.clip(random.lognormal(3, 0.9, count), 1, 200).astype(np.int64)
    value = {
        "independent": random.random(count) + 1e-3,
        "proportional": tokens * 0.01,
        "quantised": np.ceil(random.random(count) * 8) * 0.125,
        "strongly-correlated": (tokens + 10) / 100,
        "equal": np.full(count, 0.3),
    }[kind]
    return value, tokens


KINDS = ("independent", "proportional", "quantised", "strongly-correlated", "equal")


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
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 9)), min_size=1, max_size=12),
    st.integers(0, 60),
)
def test_choice_is_the_optimum_among_many_ties(items: list[tuple[int, int]], room: int) -> None:
    tokens = np.array([item[0] for item in items])
    value = np.array([item[1] / 10 for item in items])
    choice = best_within(RankedItems(value, tokens, room), room)
    assert tokens[choice.positions].sum() <= room
    assert choice.value == pytest.approx(full_table(value, tokens, room))
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


@pytest.mark.parametrize("cells", [0, 50, 1000, 100_000])
def test_table_has_no_more_cells_than_it_may(cells: int) -> None:
    value, tokens = drawn("strongly-correlated", 300, 1)
    items = RankedItems(value, tokens, 900)
    price = items.bound(900)[1]
    table = CoreTable(items, price, 1.0, 900, prefix_tokens=900, max_cells=cells)
    assert table.cells <= cells + len(table._core)
    assert table.base_tokens <= 900


def test_table_lists_the_worth_of_every_number_of_tokens() -> None:
    value, tokens = drawn("independent", 14, 3)
    items = RankedItems(value, tokens, 400)
    table = CoreTable(items, items.bound(60)[1], 1e9, 60, prefix_tokens=60)
    for room in range(len(table.worth)):
        assert table.worth[room] == pytest.approx(full_table(value, tokens, room))
        positions = table.positions(items, room)
        assert tokens[positions].sum() <= room
        assert value[positions].sum() == pytest.approx(table.worth[room])


@pytest.mark.parametrize("count", [100, 5000, 40_000])
def test_sorted_head_holds_the_densest_items(count: int) -> None:
    value, tokens = drawn("independent", count, 7)
    items = RankedItems(value, tokens, 2000)
    density = value / tokens
    order = np.argsort(-density, kind="stable")
    assert items.head.tolist() == order[: len(items.head)].tolist()
    assert items.tokens_sum[-1] > 2000 or len(items.head) == count


def test_items_in_doubt_are_all_within_the_margin_or_better() -> None:
    value, tokens = drawn("independent", 20_000, 7)
    items = RankedItems(value, tokens, 2000)
    price = items.bound(2000)[1]
    for margin in (0.0, 0.05, 5 * price, 60 * price):
        expected = np.flatnonzero(value - price * tokens >= -margin + 1e-12)
        assert set(expected.tolist()) <= set(items.in_doubt(price, margin).tolist())


def test_equal_items_are_exchanged_for_earlier_ones() -> None:
    items = RankedItems(np.array([0.5, 0.5, 0.9, 0.5]), np.array([5, 5, 3, 5]), 13)
    assert items.earliest(np.array([3, 2, 1])).tolist() == [0, 1, 2]


def test_no_room_and_no_items_choose_nothing() -> None:
    items = RankedItems(np.array([1.0]), np.array([1]), 0)
    assert best_within(items, 0).value == 0.0
    assert best_within(RankedItems(np.zeros(0), np.zeros(0, dtype=np.int64), 5), 5).value == 0.0


@pytest.mark.parametrize(
    ("values", "millionths"),
    [
        pytest.param([0.05, 0.35, 0.6], 50_000, id="twentieths"),
        pytest.param([0.1, 0.25], 50_000, id="common-divisor"),
        pytest.param([0.1, np.pi], 0, id="no-common-grain"),
        pytest.param([3.0, 9.0], 3_000_000, id="integers"),
    ],
)
def test_common_grain_of_values(values: list[float], millionths: int) -> None:
    items = RankedItems(np.array(values), np.ones(len(values), dtype=np.int64), 1)
    assert items.millionths == millionths


def test_a_met_bound_is_the_value_itself() -> None:
    value = 0.1 + 0.2
    assert rounded_down(0.3, 100_000, value) == value
    assert rounded_down(0.39, 100_000, value) == value
    assert rounded_down(0.41, 100_000, value) == pytest.approx(0.4)
