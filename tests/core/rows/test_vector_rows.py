"""Rows of numbers that grow, against one array that is copied each time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.rows import vector_rows
from mba_integrations.core.rows.vector_rows import VectorRows


def numbered(count: int, start: int = 0) -> FloatArray:
    """Rows (n, n + a quarter), exact in float32."""
    first = np.arange(start, start + count, dtype=np.float32)
    return np.stack([first, first + np.float32(0.25)], axis=1)


def assert_rows(rows: VectorRows, expected: FloatArray) -> None:
    every = np.arange(len(expected))
    assert rows.shape == expected.shape
    assert rows.take(every).tolist() == expected.tolist()
    assert rows.take(every[::-2]).tolist() == expected[::-2].tolist()
    vector = np.array([1.0, -2.0], dtype=np.float32)
    assert rows.dot(vector).tolist() == pytest.approx((expected @ vector).tolist())


@pytest.mark.parametrize("small", [0, 8, 1024], ids=["never-copied", "few-copied", "as-shipped"])
@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    branches=st.lists(st.integers(0, 11), max_size=4),
)
def test_rows_of_a_line_and_of_its_branches_stay_what_they_were(
    small: int, sizes: list[int], branches: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_rows, "_SMALL_ROWS", small)
        patch.setattr(vector_rows, "_LEAST_ROOM", 10)
        patch.setattr(vector_rows, "_MOST_PARTS", 3)
        line = [(VectorRows((numbered(sizes[0]),)), numbered(sizes[0]))]
        for size in sizes[1:]:
            rows, expected = line[-1]
            more = numbered(size, len(expected))
            line.append((rows.appended(more), np.concatenate([expected, more])))
        for place in branches:
            rows, expected = line[place % len(line)]
            more = numbered(3, 1000 + place)
            line.append((rows.appended(more), np.concatenate([expected, more])))
        for rows, expected in line:
            assert_rows(rows, expected)
            assert len(rows.parts) <= 4


def test_the_newest_rows_use_the_room_that_is_there() -> None:
    first = VectorRows((numbered(2000),)).appended(numbered(3))
    second = first.appended(numbered(4))
    assert [len(part) for part in second.parts] == [2000, 7]
    assert np.shares_memory(first.parts[1], second.parts[1])
    assert second.parts[0] is first.parts[0]


def test_a_branch_gets_an_array_of_its_own() -> None:
    trunk = VectorRows((numbered(2000),)).appended(numbered(3))
    left, right = trunk.appended(numbered(1, 50)), trunk.appended(numbered(1, 60))
    assert left.take(np.array([2003])).tolist() == [[50.0, 50.25]]
    assert right.take(np.array([2003])).tolist() == [[60.0, 60.25]]


def test_few_rows_are_kept_in_one_array() -> None:
    rows = VectorRows((numbered(1000),)).appended(numbered(5))
    assert [len(part) for part in rows.parts] == [1005]


def test_room_is_an_eighth_more_and_at_least_64() -> None:
    assert VectorRows((numbered(100),)).appended(numbered(1))._buffer.array.shape == (101 + 64, 2)  # type: ignore[union-attr]
    grown = VectorRows((numbered(8000),)).appended(numbered(8))
    assert grown._buffer.array.shape == (8 + 8008 // 8, 2)  # type: ignore[union-attr]


def test_many_arrays_become_one() -> None:
    parts = tuple(numbered(100, 100 * number) for number in range(24))
    rows = VectorRows(parts).appended(numbered(1, 2400))
    assert len(rows.parts) == 1
    assert_rows(rows, numbered(2401))


def test_what_is_taken_is_a_copy() -> None:
    for parts in ((numbered(3),), (numbered(2), numbered(1, 2))):
        rows = VectorRows(parts)
        rows.take(np.array([0, 2]))[:] = -1
        assert_rows(rows, numbered(3))
