"""Vectors held once, and products with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.rows.vector_rows import VectorRows
from mba_integrations.core.search.vector_column import NONE, VectorColumn, column_of


def matrix(rows: int, seed: int = 0) -> FloatArray:
    made = np.random.default_rng(seed).standard_normal((rows, 4), dtype=np.float32)
    made.flags.writeable = False
    return made


def items_of(vectors: list[FloatArray | None]) -> list[MemoryItem]:
    return [MemoryItem(f"m{row}", "text", "rag", embedding=v) for row, v in enumerate(vectors)]


def column(items: list[MemoryItem]) -> VectorColumn:
    made = column_of([item.embedding for item in items])
    assert made is not None
    return made


def unit(rows: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(rows.astype(float), axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))


def test_rows_of_one_array_are_used_where_they_are() -> None:
    given_rows = matrix(9)
    made = column(items_of(list(given_rows)))
    assert np.shares_memory(made.stored.parts[0], given_rows)
    np.testing.assert_allclose(made.take(np.arange(9)), unit(given_rows), rtol=1e-6)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([2, 1, 0], id="another-order"),
        pytest.param([0, 2, 3], id="a-gap"),
        pytest.param([0, 0, 1], id="one-twice"),
    ],
)
def test_rows_that_do_not_follow_each_other_are_copied(rows: list[int]) -> None:
    given_rows = matrix(4)
    made = column(items_of([given_rows[row] for row in rows]))
    np.testing.assert_allclose(made.take(np.arange(3)), unit(given_rows[rows]), rtol=1e-6)


def test_a_column_of_an_array_is_no_row() -> None:
    given_rows = matrix(4)
    made = column(items_of(list(given_rows.T)))
    np.testing.assert_allclose(made.take(np.arange(4)), unit(given_rows.T), rtol=1e-6)


def test_the_items_that_are_handed_in_stay_as_they_are() -> None:
    items = items_of([np.array(row) for row in matrix(5)])
    before = [item.embedding for item in items]
    column(items)
    assert all(item.embedding is vector for item, vector in zip(items, before, strict=True))


def test_a_query_of_another_length_is_refused_with_both_lengths() -> None:
    with pytest.raises(InputError, match="embedding has 3 numbers, the items' have 4"):
        column(items_of(list(matrix(2)))).dot(np.ones(3, dtype=np.float32))


def test_items_without_a_vector_are_zero() -> None:
    made = column(items_of([None, np.array([3.0, 4.0]), None]))
    assert made.known.tolist() == [False, True, False]
    np.testing.assert_allclose(made.take(np.arange(3)), [[0, 0], [0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(made.dot(np.array([1, 0], dtype=np.float32)), [0, 0.6, 0])


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-18, 1.0, 1e18, 1e37], ids=str)
def test_length_of_a_vector_does_not_matter(size: float) -> None:
    made = column(items_of([np.array([3.0 * size, 4.0 * size]), np.array([0.0, 1.0])]))
    expected = 0.6 if size else 0.0
    np.testing.assert_allclose(made.dot(np.array([1, 0], dtype=np.float32)), [expected, 0], 1e-5)


@given(st.lists(st.integers(1, 400), max_size=30), st.integers(0, 1500))
def test_rows_are_added_without_changing_earlier_ones(sizes: list[int], first: int) -> None:
    whole = matrix(first + sum(sizes))
    rows = VectorRows((whole[:first],))
    earlier = [(rows, first)]
    for size in sizes:
        end = earlier[-1][1]
        rows = rows.appended(whole[end : end + size])
        earlier.append((rows, end + size))
    query = np.array([1, -2, 0.5, 3], dtype=np.float32)
    for then, end in earlier:
        assert then.shape == (end, 4)
        np.testing.assert_allclose(then.dot(query), whole[:end] @ query, rtol=1e-4, atol=1e-5)
        some = np.arange(end)[::-3]
        np.testing.assert_array_equal(then.take(some), whole[some])
    assert len(rows.parts) <= 25


def test_two_branches_do_not_write_into_each_other() -> None:
    trunk = VectorRows((matrix(3),)).appended(matrix(2, seed=1))
    left, right = trunk.appended(matrix(1, seed=2)), trunk.appended(matrix(1, seed=3))
    np.testing.assert_array_equal(left.take(np.array([5])), matrix(1, seed=2))
    np.testing.assert_array_equal(right.take(np.array([5])), matrix(1, seed=3))


def test_appending_a_row_to_many_does_not_move_them() -> None:
    many = matrix(5000)
    grown = VectorRows((many,)).appended(matrix(1, seed=1))
    again = grown.appended(matrix(1, seed=2))
    assert grown.parts[0] is many
    assert np.shares_memory(grown.parts[1], again.parts[1])


def test_vectors_of_items_that_went_are_given_up_at_last() -> None:
    made = VectorColumn.of_matrix(matrix(2000))
    fewer = made.changed(RowMap.of(np.arange(0, 2000, 4), 2000))
    assert len(fewer.inverse) == 500
    np.testing.assert_allclose(fewer.take(np.arange(500)), unit(matrix(2000)[::4]), rtol=1e-6)


def test_fresh_items_are_pending_until_they_are_completed() -> None:
    made = VectorColumn.of_matrix(matrix(2)).changed(RowMap(2, 4))
    assert made.pending.tolist() == [2, 3]
    done = made.completed([None, matrix(1, seed=1)[0]])
    assert done.pending.tolist() == []
    assert done.known.tolist() == [True, True, False, True]
    assert done.places is not None
    assert done.places[2] == NONE
    np.testing.assert_allclose(done.take(np.array([3])), unit(matrix(1, seed=1)), rtol=1e-6)


def exact_total(made: VectorColumn) -> list[int]:
    """The sum, number by number."""
    rows = made.take(np.flatnonzero(made.known)).tolist()
    return [sum(round(row[place] * 2**30) for row in rows) for place in range(made.shape[1])]


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["add", "drop", "lack"]), st.integers(0, 9)), max_size=12
    )
)
def test_the_sum_of_a_changed_column_is_that_of_one_made_anew(steps: list[tuple[str, int]]) -> None:
    made = VectorColumn.of_matrix(matrix(3))
    assert made.total.tolist() == exact_total(made)
    for act, number in steps:
        size = len(made)
        if act == "drop" and size:
            kept = np.delete(np.arange(size), number % size)
            made = made.changed(RowMap.of(kept, size))
        else:
            vector = matrix(1, seed=number)[0] if act == "add" else None
            made = made.changed(RowMap(size, size + 1)).completed([vector])
        assert "total" in vars(made)  # carried over, not worked out
        assert made.total.tolist() == exact_total(made)


@pytest.mark.parametrize("rows", [1, 5, 5000])
def test_likeness_to_the_mean_is_that_of_a_plain_loop(rows: int) -> None:
    vectors = matrix(rows)
    made = column(items_of([None, *vectors]))
    mean = unit(vectors).sum(axis=0) / (rows + 20)
    expected = [0.0, *(float(row @ mean) for row in unit(vectors))]
    np.testing.assert_allclose(made.likeness_to_mean, expected, atol=1e-6)


def test_no_vector_is_like_a_mean_of_none() -> None:
    made = VectorColumn.of_matrix(matrix(1)).changed(RowMap.of(np.array([-1]), 1)).completed([None])
    assert made.likeness_to_mean.tolist() == [0.0]
