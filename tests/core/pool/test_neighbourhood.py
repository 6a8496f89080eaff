"""Neighbours of items, against a slow reading of the same rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.arrays import is_nothing
from mba_integrations.core.pool.neighbourhood import Neighbourhood

places = st.lists(
    st.tuples(st.integers(-1, 2), st.sampled_from([0.0, 1.0, 2.5, float("nan")])), max_size=8
)


def slow_shifted(rows: list[tuple[int, float]], values: list[float], steps: int) -> list[float]:
    result = []
    for row, (source, _) in enumerate(rows):
        same = [i for i, (other, _) in enumerate(rows) if other == source]
        same.sort(key=lambda i: (i if np.isnan(rows[i][1]) else rows[i][1], i))
        there = same.index(row) + steps
        known = source >= 0 and 0 <= there < len(same) and steps != 0
        result.append(values[same[there]] if known else 0.0)
    return result


@given(places, st.integers(-3, 3))
def test_shifted_reads_the_item_that_many_steps_away(
    rows: list[tuple[int, float]], steps: int
) -> None:
    values = [float(i + 1) for i in range(len(rows))]
    around = Neighbourhood(
        source=np.array([s for s, _ in rows], int), position=np.array([p for _, p in rows], float)
    )
    assert around.shifted(np.array(values), steps).tolist() == slow_shifted(rows, values, steps)


@given(places)
def test_beside_an_item_are_those_one_step_away(rows: list[tuple[int, float]]) -> None:
    around = Neighbourhood(
        source=np.array([s for s, _ in rows], int), position=np.array([p for _, p in rows], float)
    )
    numbers = [float(row + 1) for row in range(len(rows))]
    expected = [slow_shifted(rows, numbers, steps) for steps in (-1, 1)]
    found = around.beside(np.arange(len(rows))) + 1
    assert found.tolist() == expected


@given(places)
def test_best_of_source_is_the_maximum_of_its_items(rows: list[tuple[int, float]]) -> None:
    values = [float((7 * i) % 5) for i in range(len(rows))]
    around = Neighbourhood(
        source=np.array([s for s, _ in rows], int), position=np.array([p for _, p in rows], float)
    )
    expected = [
        max(v for v, (other, _) in zip(values, rows, strict=True) if other == source)
        if source >= 0
        else 0.0
        for source, _ in rows
    ]
    assert around.best_of_source(np.array(values)).tolist() == expected


@given(data=st.data())
def test_an_order_that_grew_is_that_of_all_items(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, 12))
    source = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=size, max_size=size)), int)
    given_places = st.sampled_from([np.nan, 0.0, 1.0, 5.0])
    position = np.array(data.draw(st.lists(given_places, min_size=size, max_size=size)), float)
    first = data.draw(st.integers(0, size))
    grown = Neighbourhood(source=source[:first], position=position[:first]).appended(
        source=source, position=position
    )
    whole = Neighbourhood(source=source, position=position)
    values = np.arange(1.0, size + 1.0)
    for step in (-3, -1, 1, 2):
        assert grown.shifted(values, step).tolist() == whole.shifted(values, step).tolist()
    assert grown.best_of_source(values).tolist() == whole.best_of_source(values).tolist()


def test_a_mean_counts_places_without_an_item_as_zero() -> None:
    around = Neighbourhood(source=np.array([0, 1, 0, -1]), position=np.full(4, np.nan))
    assert around.mean_shifted(np.array([1.0, 2.0, 3.0, 4.0]), (-1, 1)).tolist() == [1.5, 0, 0.5, 0]


@pytest.mark.parametrize(
    ("source", "is_empty"),
    [
        pytest.param([-1, -1, -1], True, id="nobody-has-a-source"),
        pytest.param([-1, 0, -1], False, id="one-has-a-source"),
        pytest.param([], True, id="no-item"),
    ],
)
def test_where_nobody_has_a_source_no_column_is_made(source: list[int], is_empty: bool) -> None:
    around = Neighbourhood(
        source=np.array(source, dtype=np.int64), position=np.full(len(source), np.nan)
    )
    values = np.arange(1.0, len(source) + 1.0)
    read = [around.shifted(values, 1), around.mean_shifted(values, (-1, 1))]
    assert [column.tolist() for column in read] == [[0.0] * len(source)] * 2
    assert [is_nothing(column) for column in (*read, around.best_of_source(values))] == (
        [is_empty] * 3
    )
