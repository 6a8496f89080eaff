"""A learned estimator of complexity: logistic over the signals of the wording, and calibrated.

Drawn to what the shipped points say: a point is worth `LOGIT_OF_POINT`, and odds are even at
`complex_points`. Weights stay >= 0, as points do. Then Platt scaling, on the logits of questions
that were held out of the fit: an intercept and a slope, drawn to 0 and 1, which are multiplied into
the coefficients. Deterministic; nothing but numpy is needed, and at run time not even that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray
from mba_integrations.core.budget.complexity import LOGIT_OF_POINT
from mba_integrations.core.config.complexity_words import ComplexitySignal
from mba_integrations.core.config.learned.coefficients import (
    LARGEST_COEFFICIENT,
    ComplexityCoefficients,
)
from mba_integrations.core.config.settings import ComplexitySettings
from mba_integrations.learning.complexity_fit import LabelledQuery, units_of
from mba_integrations.learning.logistic import Rows, fitted, fitted_with_signs
from mba_integrations.learning.own.features import Label
from mba_integrations.learning.own.shrinking import drawn_to

STRENGTH = 30.0
"""Questions that the shipped points are worth; see docs/learning.md for how it was chosen."""
_FOLDS = 5
_LEAST_SLOPE = 0.1


def labelled_query(query: str, labels: Iterable[Label]) -> LabelledQuery | None:
    """What feedback says of a question: several steps if two memories or more were of use.

    It counts as much as the weakest of what it rests on. None where no memory was of use.

    >>> labelled_query("Who?", [Label(memory_id="a", useful=True, weight=0.5)]).several_steps
    False
    """
    used: dict[str, float] = {}
    for one in labels:
        if one.useful and one.weight > 0.0:
            used[one.memory_id] = max(one.weight, used.get(one.memory_id, 0.0))
    if not used:
        return None
    surest = sorted(used.values(), reverse=True)[:2]
    return LabelledQuery(
        text=query, several_steps=len(used) > 1, source="own traffic", weight=surest[-1]
    )


def own_complexity(
    queries: Sequence[LabelledQuery],
    settings: ComplexitySettings | None = None,
    *,
    strength: float = STRENGTH,
) -> ComplexityCoefficients | None:
    """Coefficients for `ComplexitySettings.learned`; None without questions: the points hold.

    Args:
        queries: Questions of which it is known whether they took several steps; each counts by its
            weight.
        settings: Words, points and thresholds of the workspace.
        strength: Questions that the points are worth, >= 0.

    Raises:
        InputError: If *strength* is not a number >= 0.
    """
    settings = settings or ComplexitySettings()
    counted = [one for one in queries if one.weight > 0.0]
    if not counted:
        return None
    rows = Rows(
        matrix=units_of(counted, settings),
        labels=np.array([float(one.several_steps) for one in counted]),
        weights=np.array([one.weight for one in counted]),
    )
    intercept, slope = _platt(rows, settings, strength)
    beta = slope * _fitted(rows, settings, strength)
    first, *weights = np.clip(beta, -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT).tolist()
    named = zip(ComplexitySignal, weights, strict=True)
    return ComplexityCoefficients(
        intercept=round(first + intercept, 4),
        weights={signal: round(w, 4) for signal, w in named if round(w, 4) > 0.0},
    )


def _fitted(rows: Rows, settings: ComplexitySettings, strength: float) -> FloatArray:
    points = [settings.points_of(signal) for signal in ComplexitySignal]
    shipped = LOGIT_OF_POINT * np.array([-settings.complex_points, *points])
    return fitted_with_signs(
        rows, drawn_to(shipped, rows, strength, rows.matrix.std(axis=0)), [1.0] * len(points)
    )


def _platt(rows: Rows, settings: ComplexitySettings, strength: float) -> tuple[float, float]:
    """Intercept and slope that make the logits of held-out questions right on average."""
    fold = np.arange(len(rows.labels)) % _FOLDS
    if len(rows.labels) < _FOLDS:
        return 0.0, 1.0
    logits = np.zeros(len(rows.labels))
    for held_out in (fold == number for number in range(_FOLDS)):
        beta = _fitted(_some(rows, ~held_out), settings, strength)
        logits[held_out] = beta[0] + rows.matrix[held_out] @ beta[1:]
    of_logits = Rows(matrix=logits[:, None], labels=rows.labels, weights=rows.weights)
    prior = drawn_to(np.array([0.0, 1.0]), of_logits, strength, of_logits.matrix.std(axis=0))
    intercept, slope = fitted(of_logits, prior).tolist()
    return intercept, max(slope, _LEAST_SLOPE)


def _some(rows: Rows, kept: BoolArray) -> Rows:
    return Rows(matrix=rows.matrix[kept], labels=rows.labels[kept], weights=rows.weights[kept])
