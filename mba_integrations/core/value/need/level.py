"""How many items the answer needs, and usefulness on that scale.

The order of the estimates within a pool is what they were fitted for; their sum is not the number
of needed items, and least of all where nothing is needed. That number is estimated from the pool:
how much of the question's words the best item has, how near the nearest vector is, how many items
there are, and what the estimates add up to. All estimates are then multiplied by one number, so
that they sum to it: their order, and the order of their densities, stays.

Coefficients of a Poisson regression over five sets of conversations and documents, small pools of
one of them, and sixty situations made by hand, with questions of other sets put to each pool as
examples of nothing needed (`benchmarks/level.py`; docs/evidence.md has what they say of a set that
they were fitted without), on estimates of an earlier fit. Those of words alone are of one without
MuSiQue.
"""

from __future__ import annotations

import math

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.value.match import Match
from mba_integrations.core.value.question import Question

_MOST_COVERED = 0.5
"""Half of the words of a question, weighed by rarity, is as good as all of them."""
# The intercept first, then the weights of `signs_of_need`.
_DENSE = (-1.686, 1.954, 2.933, -0.091, 0.33)
_LEXICAL = (-0.108, 5.969, -0.337, 0.234)
_LOG_RANGE = (-6.0, 1.5)
_MOST = 0.99


def expected_needed(
    question: Question, corpus: Corpus, match: Match, estimate: FloatArray
) -> float:
    """The expected number of needed items, above 0.

    Args:
        question: What is asked; any text.
        corpus: The candidates, at least one.
        match: How they match.
        estimate: Usefulness of each, shape (n,).
    """
    signs = signs_of_need(question, corpus, match, estimate)
    intercept, *weights = _LEXICAL if match.cosine is None else _DENSE
    logarithm = intercept + sum(w * sign for w, sign in zip(weights, signs, strict=True))
    return math.exp(min(max(logarithm, _LOG_RANGE[0]), _LOG_RANGE[1]))


def signs_of_need(
    question: Question, corpus: Corpus, match: Match, estimate: FloatArray
) -> tuple[float, ...]:
    """What the number of needed items is read from, in the order of the coefficients."""
    covered = min(float(corpus.lexical.coverage(question.topic).max(initial=0.0)), _MOST_COVERED)
    items = math.log(len(estimate))
    total = math.log(max(float(estimate.sum()), 1e-9))
    if match.cosine is None:
        return covered, items, total
    return covered, float(np.nanmax(match.cosine)), items, total


def levelled(estimate: FloatArray, expected: float) -> FloatArray:
    """Estimates that sum to *expected*, at most 0.99 each.

    >>> levelled(np.array([0.2, 0.1, 0.1]), 1.0).round(3).tolist()
    [0.5, 0.25, 0.25]
    """
    total = float(estimate.sum())
    return np.minimum(estimate * (expected / total), _MOST) if total > 0.0 else estimate
