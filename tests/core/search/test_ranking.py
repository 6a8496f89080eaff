"""An index that changes against a plain list of texts: every number that it gives, by loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from row_changes import origins

from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.headings import HeadingIndex
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.terms import TermSplitter
from mba_integrations.core.search.vector_column import VectorColumn, column_of

K1, B = 1.2, 0.75
TEXTS = (
    *("red apple pie", "green apple", "blue sky over hills", "apple apple apple", "the of and"),
    *("", "pie pie sky", "red red blue", "hills and hills"),
)
QUERIES = ("apple pie", "red sky unicorn", "the", "pie pie pie", "blue hills red apple green")
texts_of = st.lists(st.sampled_from(TEXTS), max_size=6)
terms_of = TermSplitter().terms


class PlainIndex:
    """BM25 over a list of texts, by loops over all of them."""

    def __init__(self, texts: list[str]) -> None:
        self.rows = [terms_of(text) for text in texts]
        self.mean = sum(map(len, self.rows)) / max(1, len(self.rows))

    def frequency(self, term: str) -> int:
        return sum(term in row for row in self.rows)

    def idf(self, term: str) -> float:
        found = self.frequency(term)
        return math.log(1 + (len(self.rows) - found + 0.5) / (found + 0.5))

    def part(self, term: str, row: list[str]) -> float:
        count = row.count(term)
        damping = K1 * (1 - B + B * len(row) / max(self.mean, 1e-9))
        return self.idf(term) * count / (count + damping)

    def scores(self, terms: list[str]) -> list[float]:
        return [sum(self.part(term, row) for term in dict.fromkeys(terms)) for row in self.rows]

    def best_possible(self, terms: list[str]) -> float:
        return sum(self.idf(term) for term in dict.fromkeys(terms)) / (1 + K1)

    def rare_terms(self, row: int, besides: list[str], count: int) -> list[str]:
        """Those of a text that another has too, rarest first, then by where they first appear."""
        appearance = list(dict.fromkeys(term for text in self.rows for term in text))
        shared = [
            term
            for term in dict.fromkeys(self.rows[row])
            if self.frequency(term) > 1 and term not in besides
        ]
        return sorted(shared, key=lambda term: (self.frequency(term), appearance.index(term)))[
            :count
        ]


def assert_as_plainly(index: LexicalIndex, texts: list[str]) -> None:
    plain = PlainIndex(texts)
    assert len(index) == len(texts)
    for query in QUERIES:
        terms = terms_of(query)
        assert index.scores(query).tolist() == pytest.approx(plain.scores(terms), rel=1e-5)
        assert index.best_possible(query) == pytest.approx(plain.best_possible(terms))
        known = {term: plain.idf(term) for term in terms if plain.frequency(term)}
        assert index.term_weights(query) == pytest.approx(known)
        for count in (1, 3):
            rows = range(len(texts))
            found = index.scores_of_rare_terms(rows, besides=query, count=count)
            for row, scores in zip(rows, found, strict=True):
                expected = plain.scores(plain.rare_terms(row, terms, count))
                assert scores.tolist() == pytest.approx(expected, rel=1e-5)


@settings(max_examples=60)
@given(texts_of, st.data())
def test_after_any_changes_an_index_gives_what_loops_over_its_texts_give(
    texts: list[str], data: st.DataObject
) -> None:
    index = LexicalIndex.build(texts)
    assert_as_plainly(index, texts)
    for _ in range(data.draw(st.integers(1, 4))):
        origin = np.array(data.draw(origins(len(texts))), dtype=np.int64)
        fresh = data.draw(st.lists(st.sampled_from(TEXTS), min_size=len(origin)))
        after = [texts[at] if at >= 0 else fresh[row] for row, at in enumerate(origin)]
        index, texts = index.changed(after, RowMap.of(origin, len(texts))), after
    assert_as_plainly(index, texts)
    compacted = LexicalIndex(texts, index.columns.compact(), index.traits)
    assert_as_plainly(compacted, texts)


@pytest.mark.parametrize(
    ("act", "after"),
    [
        pytest.param([0, 1, 2, -1], ["a b", "b", "c", "b c"], id="add"),
        pytest.param([0, -1, 2], ["a b", "c c", "c"], id="update"),
        pytest.param([1, 2], ["b", "c"], id="remove"),
        pytest.param([2, 1, 0], ["c", "b", "a b"], id="reorder"),
        pytest.param([], [], id="remove-all"),
    ],
)
def test_each_act_gives_the_scores_of_a_fresh_index_bit_for_bit(
    act: list[int], after: list[str]
) -> None:
    index = LexicalIndex.build(["a b", "b", "c"])
    changed = index.changed(after, RowMap.of(np.array(act, dtype=np.int64), 3))
    for query in ("b", "b c", "c zebra"):
        np.testing.assert_array_equal(
            changed.scores(query), LexicalIndex.build(after).scores(query)
        )


def test_bm25_of_two_texts_by_hand() -> None:
    """apple is in both texts, pie in one; the texts have 2 and 4 terms, 3 in the mean."""
    index = LexicalIndex.build(["apple pie", "apple sky sky sky"])
    of_apple, of_pie = math.log(1 + 0.5 / 2.5), math.log(1 + 1.5 / 1.5)
    short, long = 1.2 * (0.25 + 0.75 * 2 / 3), 1.2 * (0.25 + 0.75 * 4 / 3)
    expected = [of_apple / (1 + short) + of_pie / (1 + short), of_apple / (1 + long)]
    assert index.scores("apple pie").tolist() == pytest.approx(expected, rel=1e-6)
    assert index.best_possible("apple pie") == pytest.approx((of_apple + of_pie) / 2.2)


def test_equally_rare_terms_of_equal_texts_are_cut_once_per_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut = 0
    real = TermSplitter.terms

    def counted(splitter: TermSplitter, text: str) -> list[str]:
        nonlocal cut
        cut += 1
        return real(splitter, text)

    monkeypatch.setattr(TermSplitter, "terms", counted)
    counts = []
    for size in (50, 100, 200):
        long = " ".join(f"w{place}" for place in range(size))
        index = LexicalIndex.build(["old", long, long])
        index = index.changed([long, long, "new"], RowMap.of(np.array([1, 2, -1]), 3))
        assert not index.columns.in_order
        cut = 0
        index.scores_of_rare_terms([0, 1], besides="", count=5)
        counts.append(cut)
    assert counts[0] == counts[1] == counts[2] < 10


def test_a_query_reads_only_its_beginning() -> None:
    index = LexicalIndex.build(["apple", "pie"])
    assert index.scores(" " * 100_000 + "apple").tolist() == [0.0, 0.0]
    assert index.scores(" " * 99_990 + "apple").tolist()[0] > 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("don't can't", [], id="contractions-are-function-words"),
        pytest.param("Kate's keys", ["kate", "key"], id="possessive"),
        pytest.param("Kate\u2019s keys", ["kate", "key"], id="curly-apostrophe"),
        pytest.param("o'clock", ["o", "clock", "o'clock"], id="apostrophe-inside"),
        pytest.param("HTTPServer", ["http", "server", "httpserver"], id="humps"),
        pytest.param("user_id", ["user", "id", "user_id"], id="underscore"),
        pytest.param("v2 abc123", ["v", "2", "v2", "abc", "123", "abc123"], id="digits"),
        pytest.param("3.14", ["3", "14"], id="a-point-parts"),
        pytest.param("Café naïve", ["cafe", "naïv", "naiv"], id="latin-accents"),
        pytest.param("東京都庁", ["東京", "京都", "都庁"], id="pairs-of-ideographs"),
        pytest.param("東 a", ["東"], id="one-ideograph"),
        pytest.param("ｆｕｌｌ", ["full"], id="full-width-letters"),
        pytest.param("skiing skis skied", ["ski", "ski", "ski"], id="stems"),
        pytest.param("...!? --", [], id="punctuation"),
    ],
)
def test_words_become_terms(text: str, expected: list[str]) -> None:
    assert set(TermSplitter().terms(text)) <= set(expected)
    assert bool(expected) == bool(TermSplitter().terms(text))


HEADED = (
    *("Oslo Harbour\nCold.", "Oslo Harbour\nFull.", "Oslo\nLarge.", "Ada Lovelace (1815)\nWrote."),
    *("Kate Bell is here.", "no heading", "2nd May\nLate.", ""),
)
HEADINGS: tuple[list[str], ...] = (
    *(["oslo", "harbour"], ["oslo", "harbour"], ["oslo"], ["ada", "lovelace"], ["kate", "bell"]),
    *([], ["2nd", "may"], []),
)


def slow_named(rows: list[int], text: str) -> dict[int, float]:
    """The longest heading at each place, from left to right; each of k items counts 1 / k."""
    words, at = text.split(), 0
    found: dict[int, float] = {}
    while at < len(words):
        fitting = [
            heading
            for heading in {tuple(HEADINGS[row]) for row in rows}
            if heading
            and [word.lower() for word in words[at : at + len(heading)]] == list(heading)
            and (len(heading) > 1 or words[at] != words[at].lower())
        ]
        longest = max(fitting, key=len, default=())
        sharing = [place for place, row in enumerate(rows) if tuple(HEADINGS[row]) == longest]
        for place in sharing if longest else ():
            found[place] = max(found.get(place, 0.0), 1 / len(sharing))
        at += max(1, len(longest))
    return found


@given(
    st.lists(st.integers(0, len(HEADED) - 1), max_size=8),
    st.lists(
        st.sampled_from(
            ["Oslo", "oslo", "Harbour", "Ada", "Lovelace", "kate", "Bell", "2nd", "May"]
        ),
        max_size=8,
    ).map(" ".join),
)
def test_headings_are_found_as_by_trying_each_at_each_place(rows: list[int], text: str) -> None:
    index = HeadingIndex([HEADED[row] for row in rows])
    assert index.named_in(text) == slow_named(rows, text)


VECTORS: tuple[Any, ...] = (None, [1.0, 0.0], [0.6, 0.8], [0.0, 0.0], [-3.0, 4.0])


def arrays(vectors: list[Any]) -> list[Any]:
    return [None if vector is None else np.array(vector, dtype=np.float32) for vector in vectors]


def cosines(vectors: list[Any], query: list[float]) -> list[float]:
    """Cosine by the formula; 0 without a vector and for zeros."""
    size = math.hypot(*query)
    return [
        0.0
        if vector is None or not any(vector)
        else sum(a * b for a, b in zip(vector, query, strict=True)) / math.hypot(*vector) / size
        for vector in vectors
    ]


@given(st.lists(st.sampled_from(VECTORS), max_size=6), st.data())
def test_cosines_of_a_column_that_changes_are_those_of_the_formula(
    vectors: list[Any], data: st.DataObject
) -> None:
    column: VectorColumn | None = column_of(arrays(vectors))
    assert (column is None) == all(vector is None for vector in vectors)
    if column is None:
        return
    for _ in range(data.draw(st.integers(0, 3))):
        origin = np.array(data.draw(origins(len(vectors))), dtype=np.int64)
        column = column.changed(RowMap.of(origin, len(vectors)))
        fresh = data.draw(
            st.lists(
                st.sampled_from(VECTORS),
                min_size=len(column.pending),
                max_size=len(column.pending),
            )
        )
        column = column.completed(arrays(fresh)) if len(fresh) else column
        coming = iter(fresh)
        vectors = [vectors[at] if at >= 0 else next(coming) for at in origin.tolist()]
    assert column.known.tolist() == [vector is not None for vector in vectors]
    for query in ([1.0, 0.0], [0.6, -0.8]):
        got = column.dot(np.array(query, dtype=np.float32))
        assert got.tolist() == pytest.approx(cosines(vectors, query), abs=1e-6)


def test_terms_that_no_text_has_any_more_are_left_out_when_compacted() -> None:
    texts = [f"word{row} common" for row in range(40)]
    index = LexicalIndex.build(texts)
    fewer = index.changed(texts[:10], RowMap.of(np.arange(10), 40))
    compacted = fewer.columns.compact()
    expected = dict.fromkeys(term for text in texts[:10] for term in terms_of(text))
    assert compacted.numbers.terms() == list(expected)
    assert_as_plainly(LexicalIndex(texts[:10], compacted, fewer.traits), texts[:10])
