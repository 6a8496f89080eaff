"""Terms of texts, and BM25 over them."""

from __future__ import annotations

import logging
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.lexical import LexicalIndex
from mba_integrations.core.search_terms import TermSplitter

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
        pytest.param("ключи", ["ключи"], id="cyrillic-is-not-stemmed"),
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


def test_building_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LexicalIndex.build(["red apple"])
    assert caplog.records == []


@given(
    before=st.lists(
        st.sampled_from(["Kate skis.", "Oslo is cold", "a b c", "", "日本語"]), max_size=6
    ),
    after=st.lists(
        st.sampled_from(["Kate skis.", "Oslo is cold", "new words here", "", "b b"]), max_size=6
    ),
)
def test_an_index_built_from_another_scores_as_one_built_anew(
    before: list[str], after: list[str]
) -> None:
    known = LexicalIndex.build(before)
    reused, fresh = LexicalIndex.build(after, known=known), LexicalIndex.build(after)
    for query in ("Kate", "cold b", "new Oslo 日本", "nothing"):
        np.testing.assert_allclose(reused.scores(query), fresh.scores(query), rtol=1e-6)
        assert reused.best_possible(query) == pytest.approx(fresh.best_possible(query))
    assert len(known) == len(before)
