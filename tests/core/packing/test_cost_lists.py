"""Lists of states, against a slow reading of the same rules."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import rows_of

from mba_integrations.core.packing.cost_lists import (
    AT_HOME,
    CostList,
    all_pairs,
    best_pairs,
    shortened,
    unwound,
)

# Costs and values are few and exact, so that ties are common and sums have no rounding.
states = rows_of(list(product(range(13), repeat=2)), min_size=1, max_size=8)


def listed(pairs: list[tuple[int, int]], first_core: int = 0) -> CostList:
    """Undominated states of (cost, value); slack is cost less value, shifted to 0 and above."""
    cost = np.array([float(cost) for cost, _ in pairs])
    value = np.array([float(value) for _, value in pairs])
    core = np.arange(first_core, first_core + len(pairs))
    return CostList(cost, value, cost - value + 12.0, core).undominated()


def pairs_of(found: CostList) -> list[tuple[float, float]]:
    return list(zip(found.cost.tolist(), found.value.tolist(), strict=True))


def best_within(pairs: list[tuple[float, float]], limit: float) -> float:
    return max((value for cost, value in pairs if cost <= limit), default=-1.0)


@given(states)
def test_undominated_states_rise_and_lose_nothing(pairs: list[tuple[int, int]]) -> None:
    found = listed(pairs)
    assert (np.diff(found.value) > 0).all()
    assert (np.diff(found.cost) >= 0).all()
    for limit in range(13):
        given_pairs = [(float(cost), float(value)) for cost, value in pairs]
        assert best_within(pairs_of(found), limit) == best_within(given_pairs, limit)


def test_a_state_that_a_cheaper_one_equals_goes() -> None:
    assert pairs_of(listed([(5, 3), (4, 3), (6, 2), (7, 4)])) == [(4.0, 3.0), (7.0, 4.0)]


@given(states, states, st.integers(0, 24), st.integers(0, 48))
def test_all_pairs_are_the_undominated_sums_within_limit_and_gap(
    left: list[tuple[int, int]], right: list[tuple[int, int]], limit: int, gap: int
) -> None:
    a, b = listed(left), listed(right)
    found = all_pairs(a, b, float(limit), float(gap))
    sums = [
        (float(a.cost[i] + b.cost[j]), float(a.value[i] + b.value[j]))
        for i, j in product(range(len(a)), range(len(b)))
        if a.slack[i] + b.slack[j] <= gap and a.cost[i] + b.cost[j] <= limit
    ]
    assert set(pairs_of(found)) <= set(sums)
    for bound in range(25):
        assert best_within(pairs_of(found), bound) == best_within(sums, bound)
    assert found.slack.tolist() == [cost - value + 24.0 for cost, value in pairs_of(found)]


@given(states, states, st.integers(0, 24))
def test_the_best_pair_is_that_of_all_pairs(
    left: list[tuple[int, int]], right: list[tuple[int, int]], limit: int
) -> None:
    a, b = listed(left), listed(right)
    found = best_pairs(a, b, float(limit))
    assert (found.cost <= limit).all()
    expected = best_within(pairs_of(all_pairs(a, b, float(limit), np.inf)), limit)
    assert best_within(pairs_of(found), limit) == expected
    assert found.slack.tolist() == [cost - value + 24.0 for cost, value in pairs_of(found)]


@given(states, states, states)
def test_a_merged_state_is_unwound_to_the_states_it_is_the_sum_of(
    first: list[tuple[int, int]], second: list[tuple[int, int]], third: list[tuple[int, int]]
) -> None:
    """Core tokens number the states: 0 and on, 100 and on, 200 and on."""
    lists = [listed(first), listed(second, 100), listed(third, 200)]
    of_core = {
        int(core): (float(cost), float(value))
        for one in lists
        for core, cost, value in zip(one.core_tokens, one.cost, one.value, strict=True)  # type: ignore[arg-type]
    }
    merged = best_pairs(all_pairs(lists[0], lists[1], 99.0, np.inf), lists[2], 30.0)
    for state, (cost, value) in enumerate(pairs_of(merged)):
        cores = unwound(merged, state)
        assert [core // 100 for core in cores] == [0, 1, 2]
        assert cost == sum(of_core[core][0] for core in cores)
        assert value == sum(of_core[core][1] for core in cores)


def test_a_list_of_one_tier_unwinds_to_its_own_tokens() -> None:
    assert unwound(listed([(1, 1), (2, 5), (3, 7)]), 2) == [2]


def test_states_without_core_tokens_are_at_home() -> None:
    home = CostList(np.array([4.0]), np.array([1.0]), np.zeros(1))
    assert unwound(home, 0) == [AT_HOME]
    joined = CostList.joined([home, listed([(5, 2), (6, 3)])])
    assert joined.core_tokens is not None
    assert joined.core_tokens.tolist() == [AT_HOME, 0, 1]


def test_joined_lists_drop_what_the_other_beats() -> None:
    joined = CostList.joined([listed([(4, 5), (8, 9)]), listed([(3, 6), (9, 10)], 100)])
    assert pairs_of(joined) == [(3.0, 6.0), (8.0, 9.0), (9.0, 10.0)]
    assert joined.core_tokens is not None
    assert joined.core_tokens.tolist() == [100, 1, 101]


def test_few_pairs_are_not_shortened() -> None:
    a, b = listed([(1, 1), (2, 2), (3, 3)]), listed([(1, 1), (2, 2)])
    left, right, reach = shortened(a, b, 5.0, 6)
    assert (left is a, right is b, reach) == (True, True, 5.0)


@given(states, states, st.integers(1, 30))
def test_shortened_lists_hold_the_states_of_least_slack_and_say_what_they_lost(
    left: list[tuple[int, int]], right: list[tuple[int, int]], most: int
) -> None:
    a, b = listed(left), listed(right)
    shorter_a, shorter_b, reach = shortened(a, b, 100.0, most)
    assert len(shorter_a) * len(shorter_b) <= max(most, len(a), len(b))
    lost = [100.0]
    for before, after in ((a, shorter_a), (b, shorter_b)):
        assert len(after) >= 1
        kept = set(pairs_of(after))
        assert [pair for pair in pairs_of(before) if pair in kept] == pairs_of(after)
        out = [
            slack
            for pair, slack in zip(pairs_of(before), before.slack.tolist(), strict=True)
            if pair not in kept
        ]
        assert all(slack >= after.slack.max() for slack in out)
        lost += out
    assert reach == min(lost)


@pytest.mark.parametrize(
    ("sizes", "most", "lengths"),
    [
        pytest.param((100, 100), 100, (10, 10), id="the-root-for-each"),
        pytest.param((100, 2), 100, (50, 2), id="more-for-one-where-the-other-is-short"),
        pytest.param((2, 100), 100, (2, 50), id="either-side"),
        pytest.param((20, 1000), 100, (10, 10), id="not-less-than-the-root"),
    ],
)
def test_pairs_are_shared_out_to_both_sides(
    sizes: tuple[int, int], most: int, lengths: tuple[int, int]
) -> None:
    a, b = (listed([(i, i) for i in range(size)]) for size in sizes)
    left, right, _ = shortened(a, b, np.inf, most)
    assert (len(left), len(right)) == lengths
