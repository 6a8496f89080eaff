"""How hard coefficients are drawn to those shipped: n labels against a strength of k.

Where a feature says nothing that the others say, its weight ends about n / (n + k) of the way from
the shipped one to that which the labels alone would give. n is the sum of the labels' weights. The
pull of a weight is k times what one label says of it on average: the variance of the feature times
the variance of the label, p (1 - p), as the shipped coefficients foresee it.

The variance of a feature is that over all that could be chosen. Over what is judged alone it is
less, since a prompt has what scores high, and then a few labels move weights that the rest of the
pool hangs on.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.learning.logistic import Prior, Rows, sigmoid
from mba_integrations.learning.usefulness_fit import MIN_SPREAD

_LEAST_VARIANCE = 1e-3
"""Of labels which the shipped coefficients are sure of."""
_LEAST_STRENGTH = 1e-6


def drawn_to(shipped: FloatArray, rows: Rows, strength: float, spread: FloatArray) -> Prior:
    """The prior of the shipped coefficients.

    Args:
        shipped: Intercept and weights, shape (k + 1,).
        rows: What is fitted on, at least one row that counts.
        strength: Labels that the shipped coefficients are worth, >= 0.
        spread: Standard deviation of each feature, shape (k,).

    Raises:
        InputError: If *strength* is negative or not finite.
    """
    if not 0.0 <= strength < np.inf:
        raise InputError(f"strength must be a number of labels >= 0, got {strength}.")
    p = sigmoid(shipped[0] + rows.matrix @ shipped[1:] + rows.offset)
    variance = max(float(np.average(p * (1.0 - p), weights=rows.weights)), _LEAST_VARIANCE)
    said = variance * np.array([1.0, *np.maximum(spread, MIN_SPREAD) ** 2])
    return Prior(mean=shipped, pull=max(strength, _LEAST_STRENGTH) * said)
