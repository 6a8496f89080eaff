"""Highest scores, ranks and dense sets, against a slow reading of the same rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core import arrays
from mba_integrations.core.arrays import SAMPLE_SIZE, FloatArray, best_rows, densest, ranks_of

scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, -1.0]) | st.floats(-9, 9), max_size=30)
densities = st.lists(st.sampled_from([0.0, 0.25, 0.5]) | st.floats(0.0, 9.0), max_size=40)


@given(scores, st.integers(0, 33))
def test_the_highest_come_first_and_equal_ones_in_input_order(
    values: list[float], count: int
) -> None:
    expected = sorted(range(len(values)), key=lambda row: -values[row])[:count]
    assert best_rows(np.array(values, dtype=float), count).tolist() == expected


@given(scores)
def test_a_rank_is_how_many_are_higher(values: list[float]) -> None:
    expected = [sum(other > value for other in values) for value in values]
    assert ranks_of(np.array(values, dtype=float)).tolist() == expected


def assert_dense(density: FloatArray, count: int) -> int:
    """All at or above the threshold are in, and no others; how many that are."""
    rows, lowest = densest(density, count)
    assert rows.tolist() == np.flatnonzero(density >= lowest).tolist()
    return len(rows)


@given(densities, st.integers(1, 12))
def test_a_dense_set_of_few_is_exactly_the_highest_with_their_ties(
    values: list[float], count: int
) -> None:
    """Without a sample the threshold is the one of the highest *count*."""
    density = np.array(values, dtype=float)
    found = assert_dense(density, count)
    if count * 4 >= len(values):
        assert found == len(values)
    else:
        assert found == (density >= np.sort(density)[-count]).sum() >= count


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3000), st.sampled_from([5_000, 20_000, 100_000]))
def test_a_dense_set_of_many_in_random_order_has_about_what_was_asked(
    seed: int, count: int, size: int
) -> None:
    found = assert_dense(np.random.default_rng(seed).random(size), count)
    step = size // SAMPLE_SIZE
    assert found <= 2.5 * count + 16 * step or found == size
    assert found >= count - 4 * np.sqrt(count * step)
    assert (found == size) == (count * 4 >= size)


def test_a_threshold_above_all_others_keeps_equal_entries_together() -> None:
    density = np.tile([0.5, 0.1, 0.1, 0.1], 5_000)
    rows, lowest = densest(density, 10)
    assert (len(rows), lowest) == (5_000, 0.5)


@pytest.mark.parametrize(
    ("size", "count", "whole"),
    [
        pytest.param(0, 1, True, id="none"),
        pytest.param(8, 2, True, id="a-quarter"),
        pytest.param(9, 2, False, id="less-than-a-quarter"),
    ],
)
def test_from_a_quarter_on_the_dense_set_is_everything(size: int, count: int, whole: bool) -> None:
    rows, lowest = densest(np.arange(1.0, size + 1), count)
    assert (len(rows) == size, lowest == 0.0) == (whole, whole)


def test_a_sample_that_is_too_small_gives_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "SAMPLE_SIZE", 4)
    rows, lowest = densest(np.arange(1.0, 101), 10)
    assert (len(rows), lowest) == (100, 0.0)


@given(scores, st.integers(1, 8))
def test_the_best_rows_are_those_of_the_best_ranks(values: list[float], count: int) -> None:
    column = np.array(values, dtype=float)
    ranks = ranks_of(column)[best_rows(column, count)].tolist()
    assert ranks == sorted(ranks)
    assert all(rank < count for rank in ranks)


@pytest.mark.parametrize("levels", [3, 50, 10**6], ids=["many-equal", "some-equal", "few-equal"])
@pytest.mark.parametrize("count", [1, 40, 2_000])
def test_the_best_of_a_long_column_are_those_of_a_sort(levels: int, count: int) -> None:
    for seed in range(5):
        column = np.random.default_rng(seed).integers(0, levels, 3 * SAMPLE_SIZE) / levels
        expected = np.argsort(-column, kind="stable")[:count]
        assert best_rows(column, count).tolist() == expected.tolist()


def test_a_sample_of_all_that_is_high_does_not_hide_the_rest() -> None:
    column = np.zeros(3 * SAMPLE_SIZE)
    column[::3] = np.arange(SAMPLE_SIZE)
    expected = np.argsort(-column, kind="stable")[:1_500]
    assert best_rows(column, 1_500).tolist() == expected.tolist()


def test_no_scores_have_no_ranks_and_no_best() -> None:
    none = np.zeros(0)
    assert (best_rows(none, 3).tolist(), ranks_of(none).tolist()) == ([], [])
    assert best_rows(np.ones(3), 0).tolist() == []
