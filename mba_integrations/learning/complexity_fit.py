"""Fit and measure the points of the complexity signals on questions with known numbers of steps.

A question counts as several-step when its estimate is complex or expert. The points of LENGTH,
JUDGEMENT, COMPARISON and CHAIN come from a logistic regression, scaled so that a question without
any signal has 0 points and even odds lie at `complex_points`; the other signals keep the points of
the workspace. Accuracy is that of the whole estimator, on folds that the fit does not see.

Deterministic for a given seed. Reading the questions costs about 0.2 ms each; a fit is negligible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray
from mba_integrations.core.budget.complexity import limited_units
from mba_integrations.core.budget.complexity_signals import read_signals
from mba_integrations.core.config.complexity_words import ComplexitySignal
from mba_integrations.core.config.settings import ComplexitySettings
from mba_integrations.core.errors import InputError
from mba_integrations.learning.logistic import Prior, Rows, fitted

FITTED_SIGNALS = (
    ComplexitySignal.LENGTH,
    ComplexitySignal.JUDGEMENT,
    ComplexitySignal.COMPARISON,
    ComplexitySignal.CHAIN,
)
RIDGE = 1.0
"""L2 penalty of the regression, on every coefficient but the intercept."""
MOST_POINTS = 3.5
"""Points of one unit at most: below `complex_points`, so that one signal alone is not enough."""
_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledQuery:
    """A question with its label.

    Attributes:
        text: The question.
        several_steps: Whether answering it takes more than one step.
        source: The data set that it comes from.
        weight: How much that says, >= 0; read where coefficients are learned from own traffic.
    """

    text: str
    several_steps: bool
    source: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Part of the questions that are classified right.

    Attributes:
        mean: Over all questions and repeats, in [0, 1].
        low: Lower end of the 95 % interval over questions.
        high: Upper end of it.
        of_single: Among single-step questions; None if there are none.
        of_several: Among several-step questions; None if there are none.
        by_source: For each source, in the order of first appearance.
    """

    mean: float
    low: float
    high: float
    of_single: float | None
    of_several: float | None
    by_source: dict[str, float]


def fit_points(
    queries: Sequence[LabelledQuery], settings: ComplexitySettings | None = None
) -> dict[ComplexitySignal, float]:
    """Points of the fitted signals, each in [0, `MOST_POINTS`], rounded to 0.1.

    Raises:
        InputError: If the questions are not of both kinds.
    """
    settings = settings or ComplexitySettings()
    return _points(units_of(queries), _labels(queries), settings)


def measure(
    queries: Sequence[LabelledQuery], settings: ComplexitySettings | None = None
) -> Accuracy:
    """Accuracy of the estimator with the points of *settings*, without fitting.

    Raises:
        InputError: If the questions are not of both kinds.
    """
    settings = settings or ComplexitySettings()
    hits = _is_several(units_of(queries), settings) == _labels(queries)
    return _accuracy(queries, hits.astype(np.float64))


def cross_validate(
    queries: Sequence[LabelledQuery],
    settings: ComplexitySettings | None = None,
    *,
    folds: int = 5,
    repeats: int = 20,
    seed: int = 0,
) -> Accuracy:
    """Accuracy on questions that were held out of the fit.

    Args:
        queries: Questions of both kinds, at least *folds*.
        settings: Thresholds, and points of the signals that are not fitted.
        folds: Parts; each is held out once, >= 2.
        repeats: How often the questions are dealt out anew, >= 1.
        seed: Of the dealing.

    Raises:
        InputError: If the questions are not of both kinds, or fewer than *folds*.
    """
    settings = settings or ComplexitySettings()
    labels = _labels(queries)
    if not 2 <= folds <= len(queries):
        raise InputError(f"folds must be in [2, {len(queries)}], got {folds}.")
    units = units_of(queries)
    hits = np.zeros(len(queries))
    for repeat in range(repeats):
        dealt = np.random.default_rng(seed + repeat).permutation(len(queries)) % folds
        for fold in range(folds):
            held_out = dealt == fold
            hits += _held_out_hits(units, labels, held_out, settings)
    return _accuracy(queries, hits / repeats)


def leave_one_source_out(
    queries: Sequence[LabelledQuery], settings: ComplexitySettings | None = None
) -> Accuracy:
    """Accuracy on each source by a fit on all the others; harder than `cross_validate`.

    Raises:
        InputError: If the questions are not of both kinds, also without any one source.
    """
    settings = settings or ComplexitySettings()
    units, labels = units_of(queries), _labels(queries)
    sources = np.array([query.source for query in queries])
    hits = np.zeros(len(queries))
    for source in dict.fromkeys(sources.tolist()):
        hits += _held_out_hits(units, labels, sources == source, settings)
    return _accuracy(queries, hits)


def _labels(queries: Sequence[LabelledQuery]) -> BoolArray:
    labels = np.array([query.several_steps for query in queries], dtype=bool)
    _check_both(labels)
    return labels


def _check_both(labels: BoolArray) -> None:
    if labels.all() or not labels.any():
        raise InputError(
            f"fitting needs single- and several-step questions, got {int((~labels).sum()):,} and "
            f"{int(labels.sum()):,}."
        )


def units_of(
    queries: Sequence[LabelledQuery], settings: ComplexitySettings | None = None
) -> FloatArray:
    """Limited units of every signal, by the words of *settings*, shape (n, number of signals)."""
    settings = settings or ComplexitySettings()
    column = {signal: index for index, signal in enumerate(ComplexitySignal)}
    units = np.zeros((len(queries), len(column)))
    for row, query in enumerate(queries):
        for finding in read_signals(query.text, settings):
            units[row, column[finding.signal]] = limited_units(finding)
    return units


def _points(
    units: FloatArray, labels: BoolArray, settings: ComplexitySettings
) -> dict[ComplexitySignal, float]:
    _check_both(labels)
    columns = [list(ComplexitySignal).index(signal) for signal in FITTED_SIGNALS]
    rows = Rows(
        matrix=units[:, columns], labels=labels.astype(np.float64), weights=np.ones(len(labels))
    )
    pull = np.array([1e-6, *(RIDGE for _ in columns)])
    intercept, *weights = fitted(rows, Prior(mean=np.zeros(len(pull)), pull=pull)).tolist()
    points_per_logit = settings.complex_points / max(-intercept, 1e-6)
    return {
        signal: round(min(max(weight * points_per_logit, 0.0), MOST_POINTS), 1)
        for signal, weight in zip(FITTED_SIGNALS, weights, strict=True)
    }


def _held_out_hits(
    units: FloatArray, labels: BoolArray, held_out: BoolArray, settings: ComplexitySettings
) -> FloatArray:
    """1 for each held-out question that is classified right, 0 elsewhere, shape (n,)."""
    points = _points(units[~held_out], labels[~held_out], settings)
    fitted = settings.model_copy(
        update={"signal_points": {**dict(settings.signal_points), **points}}
    )
    hits = np.zeros(len(labels))
    hits[held_out] = _is_several(units[held_out], fitted) == labels[held_out]
    return hits


def _is_several(units: FloatArray, settings: ComplexitySettings) -> BoolArray:
    points = np.array([settings.points_of(signal) for signal in ComplexitySignal])
    # Each signal's points are rounded to 0.01, as `complexity` does.
    total = np.round(units * points, 2).sum(axis=1)
    several: BoolArray = np.round(total, 2) >= settings.complex_points
    return several


def _accuracy(queries: Sequence[LabelledQuery], hits: FloatArray) -> Accuracy:
    several = np.array([query.several_steps for query in queries], dtype=bool)
    mean = float(hits.mean())
    half = _NORMAL_95 * (mean * (1.0 - mean) / len(hits)) ** 0.5
    by_source: dict[str, list[float]] = {}
    for query, hit in zip(queries, hits.tolist(), strict=True):
        by_source.setdefault(query.source, []).append(hit)
    return Accuracy(
        mean=mean,
        low=max(0.0, mean - half),
        high=min(1.0, mean + half),
        of_single=_mean(hits[~several]),
        of_several=_mean(hits[several]),
        by_source={source: sum(values) / len(values) for source, values in by_source.items()},
    )


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if len(values) else None
