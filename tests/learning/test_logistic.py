"""The regression finds the optimum that a slow oracle finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.arrays import FloatArray
from mba_integrations.learning.logistic import Prior, Rows, fitted, fitted_with_signs, sigmoid


def made(seed: int, count: int = 60, k: int = 3) -> tuple[Rows, Prior]:
    draw = np.random.default_rng(seed)
    rows = Rows(
        matrix=draw.normal(size=(count, k)),
        labels=(draw.random(count) < 0.4).astype(float),
        weights=draw.random(count),
        offset=draw.normal(size=count),
    )
    return rows, Prior(mean=draw.normal(size=k + 1), pull=draw.uniform(0.1, 5.0, size=k + 1))


def loss(beta: FloatArray, rows: Rows, prior: Prior) -> float:
    """What the regression minimises, as it is written in books."""
    p = sigmoid(beta[0] + rows.matrix @ beta[1:] + rows.offset)
    said = np.where(rows.labels == 1.0, np.log(p), np.log(1.0 - p))
    return float(-(rows.weights * said).sum() + (prior.pull / 2 * (beta - prior.mean) ** 2).sum())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_the_slope_at_the_optimum_is_nothing(seed: int, count: int) -> None:
    rows, prior = made(seed, count)
    beta = fitted(rows, prior)
    for place in range(len(beta)):
        step = np.zeros(len(beta))
        step[place] = 1e-5
        slope = (loss(beta + step, rows, prior) - loss(beta - step, rows, prior)) / 2e-5
        assert abs(slope) < 1e-3


def test_gradient_descent_ends_at_the_same_place() -> None:
    rows, prior = made(3)
    beta = prior.mean.copy()
    columns = np.column_stack([np.ones(60), rows.matrix])
    for _ in range(20_000):
        wrong = rows.weights * (sigmoid(columns @ beta + rows.offset) - rows.labels)
        beta -= 0.01 * (columns.T @ wrong + prior.pull * (beta - prior.mean))
    assert fitted(rows, prior) == pytest.approx(beta, abs=1e-5)


def test_without_rows_it_is_the_prior() -> None:
    rows, prior = made(1, count=0)
    assert np.array_equal(fitted(rows, prior), prior.mean)


def test_where_it_begins_does_not_matter() -> None:
    rows, prior = made(2)
    assert fitted(rows, prior, np.full(4, 3.0)) == pytest.approx(fitted(rows, prior), abs=1e-5)


def test_a_weight_of_two_is_a_row_that_stands_twice() -> None:
    rows, prior = made(4)
    twice = Rows(
        matrix=np.vstack([rows.matrix, rows.matrix]),
        labels=np.tile(rows.labels, 2),
        weights=np.tile(rows.weights, 2),
        offset=np.tile(np.asarray(rows.offset), 2),
    )
    heavy = Rows(
        matrix=rows.matrix, labels=rows.labels, weights=2.0 * rows.weights, offset=rows.offset
    )
    assert fitted(heavy, prior) == pytest.approx(fitted(twice, prior), abs=1e-6)


def test_weights_of_the_wrong_sign_are_left_out_and_the_rest_fitted_again() -> None:
    rows, prior = made(5)
    signs = -np.sign(fitted(rows, prior)[1:])
    signs[1:] = 0.0
    beta = fitted_with_signs(rows, prior, signs.tolist())
    assert beta[1] == 0.0
    alone = fitted(rows.columns([1, 2]), prior.columns([1, 2]))
    assert beta[[0, 2, 3]] == pytest.approx(alone, abs=1e-5)
