"""What counts whatever is asked: standing instructions, and what an empty query is answered with.

Importance is given by the caller. From 0.6 on it is taken as a sign that an item may be needed
whatever the query; at 1.0 the item is a standing instruction. Between 0.2 and 0.5 the weight of a
standing instruction changes nothing on sixty situations made by hand, nor does where it begins,
from 0.5 to 0.8.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray

STANDING_PROBABILITY = 0.3
"""That an item of importance 1 is needed by a query that says nothing of it."""
_BEGINS = 0.6
_ENDS = 1.0
_MOST = 8.0
"""Standing instructions that count in full."""


def joined(probability: FloatArray, other: FloatArray | float) -> FloatArray:
    """Probability that an item is needed for one of two reasons that know nothing of each other.

    >>> joined(np.array([0.5]), 0.5).tolist()
    [0.75]
    """
    return np.asarray(1.0 - (1.0 - probability) * (1.0 - np.asarray(other)))


def with_standing(
    probability: FloatArray, importance: FloatArray, *, weight: float = 1.0
) -> FloatArray:
    """Probabilities with what importance adds, shape (n,), in [0, 1].

    Args:
        probability: That each item is needed, shape (n,).
        importance: In [0, 1], shape (n,).
        weight: Part of the effect; less where nothing seems to be asked.
    """
    standing = standing_of(importance)
    return probability if standing is None else joined(probability, weight * standing)


def standing_of(importance: FloatArray) -> FloatArray | None:
    """The same as `standing_probability`; None where it is 0 for all."""
    if importance.max(initial=0.0) <= _BEGINS:
        return None
    return standing_probability(importance)


def standing_probability(importance: FloatArray) -> FloatArray:
    """That items are needed whatever is asked, shape (n,).

    Where most of a pool is marked as important, the mark says little of each: together they count
    as `_MOST` instructions.

    >>> standing_probability(np.array([0.6, 0.8, 1.0])).round(2).tolist()
    [0.0, 0.15, 0.3]
    >>> standing_probability(np.ones(80)).max().round(2)
    np.float64(0.03)
    """
    rises = np.clip((importance - _BEGINS) / (_ENDS - _BEGINS), 0.0, 1.0)
    few = min(1.0, _MOST / max(float(rises.sum()), 1.0))
    return np.asarray(STANDING_PROBABILITY * few * rises)


def of_empty_query(importance: FloatArray, freshness: FloatArray) -> FloatArray:
    """How probably items are needed where nothing is asked: by importance, then freshness."""
    logit = 10.0 * (importance - 0.85) + (freshness - 0.5) - 1.0
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))
