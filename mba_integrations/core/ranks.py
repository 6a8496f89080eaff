"""Which scores are the highest, and how many are higher than each.

Equal scores go by input order. Finding the highest few is O(n), ranking all O(n log n).
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray


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
