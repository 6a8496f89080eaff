"""The dense head of one tier, against sorting and summing everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packings import KINDS, TOKENS, VALUE, drawn, ranked, sizes_and_values

from mba_integrations.core.packing.ranked_items import RankedItems

prices = st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.3, 0.9]) | st.floats(0.0, 1.0)


@pytest.mark.parametrize("count", [100, 5000, 40_000])
def test_sorted_head_holds_the_densest_items(count: int) -> None:
    value, tokens = drawn("independent", count, 7)
    items = RankedItems(value, tokens, 2000)
    order = np.argsort(-value / tokens, kind="stable")
    assert items.head.tolist() == order[: len(items.head)].tolist()
    assert items.tokens_sum[-1] > 2000 or len(items.head) == count


@pytest.mark.parametrize("capacity", [10, 3_000, 60_000])
def test_the_head_grows_until_it_holds_more_than_the_capacity(capacity: int) -> None:
    """Items of one token: the first guess holds a sixteenth of what is needed."""
    value = np.random.default_rng(3).random(100_000) + 1e-3
    items = RankedItems(value, np.ones(len(value), dtype=np.int64), capacity)
    assert items.tokens_sum[-1] > capacity
    assert items.break_at(capacity) == capacity


def test_sums_begin_with_nothing_and_run_through_the_head() -> None:
    items = RankedItems(VALUE[::-1].copy(), TOKENS[::-1].copy(), 100)
    assert items.head.tolist() == [4, 3, 2, 1, 0]
    assert items.tokens_sum == [0, 5, 9, 13, 17, 19]
    assert items.value_sum == [0.0, 10.0, 17.0, 23.0, 27.0, 28.0]


@pytest.mark.parametrize(
    ("room", "count", "bound", "price"),
    [
        pytest.param(0, 0, 0.0, 2.0, id="nothing"),
        pytest.param(4, 0, 8.0, 2.0, id="the-first-in-part"),
        pytest.param(5, 1, 10.0, 1.75, id="to-the-token"),
        pytest.param(8, 1, 15.25, 1.75, id="the-second-in-part"),
        pytest.param(18, 4, 27.5, 0.5, id="the-last-in-part"),
        pytest.param(19, 5, 28.0, 0.0, id="all"),
        pytest.param(99, 5, 28.0, 0.0, id="more-than-all"),
    ],
)
def test_bound_takes_the_densest_and_the_next_in_part(
    room: int, count: int, bound: float, price: float
) -> None:
    items = RankedItems(VALUE, TOKENS, 100)
    assert (items.break_at(room), items.bound(room)) == (count, (bound, price))


@given(sizes_and_values, prices)
def test_tokens_that_are_worth_more_than_a_price_or_just_that(
    pairs: list[tuple[int, int]], price: float
) -> None:
    items = ranked(pairs, 200)
    assert items.wanted_tokens(price) == items.tokens[items.density > price].sum()
    assert items.tied_tokens(price) == items.tokens[items.density == price].sum()


@given(sizes_and_values)
def test_tokens_at_the_price_of_an_item_are_those_of_its_ties(pairs: list[tuple[int, int]]) -> None:
    items = ranked(pairs, 200)
    for price in set(items.density.tolist()):
        assert items.tied_tokens(price) == items.tokens[items.density == price].sum() > 0


def test_items_in_doubt_are_all_within_the_margin_or_better() -> None:
    value, tokens = drawn("independent", 20_000, 7)
    items = RankedItems(value, tokens, 2000)
    price = items.bound(2000)[1]
    for margin in (0.0, 0.05, 5 * price, 60 * price):
        expected = np.flatnonzero(value - price * tokens >= -margin + 1e-12)
        found = items.in_doubt(price, margin).tolist()
        assert set(expected.tolist()) <= set(found)
        assert found == sorted(found)


def test_items_far_below_the_price_are_in_no_doubt() -> None:
    items = RankedItems(VALUE, TOKENS, 100)
    assert items.in_doubt(1.75, 0.0).tolist() == [0, 1]
    assert items.in_doubt(1.75, 0.5).tolist() == [0, 1, 2]
    assert items.in_doubt(1.75, 2.5).tolist() == [0, 1, 2, 3, 4]


def test_items_in_doubt_below_the_sorted_head_are_found() -> None:
    """The head stops long before a margin this wide."""
    value, tokens = drawn("independent", 40_000, 1)
    items = RankedItems(value, tokens, 100)
    assert len(items.head) < 20_000
    assert len(items.in_doubt(items.bound(100)[1], 1e9)) == 40_000


@given(sizes_and_values, st.data())
def test_an_exchange_for_earlier_items_keeps_kinds_and_takes_the_first_of_each(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    items = ranked(pairs, 200)
    chosen = data.draw(st.lists(st.integers(0, len(pairs) - 1), unique=True))
    exchanged = items.earliest(np.array(chosen, dtype=np.int64)).tolist()
    assert exchanged == sorted(exchanged)
    assert sorted(pairs[row] for row in exchanged) == sorted(pairs[row] for row in chosen)
    for later in exchanged:
        twins = [row for row in range(later) if pairs[row] == pairs[later]]
        assert set(twins) <= set(exchanged)


def test_items_of_equal_density_and_other_size_are_not_exchanged() -> None:
    items = RankedItems(np.array([0.4, 0.2, 0.4]), np.array([4, 2, 4]), 10)
    assert items.earliest(np.array([2, 1])).tolist() == [0, 1]
    assert items.earliest(np.array([1])).tolist() == [1]


def test_items_of_equal_value_and_other_size_are_not_exchanged() -> None:
    """Two of each kind, so that all are neighbours of an equal one."""
    items = RankedItems(np.full(4, 0.4), np.array([4, 4, 8, 8]), 30)
    assert items.earliest(np.array([3])).tolist() == [2]
    assert items.earliest(np.array([1, 3])).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("count", "margin"),
    [(1, 0.0), (2, 1.0), (3, 1.25), (4, 2.5), (5, 3.0), (9, 3.0)],
)
def test_the_margin_of_the_nearest_items(count: int, margin: float) -> None:
    """Reduced values at a price of 1.75: 1.25, 0, -1, -3 and -2.5."""
    assert RankedItems(VALUE, TOKENS, 100).nearest_margin(1.75, count) == margin


def test_the_margin_of_no_items_is_nothing() -> None:
    none = RankedItems(np.zeros(0), np.zeros(0, dtype=np.int64), 5)
    assert none.nearest_margin(1.0, 3) == 0.0
    assert (len(none), none.bound(5), none.break_at(5)) == (0, (0.0, 0.0), 0)


@pytest.mark.parametrize(
    ("values", "millionths"),
    [
        pytest.param([0.05, 0.35, 0.6], 50_000, id="twentieths"),
        pytest.param([0.1, 0.25], 50_000, id="common-divisor"),
        pytest.param([0.1, np.pi], 0, id="no-common-grain"),
        pytest.param([3.0, 9.0], 3_000_000, id="integers"),
        pytest.param([0.1] * 64 + [np.pi], 0, id="no-common-grain-beyond-the-first-few"),
        pytest.param([0.1] * 64 + [0.25], 50_000, id="common-divisor-beyond-the-first-few"),
        pytest.param([2e6], 0, id="too-large-for-exact-millionths"),
    ],
)
def test_common_grain_of_values(values: list[float], millionths: int) -> None:
    items = RankedItems(np.array(values), np.ones(len(values), dtype=np.int64), 1)
    assert items.millionths == millionths
    assert items.millionths == millionths  # kept, and the same


@pytest.mark.parametrize("kind", KINDS)
def test_no_choice_is_worth_more_than_the_bound(kind: str) -> None:
    random = np.random.default_rng(5)
    value, tokens = drawn(kind, 60, 5)
    items = RankedItems(value, tokens, 400)
    for _ in range(200):
        chosen = random.permutation(60)[: random.integers(1, 25)]
        chosen = chosen[np.cumsum(tokens[chosen]) <= 400]
        assert value[chosen].sum() <= items.bound(int(tokens[chosen].sum()))[0] + 1e-9
