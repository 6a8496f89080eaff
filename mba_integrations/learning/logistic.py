"""Logistic regression that is drawn to weights known before: the most probable ones a posteriori.

The penalty is `pull / 2 * (weight - mean) ** 2` for each weight, so there is one optimum, also
where rows are few or all of a kind. Newton's method, deterministic; O(rows k^2) for k weights in
each of a few dozen steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray

_STEPS = 100
_LARGEST_STEP = 4.0
_MOST_LOGIT = 30.0
_SMALLEST_STEP = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What is fitted on.

    Attributes:
        matrix: Features, shape (rows, k).
        labels: 1 or 0, shape (rows,).
        weights: How much each row counts, >= 0, shape (rows,).
        offset: What is added to each row's logit and not fitted, shape (rows,).
    """

    matrix: FloatArray
    labels: FloatArray
    weights: FloatArray
    offset: FloatArray | float = 0.0

    def columns(self, places: Sequence[int]) -> Rows:
        """The same rows with some of the features."""
        return Rows(
            matrix=self.matrix[:, list(places)],
            labels=self.labels,
            weights=self.weights,
            offset=self.offset,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What weights are drawn to; the intercept's comes first.

    Attributes:
        mean: Shape (k + 1,).
        pull: How hard, > 0, shape (k + 1,).
    """

    mean: FloatArray
    pull: FloatArray

    def columns(self, places: Sequence[int]) -> Prior:
        """That of the intercept and of some of the features."""
        kept = [0, *(place + 1 for place in places)]
        return Prior(mean=self.mean[kept], pull=self.pull[kept])


def sigmoid(logits: FloatArray) -> FloatArray:
    """Probabilities of logits, which are held in [-30, 30].

    >>> sigmoid(np.array([0.0])).tolist()
    [0.5]
    """
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -_MOST_LOGIT, _MOST_LOGIT))))


def fitted(rows: Rows, prior: Prior, start: FloatArray | None = None) -> FloatArray:
    """The intercept and the weights, shape (k + 1,).

    Args:
        rows: At least none: then it is the prior's mean.
        prior: What they are drawn to.
        start: Where to begin, shape (k + 1,); at the prior by default. A matter of time alone.
    """
    columns = np.hstack([np.ones((len(rows.matrix), 1)), rows.matrix])
    # Only the direction of a step hangs on these, not where steps end, and they cost most time.
    coarse = columns.astype(np.float32)
    penalty = np.diag(prior.pull)
    beta = (prior.mean if start is None else start).copy()
    for _ in range(_STEPS):
        p = sigmoid(columns @ beta + rows.offset)
        slope = columns.T @ (rows.weights * (rows.labels - p)) - prior.pull * (beta - prior.mean)
        bends = (rows.weights * p * (1.0 - p)).astype(np.float32)
        step = np.linalg.solve((coarse * bends[:, None]).T @ coarse + penalty, slope)
        largest = float(np.abs(step).max())
        beta = beta + step * min(1.0, _LARGEST_STEP / max(largest, 1e-12))
        if largest < _SMALLEST_STEP:
            break
    return beta


def fitted_with_signs(rows: Rows, prior: Prior, signs: Sequence[float]) -> FloatArray:
    """The same, where a weight of the wrong sign is left out (0) and the rest fitted again.

    Args:
        rows: Of k features.
        prior: What weights are drawn to.
        signs: 1, -1, or 0 for a weight of either sign, one for each feature.
    """
    active = list(range(len(signs)))
    spread = rows.matrix.std(axis=0) if len(rows.matrix) else np.ones(len(signs))
    start: FloatArray | None = None
    while True:
        beta = fitted(rows.columns(active), prior.columns(active), start)
        wrong = np.array([signs[i] for i in active]) * beta[1:] * spread[active]
        if not active or wrong.min() >= 0.0:
            break
        place = int(np.argmin(wrong))
        start = np.delete(beta, place + 1)
        del active[place]
    result = np.zeros(len(signs) + 1)
    result[[0, *(place + 1 for place in active)]] = beta
    return result
