"""Array types, and which entries of a column are the highest.

Equal scores go by input order. Finding the highest few is O(n), ranking all O(n log n).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]


def best_rows(scores: FloatArray, count: int) -> IntArray:
    """Rows of the *count* highest scores, or of all, best first.

    >>> best_rows(np.array([0.1, 0.9, 0.9, 0.5]), 3).tolist()
    [1, 2, 3]
    """
    rows = np.arange(len(scores))
    if 0 < count < len(scores):
        least = np.partition(scores, len(scores) - count)[-count]
        rows = np.flatnonzero(scores >= least)
    return rows[np.argsort(-scores[rows], kind="stable")[:count]]


def ranks_of(scores: FloatArray) -> IntArray:
    """How many scores are higher than each, shape (n,); equal scores have the same rank.

    >>> ranks_of(np.array([0.1, 0.9, 0.9, 0.5])).tolist()
    [3, 0, 0, 2]
    """
    order = np.argsort(-scores)
    ordered = scores[order]
    firsts = np.flatnonzero(np.diff(ordered, prepend=np.inf))
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[order] = np.repeat(firsts, np.diff(firsts, append=len(ordered)))
    return ranks


SAMPLE_SIZE = 2048
"""Items that the threshold of the sorted head is estimated from."""


def densest(density: FloatArray, count: int) -> tuple[IntArray, float]:
    """Positions, ascending, of about the `count` highest, and what all others are below.

    All that equal the lowest of them are among them.
    """
    if count * 4 >= len(density):
        return np.arange(len(density)), 0.0
    # A sample gives the threshold at a tenth of the time of a partition.
    step = max(1, len(density) // SAMPLE_SIZE)
    sample = density[::step]
    above = count if step == 1 else int(1.5 * count * len(sample) / len(density)) + 4
    if above >= len(sample):
        return np.arange(len(density)), 0.0
    lowest = float(np.partition(sample, len(sample) - above)[len(sample) - above])
    return np.flatnonzero(density >= lowest), lowest
