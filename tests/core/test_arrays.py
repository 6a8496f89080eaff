"""Highest scores and ranks, against a slow reading of the same rule."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.arrays import best_rows, ranks_of

scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, -1.0]) | st.floats(-9, 9), max_size=30)


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
