"""Features that start from the strongest items, and features of the whole source."""

from __future__ import annotations

import math

import numpy as np
import pytest
from corpora import corpus_of, unit

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.value.features.feedback_features import feedback_features
from mba_integrations.core.value.features.match_features import Features
from mba_integrations.core.value.features.neighbour_features import neighbour_features
from mba_integrations.core.value.question import Question


def feedback(corpus: Corpus, estimate: list[float], vector: FloatArray | None = None) -> Features:
    question = Question(text="query", vector=vector, now_seconds=None)
    return feedback_features(question, corpus, np.array(estimate))


def test_every_item_of_a_source_has_its_best_match() -> None:
    corpus = corpus_of(["a", "b", "c"], source=[0, 0, 1])
    features = neighbour_features(corpus.around, np.array([0.2, 0.9, 0.1]), np.zeros(3))
    assert features["source_best"].tolist() == [0.9, 0.9, 0.1]


def test_what_is_like_query_and_strong_item_is_near() -> None:
    vectors = unit([[1, 0, 0], [1, 1, 0], [0, 0, 1]])
    corpus = corpus_of(["one", "two", "three"], vectors=vectors)
    near = feedback(corpus, [0.9, 0.1, 0.1], np.array([1.0, 0.0, 0.0]))["like_strong"]
    assert near[0] > near[1] > near[2]


def test_an_item_without_vector_is_neither_like_nor_unlike() -> None:
    vectors = unit([[1, 0], [0, 1], [0, 0]])
    has_vector = np.array([True, True, False])
    corpus = corpus_of(["one", "two", "three"], vectors=vectors, has_vector=has_vector)
    near = feedback(corpus, [0.9, 0.1, 0.1], np.array([1.0, 0.0]))["like_strong"]
    assert near[0] > near[2] > near[1]


def test_rare_terms_of_a_strong_item_link_its_like() -> None:
    corpus = corpus_of(["Fontanella school", "to Fontanella", "to Montebello", "school day"])
    shared = feedback(corpus, [0.9, 0.0, 0.0, 0.0])["shares_rare_terms"]
    assert shared[1] > 0
    assert shared[2] == 0
    assert shared[0] == 0


def test_a_name_of_a_strong_item_links_those_that_have_it() -> None:
    texts = ["It was Ada Blom of Oslo.", "Ada Blom sails.", "Blom is a tree.", "Oslo", "Oslo again"]
    shared = feedback(corpus_of(texts), [0.8, 0.0, 0.0, 0.0, 0.4])["shares_names"]
    ada, oslo = math.log(5 / 2) / math.log(5), math.log(5 / 3) / math.log(5)
    assert shared.tolist() == pytest.approx([0.5 * oslo, ada, 0.0, oslo, oslo])


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        pytest.param("Who is Oslo?", ["In Oslo.", "Oslo", "x"], id="name-in-the-question"),
        pytest.param("query", ["In Oslo.", "Bergen", "x"], id="nobody-else-has-it"),
        pytest.param("query", ["in oslo", "oslo", "x"], id="no-capital"),
        pytest.param("query", ["Oslo"] * 12, id="so-many-have-it-that-it-links-nothing"),
        pytest.param("query", [""], id="one-text"),
    ],
)
def test_other_names_link_nothing(text: str, texts: list[str]) -> None:
    question = Question(text=text, vector=None, now_seconds=None)
    estimate = np.array([0.9, *[0.0] * (len(texts) - 1)])
    found = feedback_features(question, corpus_of(texts), estimate)
    assert not found["shares_names"].any()


def test_a_strong_item_names_by_its_weight() -> None:
    texts = ["Dune\nBy Ada Blom.", "Hill\nBy Otto Brandt.", "Ada Blom\nBorn.", "Otto Brandt\nBorn."]
    named = feedback(corpus_of(texts), [0.8, 0.4, 0.0, 0.0])["named_by_strong"]
    assert named.tolist() == [0.0, 0.0, 1.0, 0.5]


def test_of_a_table_only_the_rows_that_were_asked_for_name_others() -> None:
    rows = ["| city | of | rate |", "| -- | -- | -- |", "| Lisbon | Ada Blom | 74 |"]
    table = "\n".join([*rows, "| Oslo | Otto Brandt | 9 |"])
    texts = [table, "Ada Blom\nBorn.", "Otto Brandt\nBorn."]
    question = Question(text="the rate in Oslo?", vector=None, now_seconds=None)
    found = feedback_features(question, corpus_of(texts), np.array([0.8, 0.0, 0.0]))
    assert found["named_by_strong"].tolist() == [0.0, 0.0, 1.0]
    assert found["shares_names"][1] == 0.0
    assert found["shares_names"][2] > 0.0


def test_only_a_newer_item_of_the_same_subject_outdates() -> None:
    vectors = unit([[1, 0.01], [1, 0], [0, 1]])
    corpus = corpus_of(["a", "b", "c"], vectors=vectors, created_seconds=[1.0, 2.0, 3.0])
    outdated = feedback(corpus, [0.5, 0.5, 0.5], np.array([1.0, 0.0]))["outdated"]
    assert outdated[0] > 0.9
    assert outdated[1:].tolist() == [0.0, 0.0]


def test_items_without_dates_are_not_outdated() -> None:
    vectors = unit([[1, 0], [1, 0]])
    outdated = feedback(corpus_of(["a", "b"], vectors=vectors), [0.5, 0.5])["outdated"]
    assert outdated.tolist() == [0.0, 0.0]
