"""The table over the items in doubt, against the table over all items."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packings import KINDS, TOKENS, VALUE, drawn, full_table, ranked, sizes_and_values

from mba_integrations.core.packing.core_table import CoreTable, _affordable, _useful
from mba_integrations.core.packing.ranked_items import RankedItems


def five(margin: float, room: int = 8, **options: int) -> CoreTable:
    items = RankedItems(VALUE, TOKENS, 100)
    return CoreTable(items, 1.75, margin, room, prefix_tokens=room, **options)


@pytest.mark.parametrize(
    ("margin", "fixed", "core_size"),
    [
        pytest.param(0.0, [0], 0, id="no-margin-leaves-b-which-no-longer-fits"),
        pytest.param(1.0, [0], 0, id="c-does-not-fit-beside-a"),
        pytest.param(1.25, [], 3, id="a-is-in-doubt"),
        pytest.param(2.5, [], 4, id="e-as-well"),
        pytest.param(3.0, [], 5, id="all"),
    ],
)
def test_the_margin_decides_what_is_in_doubt(
    margin: float, fixed: list[int], core_size: int
) -> None:
    """Reduced values at 1.75: 1.25, 0, -1, -3 and -2.5; a of 5 tokens leaves 3 of 8."""
    table = five(margin)
    assert table.fixed.tolist() == fixed
    assert table.cells == core_size * len(table.worth)
    assert (table.base_tokens, table.base_value) == ((5, 10.0) if fixed else (0, 0.0))


def test_worth_steps_and_items_of_the_example() -> None:
    table = five(2.25)
    assert table.worth.tolist() == [0, 0, 0, 0, 7, 10, 10, 10, 13]
    assert table.steps().tolist() == [0, 4, 5, 8]
    items = RankedItems(VALUE, TOKENS, 100)
    found = [sorted(table.positions(items, tokens).tolist()) for tokens in (3, 4, 7, 8)]
    assert found == [[], [1], [0], [1, 2]]


def test_the_worth_within_a_wide_room_ends_where_all_items_are_in() -> None:
    table = five(1e9, room=100)
    assert (len(table.worth), table.worth[-1]) == (20, 28.0)


def test_table_lists_the_worth_of_every_number_of_tokens() -> None:
    value, tokens = drawn("independent", 14, 3)
    items = RankedItems(value, tokens, 400)
    table = CoreTable(items, items.bound(60)[1], 1e9, 60, prefix_tokens=60)
    for room in range(len(table.worth)):
        assert table.worth[room] == pytest.approx(full_table(value, tokens, room))
        positions = table.positions(items, room)
        assert tokens[positions].sum() <= room
        assert value[positions].sum() == pytest.approx(table.worth[room])


@settings(max_examples=150, deadline=None)
@given(sizes_and_values, st.integers(1, 60), st.integers(0, 40))
def test_what_the_table_leaves_out_loses_at_least_the_margin(
    pairs: list[tuple[int, int]], room: int, tenths: int
) -> None:
    pairs = [pair for pair in pairs if pair[0] <= room]
    if not pairs:
        return
    items = ranked(pairs, room)
    bound, price = items.bound(room)
    table = CoreTable(items, price, tenths / 10, room, prefix_tokens=room)
    best = full_table(items.value, items.tokens, room)
    found = table.base_value + float(table.worth[-1])
    assert found <= best + 1e-9
    assert best <= max(found, bound - table.margin) + 1e-9


@settings(max_examples=150, deadline=None)
@given(sizes_and_values, st.integers(1, 60), st.integers(0, 200))
def test_a_table_that_must_be_small_says_how_far_it_reaches(
    pairs: list[tuple[int, int]], room: int, cells: int
) -> None:
    pairs = [pair for pair in pairs if pair[0] <= room]
    if not pairs:
        return
    items = ranked(pairs, room)
    bound, price = items.bound(room)
    table = CoreTable(items, price, 5.0, room, prefix_tokens=room, max_cells=cells)
    positions = table.positions(items, len(table.worth) - 1)
    assert items.tokens[positions].sum() <= room
    found = float(items.value[positions].sum())
    assert found == pytest.approx(table.base_value + float(table.worth[-1]))
    best = full_table(items.value, items.tokens, room)
    assert best <= max(found, bound - table.margin) + 1e-9


@pytest.mark.parametrize("cells", [0, 50, 1000, 100_000])
@pytest.mark.parametrize("kind", KINDS)
def test_table_has_no_more_cells_than_it_may(kind: str, cells: int) -> None:
    value, tokens = drawn(kind, 300, 1)
    items = RankedItems(value, tokens, 900)
    price = items.bound(900)[1]
    table = CoreTable(items, price, 1.0, 900, prefix_tokens=900, max_cells=cells)
    assert table.cells <= cells + len(table._core)
    assert table.base_tokens <= 900
    assert table.margin <= 1.0


def test_of_many_items_at_the_price_itself_the_prefix_stays_in() -> None:
    """A hundred equal items, 30 fit; a table of no cells must not lose them."""
    items = RankedItems(np.full(100, 0.5), np.full(100, 10), 300)
    table = CoreTable(items, 0.05, 0.0, 305, prefix_tokens=305, max_cells=0)
    assert table.base_tokens == 300
    assert sorted(table.fixed.tolist()) == list(range(30))


def test_the_fewest_tokens_of_the_best_worth() -> None:
    items = RankedItems(np.array([0.5, 0.3]), np.array([3, 2]), 10)
    table = CoreTable(items, 0.16, 9.0, 9, prefix_tokens=9)
    assert table.fewest_tokens() == 5
    assert table.worth[5] == table.worth[-1]


def test_a_worth_that_rises_by_rounding_only_does_not_cost_tokens() -> None:
    items = RankedItems(np.array([0.1 + 0.2, 0.3]), np.array([5, 3]), 5)
    table = CoreTable(items, 0.05, 9.0, 5, prefix_tokens=5)
    assert table.worth[5] > table.worth[3]
    assert table.fewest_tokens() == 3


@pytest.mark.parametrize(
    ("left", "kept"),
    [(4, []), (5, [1]), (9, [1]), (10, [1, 3]), (15, [0, 1, 3]), (40, [0, 1, 2, 3])],
)
def test_no_more_items_of_a_size_are_useful_than_fit(left: int, kept: list[int]) -> None:
    value, tokens = np.array([0.5, 0.9, 0.1, 0.8]), np.full(4, 5)
    assert _useful(value, tokens, np.arange(4), left).tolist() == kept


def test_items_of_other_sizes_do_not_displace_each_other() -> None:
    value, tokens = np.array([0.5, 0.9, 0.1, 0.8]), np.array([5, 5, 2, 2])
    assert _useful(value, tokens, np.arange(4), 5).tolist() == [1, 2, 3]


def test_the_affordable_part_is_the_nearest_and_its_margin_that_of_the_next() -> None:
    distance, rank = np.array([0.3, 0.1, 0.1, 0.2]), np.array([0, -4, 1, 2])
    core, margin = _affordable(np.arange(4), distance, rank, np.full(4, 5), 100, 20)
    assert (core.tolist(), margin) == ([1, 2], 0.2)
    core, margin = _affordable(np.arange(4), distance, rank, np.full(4, 5), 100, 5)
    assert (core.tolist(), margin) == ([2], 0.1)  # of equal ones the one nearest to the break
