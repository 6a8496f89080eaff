"""Relevance: lexical, dense, fused, given."""

from __future__ import annotations

import numpy as np
import pytest
from corpora import corpus_of, unit
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.value.match import cosine_with, filled_by_lexical, match_of
from mba_integrations.core.value.question import Question
from mba_integrations.core.value.relevance import estimate_relevance

FRUIT = ["red apple pie", "green pear", "blue sky", "apple tree"]
AXES = unit([[1, 0], [0, 1], [-1, 0], [1, 1]])


def relevance_of(query: str, corpus: Corpus, *, vector: FloatArray | None) -> FloatArray:
    question = Question(text=query, vector=vector, now_seconds=None)
    return estimate_relevance(match_of(question, corpus), corpus, query)


def test_best_match_comes_first_lexically() -> None:
    relevance = relevance_of("apple pie", corpus_of(FRUIT), vector=None)
    assert relevance.argmax() == 0
    assert relevance[0] == 1.0
    assert relevance[2] == 0.0


def test_dense_match_counts_where_no_term_matches() -> None:
    corpus = corpus_of(FRUIT, vectors=AXES)
    relevance = relevance_of("unknownword", corpus, vector=np.array([0.0, 2.0]))
    assert relevance.argmax() == 1


def test_both_signals_together_outrank_either() -> None:
    texts = ["apple", "apple", "pear", "fig"]
    vectors = unit([[1, 0.0], [0, 1], [1, 0], [0, 1]])
    relevance = relevance_of(
        "apple", corpus_of(texts, vectors=vectors), vector=np.array([1.0, 0.0])
    )
    assert relevance[0] > max(relevance[1], relevance[2])
    assert min(relevance[1], relevance[2]) > relevance[3]


def test_length_of_the_query_vector_does_not_matter() -> None:
    corpus = corpus_of(FRUIT, vectors=AXES)
    short = relevance_of("apple", corpus, vector=np.array([0.1, 0.2]))
    long = relevance_of("apple", corpus, vector=np.array([10.0, 20.0]))
    np.testing.assert_allclose(short, long, atol=1e-6)


def test_given_relevance_is_kept_and_the_rest_estimated() -> None:
    corpus = corpus_of(FRUIT, given=[np.nan, 0.7, np.nan, np.nan])
    relevance = relevance_of("apple pie", corpus, vector=None)
    assert relevance[1] == 0.7
    assert relevance[0] == 1.0


def test_a_weak_best_match_is_no_full_match() -> None:
    question = "apple quantum chromodynamics lecture timetable for undergraduate physicists"
    relevance = relevance_of(question, corpus_of(FRUIT), vector=None)
    assert 0.0 < relevance.max() < 1.0


def test_an_item_without_vector_is_between_the_embedded_ones_of_its_lexical_score() -> None:
    texts = ["apple"] * 3
    vectors = unit([[1, 0], [0, 1], [0, 0]])
    corpus = corpus_of(texts, vectors=vectors, has_vector=np.array([True, True, False]))
    near, far, unknown = relevance_of("apple", corpus, vector=np.array([1.0, 0.0]))
    assert far <= unknown < near


def test_unknown_similarities_follow_the_lexical_trend() -> None:
    similarity = np.array([0.0, 0.5, 1.0, np.nan])
    filled = filled_by_lexical(similarity, np.array([0.0, 0.5, 1.0, 0.25]))
    assert filled[3] == pytest.approx(0.25)
    assert filled[:3].tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    "vector",
    [
        pytest.param(None, id="missing"),
        pytest.param(np.zeros(2), id="zero"),
        pytest.param(np.array([np.nan, 1.0]), id="not-a-number"),
        pytest.param(np.array([np.inf, 1.0]), id="infinite"),
    ],
)
def test_a_useless_query_vector_means_lexical_only(vector: np.ndarray | None) -> None:
    corpus = corpus_of(FRUIT, vectors=AXES)
    assert cosine_with(corpus, vector) is None
    expected = relevance_of("apple", corpus_of(FRUIT), vector=None)
    assert relevance_of("apple", corpus, vector=vector).tolist() == expected.tolist()


def test_no_item_with_a_vector_means_lexical_only() -> None:
    corpus = corpus_of(FRUIT, vectors=np.zeros((4, 2)), has_vector=np.zeros(4, dtype=bool))
    assert cosine_with(corpus, np.array([1.0, 0.0])) is None


def test_vectors_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="embedding has 3 numbers, the items' have 2"):
        relevance_of("apple", corpus_of(FRUIT, vectors=AXES), vector=np.ones(3))


@given(
    st.lists(st.text(max_size=20), max_size=5),
    st.text(max_size=20),
    st.lists(st.floats(-1, 1), min_size=2, max_size=2),
)
def test_relevance_stays_in_zero_to_one(texts: list[str], query: str, vector: list[float]) -> None:
    size = len(texts)
    rng = np.random.default_rng(size)
    has_vector = rng.random(size) < 0.5
    vectors = unit(rng.normal(size=(size, 2)) * has_vector[:, None]) if size else np.zeros((0, 2))
    corpus = corpus_of(texts, vectors=vectors, has_vector=has_vector)
    relevance = relevance_of(query, corpus, vector=np.array(vector))
    assert relevance.shape == (size,)
    assert ((relevance >= 0.0) & (relevance <= 1.0)).all()
