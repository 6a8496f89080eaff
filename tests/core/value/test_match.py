"""The match of a question, against plain loops, and that it is worked out once."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
import pytest
from corpora import corpus_of, unit
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import MemoryItem, WorkspaceConfig
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.terms import TermSplitter
from mba_integrations.core.search.vector_column import VectorColumn
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.question import Question
from mba_integrations.core.value.valuation import evaluate

WORDS = ["apple", "bridge", "candle", "desert", "engine"]


def slow_lexical(query: str, texts: list[str]) -> list[float]:
    """BM25 with k1 1.2 and b 0.75 as a share of the best, or of a quarter of a perfect text."""
    cut = TermSplitter().terms
    counted = [cut(text) for text in texts]
    mean = sum(map(len, counted)) / max(1, len(texts))
    terms = list(dict.fromkeys(cut(query)))

    def idf(term: str) -> float:
        having = sum(term in found for found in counted)
        return math.log1p((len(texts) - having + 0.5) / (having + 0.5))

    def score(found: list[str]) -> float:
        length = 1.2 * (0.25 + 0.75 * len(found) / max(mean, 1e-9))
        return sum(idf(t) * found.count(t) / (found.count(t) + length) for t in terms)

    scores = [score(found) for found in counted]
    perfect = sum(idf(term) for term in terms) / 2.2
    return [one / max(*scores, 0.25 * perfect, 1e-12) for one in scores]


texts_of_words = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), max_size=6)


@given(texts_of_words, st.lists(st.sampled_from([*WORDS, "zebra"]), max_size=4).map(" ".join))
def test_the_lexical_share_is_that_of_a_plain_loop(texts: list[str], query: str) -> None:
    match = match_of(Question(text=query, vector=None, now_seconds=None), corpus_of(texts))
    expected = slow_lexical(query, texts) if texts else []
    assert match.lexical.tolist() == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert match.cosine is None


@given(st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=1, max_size=6))
def test_the_cosine_is_that_of_each_item_alone(rows: list[list[float]]) -> None:
    vectors, query = unit(rows), np.array([0.5, -1.0, 2.0], dtype=np.float32)
    has_vector = np.arange(len(rows)) % 3 != 1
    corpus = corpus_of(["text"] * len(rows), vectors=vectors, has_vector=has_vector)
    match = match_of(Question(text="x", vector=query, now_seconds=None), corpus)
    assert match.cosine is not None
    for row, found in enumerate(match.cosine.tolist()):
        if not has_vector[row]:
            assert math.isnan(found)
        else:
            exact = vectors[row].astype(float)
            lengths = np.linalg.norm(exact) * np.linalg.norm(query) or 1.0
            expected = float(exact @ query / lengths)
            assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("method", "products"), [("usefulness", 2), ("weighted_sum", 1), ("product", 1)]
)
def test_the_question_is_matched_once(
    method: str, products: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[str] = []
    multiplied: list[int] = []
    scores, dot = LexicalIndex.scores, VectorColumn.dot

    def counted_scores(index: LexicalIndex, query: str) -> FloatArray:
        scored.append(query)
        return scores(index, query)

    def counted_dot(column: VectorColumn, query: FloatArray) -> FloatArray:
        multiplied.append(len(query))
        return dot(column, query)

    monkeypatch.setattr(LexicalIndex, "scores", counted_scores)
    monkeypatch.setattr(VectorColumn, "dot", counted_dot)
    items = [MemoryItem(word, word, "rag", embedding=[1.0, row]) for row, word in enumerate(WORDS)]
    evaluate(
        "apple",
        PoolSnapshot(items),
        WorkspaceConfig(workspace_id="w", scoring_method=method),
        query_embedding=[1.0, 1.0],
        embedder=None,
        now=datetime(2026, 1, 1),
    )
    assert scored == ["apple"]
    # One more with the mean of the pool.
    assert len(multiplied) == products


TEN = ["apple", "pear", "plum", "fig", "lime", "date", "kiwi", "melon", "grape", "mango"]
ONE_STANDS_OUT = np.eye(10, dtype=np.float32)
"""Ten vectors; asked with one of them, that is three standard deviations above the mean."""


@pytest.mark.parametrize(
    ("query", "lowest", "highest"),
    [
        pytest.param("apple", 1.0, 1.0, id="all-found"),
        pytest.param("apple zebra quince walrus", 0.1, 0.9, id="one-word-of-four"),
        pytest.param("zebra", 0.0, 0.0, id="nothing-found"),
        pytest.param("", 0.0, 0.0, id="empty"),
    ],
)
def test_words_tell_as_much_as_they_find(query: str, lowest: float, highest: float) -> None:
    asked = Question(text=query, vector=ONE_STANDS_OUT[3], now_seconds=None)
    match = match_of(asked, corpus_of(TEN, vectors=ONE_STANDS_OUT))
    index = LexicalIndex.build(TEN)
    share = index.scores(query).max() / max(0.5 * index.best_possible(query), 1e-12)
    assert match.words_tell == pytest.approx(min(1.0, share), abs=1e-3)
    assert lowest - 1e-3 <= match.words_tell <= highest + 1e-3


@pytest.mark.parametrize(
    ("nearest", "told"),
    [
        pytest.param([0.9, 0.9], 1.0, id="two-are-near"),
        pytest.param([0.9, 0.3], 0.16, id="one-is-nearer"),
        pytest.param([0.9, 0.0], 0.0, id="one-stands-out"),
        pytest.param([0.0, 0.0], 1.0, id="all-alike"),
    ],
)
def test_words_that_find_nothing_decide_unless_a_vector_stands_out(
    nearest: list[float], told: float
) -> None:
    cosine = np.array([*nearest, *[0.0] * 8])
    vectors = np.stack([cosine, np.sqrt(1.0 - cosine**2)], axis=1).astype(np.float32)
    asked = Question(text="zebra", vector=np.array([1.0, 0.0], dtype=np.float32), now_seconds=None)
    assert match_of(asked, corpus_of(TEN, vectors=vectors)).words_tell == pytest.approx(
        told, abs=0.01
    )


def test_without_vectors_words_decide() -> None:
    asked = Question(text="zebra", vector=None, now_seconds=None)
    assert match_of(asked, corpus_of(TEN)).words_tell == 1.0
