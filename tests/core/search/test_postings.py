"""Postings against a dictionary of counts, and what is known of texts without a question."""

from __future__ import annotations

import math
import tracemalloc
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_changes import origins

from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.headings import HeadingIndex
from mba_integrations.core.search.postings import Postings, appended, merged
from mba_integrations.core.search.term_numbers import TermNumbers
from mba_integrations.core.search.text_traits import TextTraits

WORDS = ("apple", "bridge", "candle", "desert", "the")
texts_of_words = st.lists(st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), max_size=6)
Pairs = dict[tuple[int, int], int]


def slow_pairs(numbers: TermNumbers, texts: list[str], first_slot: int) -> Pairs:
    """How often the text of a slot has a term, by term and slot."""
    found: Pairs = {}
    for slot, text in enumerate(texts, start=first_slot):
        for term, count in Counter(numbers.splitter.terms(text)).items():
            number = numbers.number(term)
            assert number is not None
            found[number, slot] = count
    return found


def pairs_of(postings: Postings) -> Pairs:
    terms = postings.pair_terms().tolist()
    pairs = zip(terms, postings.slots.tolist(), strict=True)
    return dict(zip(pairs, postings.counts.tolist(), strict=True))


def assert_sound(postings: Postings) -> None:
    assert (np.diff(postings.terms) > 0).all()
    assert (np.diff(postings.starts) > 0).all()
    assert postings.starts[0] == 0
    assert postings.starts[-1] == postings.size == len(postings.counts)


@given(texts_of_words, st.integers(0, 3))
def test_postings_hold_what_a_loop_over_the_texts_counts(texts: list[str], first: int) -> None:
    numbers = TermNumbers()
    postings = Postings.of_texts(numbers.cut(texts), first_slot=first)
    expected = slow_pairs(numbers, texts, first)
    assert_sound(postings)
    assert pairs_of(postings) == expected
    for term in range(len(numbers) + 1):
        assert postings.slots_of(term).tolist() == sorted(s for t, s in expected if t == term)


@given(st.lists(texts_of_words, max_size=8))
def test_parts_that_are_added_hold_all_and_stay_few(batches: list[list[str]]) -> None:
    numbers = TermNumbers()
    parts: tuple[Postings, ...] = ()
    expected: Pairs = {}
    first = 0
    for texts in batches:
        parts = appended(parts, Postings.of_texts(numbers.cut(texts), first_slot=first))
        expected |= slow_pairs(numbers, texts, first)
        first += len(texts)
        assert all(a.size >= 2 * b.size for a, b in pairwise(parts))
    whole = merged(parts)
    assert_sound(whole)
    assert pairs_of(whole) == expected


def test_a_pair_is_moved_as_often_as_the_whole_can_be_halved() -> None:
    numbers = TermNumbers()
    parts: tuple[Postings, ...] = ()
    moved = 0
    for slot in range(512):
        before = parts
        parts = appended(parts, Postings.of_texts(numbers.cut([f"w{slot}"]), first_slot=slot))
        moved += sum(part.size for part in parts if all(part is not one for one in before))
    pairs = sum(part.size for part in parts)
    assert moved <= pairs * (1 + math.log2(pairs))


@given(texts_of_words.filter(bool), st.data())
def test_renumbered_pairs_are_those_of_the_rows_that_stay(
    texts: list[str], data: st.DataObject
) -> None:
    numbers = TermNumbers()
    postings = Postings.of_texts(numbers.cut(texts), first_slot=0)
    kept = data.draw(st.lists(st.integers(0, len(texts) - 1), unique=True).map(sorted))
    row_of = np.full(len(texts), -1)
    row_of[kept] = np.arange(len(kept))
    got = pairs_of(postings.renumbered(row_of))
    assert got == slow_pairs(numbers, [texts[slot] for slot in kept], 0)


def test_scores_of_a_part_are_added_by_the_formula() -> None:
    numbers = TermNumbers()
    cut = numbers.cut(["apple apple bridge", "bridge", "candle"])
    postings = Postings.of_texts(cut, first_slot=0)
    scores = np.array([1.0, 0.0, 5.0], dtype=np.float32)
    norms = np.array([2.0, 1.0, 1.0], dtype=np.float32)
    apple, bridge, _ = range(len(numbers))
    postings.add_scores(scores, [apple, bridge, 99], [3.0, 0.5, 7.0], norms)
    # apple: 3 * 2 / (2 + 2); bridge: 0.5 * 1 / (1 + 2) and 0.5 * 1 / (1 + 1)
    assert scores.tolist() == pytest.approx([1.0 + 1.5 + 0.5 / 3, 0.25, 5.0])


def test_counts_of_any_size_are_kept_in_the_smallest_type_that_holds_them() -> None:
    numbers = TermNumbers()
    for times, kind in ((200, np.uint8), (300, np.uint16), (70_000, np.uint32)):
        postings = Postings.of_texts(numbers.cut(["apple " * times]), first_slot=0)
        assert postings.counts.tolist() == [times]
        assert postings.counts.dtype == kind


HEADED = (
    *("Oslo Harbour\nCold.", "Oslo Harbour\nFull.", "Ada Lovelace (1815)\nWrote."),
    *("Kate Bell is here.", "no heading at all", "Paris\nLarge.", "the of\nNone.", ""),
)
QUERIES = ("Oslo Harbour and Ada Lovelace", "paris Paris", "Kate Bell in Oslo", "the of", "")


def assert_as_anew(index: HeadingIndex, texts: list[str]) -> None:
    for query in QUERIES:
        assert index.named_in(query) == HeadingIndex(texts).named_in(query)


@given(st.data())
def test_traits_and_headings_of_changed_texts_are_those_made_anew(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.sampled_from(HEADED), max_size=6))
    traits = TextTraits(texts)
    for name in ("log_length", "substance", "excess_length", "asks", "headings"):
        if data.draw(st.booleans()):
            getattr(traits, name)
    for _ in range(data.draw(st.integers(1, 3))):
        origin = np.array(data.draw(origins(len(texts))), dtype=np.int64)
        before = texts
        texts = [
            before[place] if place >= 0 else data.draw(st.sampled_from(HEADED)) for place in origin
        ]
        traits = traits.changed(texts, RowMap.of(origin, len(before)))
    anew = TextTraits(texts)
    for name in ("log_length", "substance", "excess_length", "asks"):
        np.testing.assert_array_equal(getattr(traits, name), getattr(anew, name))
    assert_as_anew(traits.headings, texts)


def test_lengths_of_headings_that_are_gone_are_forgotten_at_last() -> None:
    texts = [f"Name{row} Bell\nText." for row in range(4)]
    index = HeadingIndex(texts)
    for step in range(600):
        texts = [*texts[1:], f"Other{step} Bell\nText."]
        index = index.changed(texts, RowMap.of(np.array([1, 2, 3, -1]), 4))
    assert index.named_in("Other599 Bell") == {3: 1.0}
    assert len(index._lengths) < 150


def test_looking_terms_up_copies_no_column() -> None:
    every = np.arange(100_000, dtype=np.int32)
    postings = Postings(
        terms=every,
        starts=np.arange(len(every) + 1, dtype=np.int64),
        slots=every,
        counts=np.ones(len(every), dtype=np.uint8),
    )
    scores, norms = np.zeros(len(every), dtype=np.float32), np.ones(len(every), dtype=np.float32)
    tracemalloc.start()
    assert postings.slots_of(7).tolist() == [7]
    postings.add_scores(scores, [3, 99_999], [1.0, 2.0], norms)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.flatnonzero(scores).tolist() == [3, 99_999]
    assert most < every.nbytes / 10
