"""Estimates that another order moves.

A foreign score has a scale of its own: 0.83 beside 0.79 may be all or nothing. So only the order of
such scores counts: of an item with r better ones in its list, `h / (h + r)`, which is 1 for the
first and a half for the one with h better ones. Of equal scores each has half of the others before
it, so one that stands out of a hundred is far ahead of the rest.

>>> places(np.array([0.79, 0.83, -4.0, 0.79]), half=10).round(2).tolist()
[0.87, 1.0, 0.77, 0.87]

The odds of an estimate are multiplied by a power of that, so a place counts whether or not the
estimates differ. What the list has in all stays, as a mean of logits: to be listed is no merit,
equal scores change nothing, and an item in no list is not moved.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray, ranks_of

_SMALLEST = 1e-12


def places(scores: FloatArray, *, half: float) -> FloatArray:
    """Places in the order of the scores, in (0, 1], shape (m,).

    Args:
        scores: Higher is better, finite, shape (m,).
        half: So many better ones halve the place.
    """
    better, others = ranks_of(scores), ranks_of(-scores)
    equal = len(scores) - 1 - better - others
    return np.asarray(half / (half + better + equal / 2.0))


def with_order(
    probability: FloatArray, rows: IntArray, places: FloatArray, *, power: float
) -> FloatArray:
    """Probabilities whose odds an order has moved, shape (n,).

    Args:
        probability: In [0, 1], shape (n,).
        rows: The items that have a score, shape (m,).
        places: In (0, 1], shape (m,).
        power: How much they count.

    >>> with_order(np.array([0.5, 0.5, 0.5]), np.array([0, 2]), np.array([0.5, 1.0]), power=1.0
    ...            ).round(2).tolist()
    [0.41, 0.5, 0.59]
    """
    inside = np.clip(probability[rows], _SMALLEST, 1.0 - _SMALLEST)
    shift = power * np.log(places)
    odds = inside / (1.0 - inside) * np.exp(shift - shift.mean())
    result = probability.copy()
    result[rows] = odds / (1.0 + odds)
    return result


def with_places(
    share: FloatArray, rows: IntArray, places: FloatArray, *, weight: float
) -> FloatArray:
    """Numbers in [0, 1] that are no probabilities, such as a relevance, as a mean with the places.

    Args:
        share: In [0, 1], shape (n,).
        rows: The items that have a score, shape (m,).
        places: In (0, 1], shape (m,).
        weight: Of the places, in [0, 1]; where all are equal they say nothing.
    """
    result = share.copy()
    if places.min(initial=1.0) < places.max(initial=0.0):
        result[rows] = (1.0 - weight) * share[rows] + weight * places
    return result
