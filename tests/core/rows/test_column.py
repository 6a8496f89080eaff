"""Columns that are built when asked for and carried over where rows change."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.rows.column import Column, carry
from mba_integrations.core.rows.row_map import RowMap


class Words:
    """An owner with a column that is carried, one that needs it, and one that is built anew."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.built: list[str] = []

    @Column
    def lengths(self) -> IntArray:
        """Characters of each text."""
        self.built.append("lengths")
        return np.array([len(text) for text in self.texts], dtype=np.int64)

    @lengths.changed
    def _(self, before: IntArray, rows: RowMap) -> IntArray:
        return rows.carried(before, [len(self.texts[row]) for row in rows.fresh.tolist()])

    @Column
    def longest(self) -> int:
        self.built.append("longest")
        return int(self.lengths.max(initial=0))

    @longest.changed
    def _(self, before: int, rows: RowMap) -> int | None:
        if len(rows.gone):
            return None
        return max(before, int(self.lengths.max(initial=0)))

    @Column
    def total(self) -> int:
        self.built.append("total")
        return int(self.lengths.sum())


def test_a_column_is_built_when_first_asked_for_and_once() -> None:
    words = Words(["a", "bcd"])
    assert words.built == []
    assert not Words.lengths.known(words)
    assert words.lengths is words.lengths
    assert (words.built, Words.lengths.known(words)) == (["lengths"], True)


def test_a_column_that_is_put_is_not_built() -> None:
    words = Words(["a"])
    Words.lengths.put(words, np.array([9]))
    assert (words.lengths.tolist(), words.built) == ([9], [])


def test_owners_do_not_share_what_they_built() -> None:
    one, other = Words(["a"]), Words(["bcd"])
    assert (one.lengths.tolist(), other.lengths.tolist()) == ([1], [3])


def test_what_was_never_asked_for_is_not_carried() -> None:
    before, after = Words(["a"]), Words(["a", "bc"])
    carry(before, after, RowMap(1, 2))
    assert not Words.lengths.known(after)
    assert (before.built, after.built) == ([], [])


def test_a_column_without_a_way_to_change_and_one_that_declines_are_built_anew() -> None:
    before, after = Words(["abc", "b"]), Words(["b"])
    assert (before.total, before.longest) == (4, 3)
    carry(before, after, RowMap.of(np.array([1]), 2))
    assert (Words.lengths.known(after), Words.longest.known(after)) == (True, False)
    assert (after.total, after.longest) == (1, 1)
    assert after.built == ["total", "longest"]


def test_the_docstring_of_the_method_is_that_of_the_column() -> None:
    assert Words.lengths.__doc__ == "Characters of each text."


texts = st.lists(st.text("ab", max_size=4), max_size=6)


@given(texts, st.lists(st.tuples(st.integers(-1, 5), st.text("ab", max_size=4)), max_size=8))
def test_a_carried_column_equals_one_built_anew(
    first: list[str], picks: list[tuple[int, str]]
) -> None:
    used: set[int] = set()
    origin, later = [], []
    for place, text in picks:
        known = 0 <= place < len(first) and place not in used
        origin.append(place if known else -1)
        later.append(first[place] if known else text)
        used.add(place)
    before, after, anew = Words(first), Words(later), Words(later)
    _ = before.lengths, before.longest
    carry(before, after, RowMap.of(np.array(origin, dtype=np.int64), len(first)))
    assert Words.lengths.known(after)
    assert after.lengths.tolist() == anew.lengths.tolist()
    assert after.longest == anew.longest
    assert before.lengths.tolist() == [len(text) for text in first]


def test_threads_that_ask_at_the_same_time_get_equal_values() -> None:
    words, start = Words(["a", "bcd"]), threading.Barrier(8)
    found: list[list[int]] = []

    def ask() -> None:
        start.wait()
        found.append(words.lengths.tolist())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[1, 3]] * 8
