"""Fitting recovers what the examples were made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from corpora import corpus_of

from mba_integrations.core.search.vector_column import VectorColumn
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.question import Question
from mba_integrations.core.value.usefulness import estimate_usefulness
from mba_integrations.learning.usefulness_fit import (
    Example,
    fit_usefulness,
    prepared,
    signed_logistic,
)

WORDS = [
    *("apple", "bridge", "candle", "desert", "engine"),
    *("forest", "garden", "harbour", "island", "jungle"),
]


def example(needed_word: str) -> Example:
    texts = [f"a long story about the {word} and what came of it" for word in WORDS]
    return Example(
        question=Question(text=f"What of the {needed_word}?", vector=None, now_seconds=None),
        corpus=corpus_of(texts),
        freshness=np.full(len(WORDS), 0.5),
        needed=np.array([word == needed_word for word in WORDS]),
    )


def test_fitted_coefficients_find_the_evidence() -> None:
    model = fit_usefulness([prepared([example(word) for word in WORDS[:6]])])
    unseen = example("island")
    values = estimate_usefulness(
        unseen.question,
        unseen.corpus,
        match_of(unseen.question, unseen.corpus),
        freshness=unseen.freshness,
        models={"lexical": model},
    )
    assert values.argmax() == WORDS.index("island")
    assert values.max() > 0.5 > np.sort(values)[-2]


def test_every_fourth_example_with_a_vector_is_fitted_again_without_its_words() -> None:
    vectors = np.eye(len(WORDS), dtype=np.float32)
    examples = [example(word) for word in WORDS[:8]]
    dense = [
        replace(
            one,
            question=replace(one.question, vector=vectors[place]),
            corpus=replace(one.corpus, vectors=VectorColumn.of_matrix(vectors)),
        )
        for place, one in enumerate(examples)
    ]
    made = prepared(dense)
    assert [one.example.question.text == "" for one in made] == [False] * 8 + [True] * 2
    assert [one.example.needed.argmax() for one in made[8:]] == [0, 4]
    assert not made[8].features["lexical_share"].any()
    assert made[8].features["dense_rank_alone"].argmax() == 0
    assert len(prepared(examples)) == 8


def test_a_feature_left_out_has_no_weight() -> None:
    examples = prepared([example(word) for word in WORDS])
    model = fit_usefulness([examples], without=frozenset({"lexical_rank"}))
    assert "lexical_rank" not in model.first.weights
    assert "lexical_share" in model.first.weights


def test_fitting_twice_gives_the_same() -> None:
    examples = [prepared([example(word) for word in WORDS])]
    assert fit_usefulness(examples) == fit_usefulness(examples)


def test_weights_of_the_generating_model_are_recovered() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(20_000, 2))
    p = 1 / (1 + np.exp(-(-1.0 + 2.0 * matrix[:, 0] + 0.5 * matrix[:, 1])))
    needed = (rng.random(20_000) < p).astype(float)
    model = signed_logistic(matrix, needed, np.ones(20_000), ["before", "after"])
    assert model.intercept == pytest.approx(-1.0, abs=0.1)
    assert model.weights["before"] == pytest.approx(2.0, abs=0.15)
    assert model.weights["after"] == pytest.approx(0.5, abs=0.1)


def test_a_weight_of_the_wrong_sign_is_left_out() -> None:
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(2_000, 2))
    needed = (matrix[:, 0] - matrix[:, 1] > 0).astype(float)
    model = signed_logistic(matrix, needed, np.ones(2_000), ["before", "after"])
    assert set(model.weights) == {"before"}
