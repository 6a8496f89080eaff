"""Fit the coefficients of usefulness to questions whose evidence is known.

Ridge-penalised logistic regression by Newton's method. Each collection of examples weighs the
same, however many questions it has. A feature whose weight comes out with the wrong sign (a nearer
match that makes an item less likely) is left out and the rest fitted again: with several
correlated signals such weights fit one collection and fail on the next.

Deterministic. The cost is that of the features, plus O(rows k^2) for k features in each of a few
dozen steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.value.features.feedback_features import feedback_features
from mba_integrations.core.value.features.match_features import Features
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.question import Question
from mba_integrations.core.value.usefulness import LogisticModel, UsefulnessModel, first_features
from mba_integrations.learning.logistic import Prior, Rows, fitted_with_signs

# Fixed, not fitted. `substance` corrects for texts shorter than the sets it was fitted on; the
# others have no consistent sign over the sets, and act as tie-breakers only.
FIXED_WEIGHTS = {"substance": 1.5, "freshness": 0.1, "latest_asked": 0.5, "outdated": -0.3}
PRIOR_WEIGHTS = {"speaker_meant": 1.0, "other_speaker_meant": -0.5}
NEGATIVE_FEATURES = frozenset({"asks", "other_speaker_meant", "outdated"})
UNSIGNED_FEATURES = frozenset({"excess_length", "asks_before_match", "freshness"})

_RIDGE = 20.0
MIN_SPREAD = 0.05
"""A feature that varies less is drawn to its prior as if it varied so much."""
_ROWS_PER_QUESTION = 80  # best matches; half as many others stand for the rest
_COLLECTION_WEIGHT = 300.0
_MAX_QUESTIONS = 200
_WORDLESS_EVERY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A question over a pool, with the items that its answer needs.

    Attributes:
        question: The question.
        corpus: The candidates.
        freshness: Shape (n,), in [0, 1].
        needed: Which items are evidence, shape (n,).
    """

    question: Question
    corpus: Corpus
    freshness: FloatArray
    needed: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An example with the rows that are fitted on, and the features of match and context."""

    example: Example
    rows: IntArray
    weights: FloatArray
    features: Features  # of all items


def prepared(examples: Sequence[Example]) -> list[Prepared]:
    """Examples of one collection, ready to be fitted as often as wanted.

    Up to 200 are taken, evenly. Every fourth with a vector is taken once more as if none of its
    words were found: few questions are so, and what vectors are worth there is learnt from these.
    """
    step = max(1.0, len(examples) / _MAX_QUESTIONS)
    chosen = [examples[int(i * step)] for i in range(min(len(examples), _MAX_QUESTIONS))]
    chosen += [_wordless(example) for example in chosen[::_WORDLESS_EVERY] if _is_dense(example)]
    return [_with_features(example, _COLLECTION_WEIGHT / len(chosen)) for example in chosen]


def _is_dense(example: Example) -> bool:
    return example.question.vector is not None


def _wordless(example: Example) -> Example:
    return replace(example, question=replace(example.question, text="", nameless=None))


def fit_usefulness(
    collections: Sequence[Sequence[Prepared]], *, without: frozenset[str] = frozenset()
) -> UsefulnessModel:
    """Coefficients for pools like those of *collections*.

    Args:
        collections: Examples, by where they come from. All with embeddings, or all without.
        without: Features to leave out, for ablation.
    """
    groups = [list(examples) for examples in collections if examples]
    first = _fitted(groups, without)
    return UsefulnessModel(
        first=first,
        final=_fitted([[_with_feedback(one, first) for one in group] for group in groups], without),
    )


def _with_feedback(one: Prepared, first: LogisticModel) -> Prepared:
    question, corpus = one.example.question, one.example.corpus
    feedback = feedback_features(question, corpus, first.probability(one.features))
    return replace(one, features=one.features | feedback)


def _with_features(example: Example, weight: float) -> Prepared:
    question, corpus = example.question, example.corpus
    features = first_features(question, corpus, match_of(question, corpus), example.freshness)
    match = features["lexical_share"] + features.get("dense_share", 0.0)
    rows, weights = _sampled(match, example.needed)
    return Prepared(example=example, rows=rows, weights=weights * weight, features=features)


def _sampled(match: FloatArray, needed: BoolArray) -> tuple[IntArray, FloatArray]:
    """The best matches, all evidence, and a sample that stands for the other rows."""
    order = np.argsort(-match, kind="stable")
    best, others = order[:_ROWS_PER_QUESTION], order[_ROWS_PER_QUESTION:]
    found = others[needed[others]]
    rest = np.sort(others[~needed[others]])
    count = min(len(rest), _ROWS_PER_QUESTION // 2)
    picked = np.random.default_rng(0).choice(rest, count, replace=False) if count else rest[:0]
    kept = np.concatenate([best, found])
    shares = np.full(count, len(rest) / max(count, 1))
    return np.concatenate([kept, picked]), np.concatenate([np.ones(len(kept)), shares])


def _fitted(groups: list[list[Prepared]], without: frozenset[str]) -> LogisticModel:
    parts = [rows for group in groups for rows in group]
    names = [name for name in parts[0].features if name not in without]
    matrix = np.vstack(
        [np.column_stack([part.features[name][part.rows] for name in names]) for part in parts]
    )
    needed = np.concatenate([part.example.needed[part.rows] for part in parts]).astype(float)
    weights = np.concatenate([part.weights for part in parts])
    return signed_logistic(matrix, needed, weights, names)


def signed_logistic(
    matrix: FloatArray, needed: FloatArray, weights: FloatArray, names: Sequence[str]
) -> LogisticModel:
    """Logistic regression in which every weight has its feature's sign, or is left out.

    Weights are drawn to 0 or to what is set for them; fixed ones are drawn so hard that they stay.

    Args:
        matrix: Features, shape (rows, k).
        needed: 1 for evidence, else 0, shape (rows,).
        weights: Weight of each row, shape (rows,).
        names: Names of the k features.
    """
    rows = Rows(matrix=matrix, labels=needed, weights=weights)
    prior = _prior(names, np.std(matrix, axis=0))
    return as_model(fitted_with_signs(rows, prior, [sign_of(name) for name in names]), names)


def as_model(fitted: FloatArray, names: Sequence[str]) -> LogisticModel:
    """Coefficients as they are written: 4 decimals, and none that are 0."""
    intercept, *weights = fitted.tolist()
    kept = {name: round(w, 4) for name, w in zip(names, weights, strict=True) if w != 0.0}
    return LogisticModel(intercept=round(intercept, 4), weights=kept)


def sign_of(name: str) -> float:
    """Which sign a feature's weight has: 1, -1, or 0 for either."""
    if name in UNSIGNED_FEATURES or name in FIXED_WEIGHTS:
        return 0.0
    return -1.0 if name in NEGATIVE_FEATURES else 1.0


def _prior(names: Sequence[str], spread: FloatArray) -> Prior:
    drawn_to = [FIXED_WEIGHTS.get(name, PRIOR_WEIGHTS.get(name, 0.0)) for name in names]
    free = _RIDGE * np.maximum(spread, MIN_SPREAD) ** 2
    pull = np.where([name in FIXED_WEIGHTS for name in names], 1e9, free)
    return Prior(mean=np.array([-6.0, *drawn_to]), pull=np.array([1e-6, *pull]))
