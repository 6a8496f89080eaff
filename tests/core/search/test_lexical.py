"""Terms of texts, and BM25 over them."""

from __future__ import annotations

import logging
import math
from collections import Counter
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.terms import TermSplitter
from mba_integrations.core.search.words.lexical_columns import WholeTexts

ODD_QUERIES = [
    pytest.param("", id="empty"),
    pytest.param("   \n\t", id="blank"),
    pytest.param('AND OR NOT ("*" ~2) ^5 field:[a TO b] \\', id="operators"),
    pytest.param("the of and", id="stop-words-only"),
    pytest.param("x" * 1_000_000, id="one-long-word"),
    pytest.param("zq " * 350_000, id="one-megabyte-of-unknown-words"),
    pytest.param("\ud800 \x00 \u200b", id="surrogate-and-control"),
    pytest.param("Где ключи? 鍵はどこ", id="other-scripts"),
    pytest.param("' '' ’ _ __ ___", id="joiners-only"),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("the parsers were parsing", ["parser", "pars"], id="stems-without-stop-words"),
        pytest.param("snake_case", ["snake", "case", "snake_case"], id="snake-case"),
        pytest.param("parseJson", ["pars", "json", "parsejson"], id="camel-case"),
        pytest.param("HTTPServer", ["http", "server", "httpserver"], id="acronym-in-camel-case"),
        pytest.param("v2", ["v", "2", "v2"], id="letters-and-digits"),
        pytest.param("on 2024-05-01", ["2024", "05", "01"], id="numbers-of-a-date"),
        pytest.param("Kate's", ["kate"], id="possessive"),
        pytest.param("Kate\u2019s", ["kate"], id="typographic-apostrophe"),
        pytest.param("don't", [], id="contraction-of-stop-words"),
        pytest.param("O'Brien", ["o", "brien", "o'brien"], id="name-with-apostrophe"),
        pytest.param("Café", ["cafe"], id="latin-accent"),
        pytest.param("東京都", ["東京", "京都"], id="han-without-spaces"),
        pytest.param("東", ["東"], id="one-han-character"),
        pytest.param("हिन्दी", ["हिन्दी"], id="indic-marks-stay-in-the-word"),
        pytest.param("ключи", ["ключ"], id="cyrillic"),
        pytest.param("the ключи of a flat", ["ключи", "flat"], id="foreign-words-are-not-stemmed"),
        pytest.param("", [], id="empty"),
    ],
)
def test_text_becomes_terms(text: str, expected: list[str]) -> None:
    assert TermSplitter().terms(text) == expected


@given(st.text())
def test_any_text_gives_nonempty_lower_case_terms_twice_the_same(text: str) -> None:
    splitter = TermSplitter()
    terms = splitter.terms(text)
    assert splitter.terms(text) == terms
    assert all(terms)
    assert all(len(term) <= 64 for term in terms)


def test_scores_are_those_of_the_bm25_formula() -> None:
    texts = ["red apple pie", "green apple", "blue sky over hills", "apple apple apple"]
    query = "apple pie"
    rows = [Counter(TermSplitter().terms(text)) for text in texts]
    mean = sum(row.total() for row in rows) / len(rows)
    expected = []
    for row in rows:
        score = 0.0
        for term in TermSplitter().terms(query):
            found = sum(term in other for other in rows)
            idf = math.log(1 + (len(rows) - found + 0.5) / (found + 0.5))
            damping = 1.2 * (1 - 0.75 + 0.75 * row.total() / mean)
            score += idf * row[term] / (row[term] + damping)
        expected.append(score)
    np.testing.assert_allclose(LexicalIndex.build(texts).scores(query), expected, rtol=1e-5)


@pytest.mark.parametrize("query", ODD_QUERIES)
def test_odd_queries_score_zero_and_do_not_raise(query: str) -> None:
    scores = LexicalIndex.build(["red apple", "green pear"]).scores(query)
    assert scores.dtype == np.float32
    assert scores.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([], id="no-texts"),
        pytest.param([""], id="one-empty-text"),
        pytest.param(["the of", "!?"], id="no-terms"),
    ],
)
def test_an_empty_vocabulary_scores_zero(texts: list[str]) -> None:
    index = LexicalIndex.build(texts)
    assert len(index) == len(texts)
    assert index.scores("apple").tolist() == [0.0] * len(texts)
    assert math.isfinite(index.best_possible("apple"))


@given(st.lists(st.text(max_size=30), max_size=6), st.text(max_size=30))
def test_scores_are_finite_and_not_negative(texts: list[str], query: str) -> None:
    scores = LexicalIndex.build(texts).scores(query)
    assert scores.shape == (len(texts),)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()


def test_a_repeated_query_term_counts_once() -> None:
    index = LexicalIndex.build(["red apple", "green pear"])
    assert index.scores("apple apple").tolist() == index.scores("apple").tolist()


def test_a_query_does_not_change_later_queries() -> None:
    index = LexicalIndex.build(["red apple", "green pear"])
    before = index.scores("apple")
    index.scores("pear unknown words")
    index.scores("apple")[:] = 9.0
    assert index.scores("apple").tolist() == before.tolist()


def test_identifier_is_found_by_its_parts_and_whole() -> None:
    index = LexicalIndex.build(["def parse_json_file(path): ...", "def open_door(): ..."])
    assert index.scores("how is json parsed")[0] > 0
    assert index.scores("parse_json_file")[0] > index.scores("json")[0]


def test_rare_terms_link_texts_without_terms_of_the_query() -> None:
    texts = ["Ada met Babbage", "Babbage built engines", "Ada wrote notes", "plain words"]
    scores = LexicalIndex.build(texts).scores_of_rare_terms([0], besides="Ada", count=5)[0]
    assert scores[1] > 0
    assert scores[2] == scores[3] == 0


def test_best_possible_grows_with_unknown_terms() -> None:
    index = LexicalIndex.build(["red apple", "green apple"])
    assert index.best_possible("apple unicorn") > index.best_possible("apple") > 0
    assert index.best_possible("") == 0


@st.composite
def origins(draw: st.DrawFn, before: int) -> list[int]:
    """Rows of the earlier list in any order, each at most once, with -1 for new ones among them."""
    kept = draw(st.permutations(range(before)))[: draw(st.integers(0, before))]
    return draw(st.permutations([*kept, *[-1] * draw(st.integers(0, 4))]))


TEXTS = st.sampled_from(["Kate skis.", "Oslo is cold", "b b", "", "日本語", "new words here and b"])


@given(data=st.data())
def test_an_index_of_changed_texts_scores_as_one_built_anew(data: st.DataObject) -> None:
    texts = data.draw(st.lists(TEXTS, max_size=6))
    index = LexicalIndex.build(texts)
    for _ in range(data.draw(st.integers(1, 5))):
        origin = data.draw(origins(len(texts)))
        after = [data.draw(TEXTS) if row < 0 else texts[row] for row in origin]
        changed = index.changed(after, RowMap.of(np.array(origin, dtype=np.int64), len(texts)))
        for query in ("Kate", "cold b", "new Oslo 日本", "nothing"):
            old, fresh = LexicalIndex.build(texts), LexicalIndex.build(after)
            assert changed.scores(query).tolist() == fresh.scores(query).tolist()
            assert changed.best_possible(query) == fresh.best_possible(query)
            assert index.scores(query).tolist() == old.scores(query).tolist()
        index, texts = changed, after


NAMES = ["red", "apple", "pear", "sky", "blue", "hill", "tree", "b", "c", "d", "e"]
WORDS = st.lists(st.sampled_from(NAMES), max_size=12)


@given(texts=st.lists(WORDS.map(" ".join), min_size=1, max_size=12), more=WORDS.map(" ".join))
def test_scores_are_those_of_bm25s(texts: list[str], more: str) -> None:
    query = "red apple tree b zebra"
    index = LexicalIndex.build(texts)
    np.testing.assert_allclose(index.scores(query), scores_of_bm25s(texts, query), rtol=1e-5)
    longer = index.changed([*texts, more], RowMap(len(texts), len(texts) + 1))
    expected = scores_of_bm25s([*texts, more], query)
    np.testing.assert_allclose(longer.scores(query), expected, rtol=1e-5)


def scores_of_bm25s(texts: list[str], query: str) -> FloatArray:
    splitter, vocabulary = TermSplitter(), dict[str, int]()
    rows = [
        [vocabulary.setdefault(term, len(vocabulary)) for term in splitter.terms(text)]
        for text in texts
    ]
    if not vocabulary:
        return np.zeros(len(texts), dtype=np.float32)
    bm25s = import_module("bm25s")
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    oracle = bm25s.BM25(k1=1.2, b=0.75, method="lucene", backend="numpy")
    oracle.index((rows, vocabulary), create_empty_token=False, show_progress=False)
    found = sorted({vocabulary[term] for term in splitter.terms(query) if term in vocabulary})
    if not found:
        return np.zeros(len(texts), dtype=np.float32)
    scores: FloatArray = oracle.get_scores_from_ids(found)
    return scores


def test_a_text_with_a_term_many_times_is_scored_by_its_count() -> None:
    texts = ["apple " * 300, "apple pear", "pear"]
    expected = scores_of_bm25s(texts, "apple")
    np.testing.assert_allclose(LexicalIndex.build(texts).scores("apple"), expected, rtol=1e-5)


def test_of_equally_rare_terms_the_first_counts_whatever_another_index_has_seen() -> None:
    index = LexicalIndex.build(["plain words"])
    index.changed(["plain words", "xx yy"], RowMap(1, 2))
    texts = ["plain words", "yy xx", "xx", "yy"]
    later, fresh = index.changed(texts, RowMap(1, 4)), LexicalIndex.build(texts)
    found = [one.scores_of_rare_terms([1], besides="", count=1)[0] for one in (later, fresh)]
    assert found[0].tolist() == found[1].tolist()
    assert found[1][3] > found[1][2] == 0


@given(
    texts=st.lists(WORDS.map(" ".join), min_size=1, max_size=12),
    query=WORDS.map(" ".join),
    data=st.data(),
)
def test_some_texts_score_as_among_all_where_all_are_known(
    texts: list[str], query: str, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.sampled_from(range(len(texts))), min_size=1, unique=True))
    every = LexicalIndex.build(texts)
    frequencies = {
        term: int(every.columns.frequencies[number])
        for number, term in enumerate(every.columns.numbers.terms())
    }
    whole = WholeTexts(texts=len(texts), terms=every.columns.total, frequencies=frequencies)
    some = LexicalIndex.of_written([texts[row] for row in rows], [None] * len(rows), whole)
    met = {word for row in rows for word in texts[row].split()}
    asked = " ".join(word for word in query.split() if word in met)
    assert some.scores(asked).tolist() == pytest.approx(every.scores(asked)[rows].tolist())
