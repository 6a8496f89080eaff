"""Counts of lines against a loop that counts them all; what cannot matter is not counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_changes import origins
from snapshots import CountingCounter, renderer

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.items import ItemRows
from mba_integrations.core.pool.token_column import TokenColumn, TokenColumns
from mba_integrations.core.rows.row_map import RowMap


class WordCounter(CountingCounter):
    """Words as tokens, under the id of an encoding whose words bound its tokens from below."""

    id = "tiktoken:cl100k_base"

    def count(self, text: str, /) -> int:
        super().count(text)
        return len(text.split())


Make = Callable[[], CountingCounter]
COUNTERS: list[Make] = [CountingCounter, WordCounter]


def items_of(sizes: list[int], prefix: str = "m") -> list[MemoryItem]:
    tiers = list(MemoryTier)
    return [
        MemoryItem(f"{prefix}{row}", " ".join(["word"] * size), tiers[row % 4])
        for row, size in enumerate(sizes)
    ]


def slow(items: list[MemoryItem], counter: CountingCounter) -> list[int]:
    return [max(1, counter.count(renderer().line(item))) for item in items]


def column(items: list[MemoryItem], counter: CountingCounter, *, lazy: bool) -> TokenColumn:
    return TokenColumn(items, renderer(), counter, lazy=lazy)


sizes = st.lists(st.integers(1, 30), min_size=1, max_size=8)


@given(sizes, st.data(), st.booleans(), st.sampled_from(COUNTERS))
def test_every_answer_is_that_of_counting_all(
    words: list[int], data: st.DataObject, lazy: bool, make: Make
) -> None:
    items = items_of(words)
    exact = np.array(slow(items, make()))
    made = column(items, make(), lazy=lazy)
    tier = np.arange(len(items)) % 4
    for _ in range(data.draw(st.integers(1, 4))):
        rows = np.array(data.draw(st.lists(st.integers(0, len(items) - 1), unique=True)), dtype=int)
        some = st.sampled_from([0, 200, *exact.tolist()])
        limit = np.array(data.draw(st.lists(some, min_size=4, max_size=4)), float)
        act = data.draw(st.sampled_from(["of", "over", "over-some", "at-least", "largest"]))
        if act == "of":
            np.testing.assert_array_equal(made.of(rows), exact[rows])
        elif act == "over":
            expected = np.flatnonzero(exact > limit[tier])
            np.testing.assert_array_equal(made.over(limit, tier), expected)
        elif act == "over-some":
            rows = np.sort(rows)
            expected = rows[exact[rows] > limit[tier[rows]]]
            np.testing.assert_array_equal(made.over(limit, tier[rows], rows), expected)
        elif act == "at-least":
            assert_bounded(made, rows, limit[tier[rows]], exact[rows])
        else:
            assert made.largest == exact.max()
        assert 1 <= made.smallest <= exact.min()
    np.testing.assert_array_equal(made.all(), exact)
    assert made.complete


def assert_bounded(
    made: TokenColumn, rows: np.ndarray, enough: FloatArray, exact: np.ndarray
) -> None:
    found = made.at_least(rows, enough)
    assert (found >= 1).all()
    assert (found <= exact).all()


def test_a_column_that_is_not_lazy_or_has_no_bound_is_counted_at_once() -> None:
    for make, lazy in ((WordCounter, False), (CountingCounter, True), (CountingCounter, False)):
        counter = make()
        assert column(items_of([1, 2, 3]), counter, lazy=lazy).complete
        assert len(counter.texts) == 3


def test_what_cannot_be_over_a_limit_is_not_counted() -> None:
    counter = WordCounter()
    items = items_of([5, 5, 5, 500])
    made = column(items, counter, lazy=True)
    assert counter.texts == []
    assert made.over(np.full(4, 100.0), np.arange(4)).tolist() == [3]
    assert counter.texts == [renderer().line(items[3])]
    assert made.counts.tolist()[:3] == [0, 0, 0]


def test_bounds_from_below_count_nothing() -> None:
    counter = WordCounter()
    made = column(items_of([5, 50]), counter, lazy=True)
    found = made.at_least(np.array([0, 1]), np.array([3.0, 1e9])).tolist()
    assert 3 < found[0] <= 5  # the words are counted up to what is enough, and one more
    assert found[1] == 50
    assert counter.texts == []


def test_each_line_is_counted_once() -> None:
    counter = WordCounter()
    made = column(items_of([3, 4, 5]), counter, lazy=True)
    for rows in ([0], [0, 1], [1, 0, 1], [2]):
        made.of(np.array(rows))
    assert len(counter.texts) == 3


@given(sizes, st.data(), st.sampled_from(COUNTERS))
def test_a_changed_column_counts_only_fresh_lines_and_leaves_the_earlier_one(
    words: list[int], data: st.DataObject, make: Make
) -> None:
    before = items_of(words)
    made = column(before, make(), lazy=True)
    made.all()
    origin = np.array(data.draw(origins(len(before))), dtype=np.int64)
    fresh = items_of([7] * len(origin), prefix="n")
    after = [before[place] if place >= 0 else fresh[row] for row, place in enumerate(origin)]
    counter = make()
    later = made.changed(ItemRows(after), RowMap.of(origin, len(before)))
    later.use(renderer(), counter)
    np.testing.assert_array_equal(later.all(), slow(after, make()))
    assert len(counter.texts) == int((origin < 0).sum())
    np.testing.assert_array_equal(made.all(), slow(before, make()))


def test_passages_in_place_of_items_change_their_counts_alone() -> None:
    items = items_of([30, 20, 10])
    made = column(items, CountingCounter(), lazy=True)
    shown = made.replaced({1: MemoryItem("m1", "word", "project")})
    assert shown.all().tolist() == [made.all()[0], len("- word\n"), made.all()[2]]
    assert made.all().tolist() == slow(items, CountingCounter())


def test_columns_are_kept_by_layout_and_counter() -> None:
    items = ItemRows(items_of([3, 4]))
    columns = TokenColumns(items, lazy=False)
    words, characters = WordCounter(), CountingCounter()
    for counter in (words, characters, words, characters):
        columns.column(renderer(), counter).all()
    assert (len(words.texts), len(characters.texts)) == (2, 2)
    assert {key[1] for key in columns.counts()} == {words.id, characters.id}
    later = columns.changed(items.appended(items_of([5], prefix="n")), RowMap(2, 3))
    assert (
        later.column(renderer(), words).all().tolist()[:2]
        == columns.column(renderer(), words).all().tolist()
    )
    assert len(words.texts) == 3


@pytest.mark.parametrize("known", [[0, 0, 0], [7, 0, 9], [7, 8, 9]], ids=str)
def test_counts_that_were_made_before_are_not_made_again(known: list[int]) -> None:
    counter = WordCounter()
    items = items_of([3, 4, 5])
    given_counts = np.array(known)
    made = TokenColumn(items, renderer(), counter, lazy=True, known=given_counts)
    expected = [count or own for count, own in zip(known, slow(items, WordCounter()), strict=True)]
    assert made.all().tolist() == expected
    assert len(counter.texts) == known.count(0)
