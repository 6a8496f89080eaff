"""Array types, columns of nothing, and which entries of a column are the highest.

Three questions, by rising price. `densest`: a set that has the highest ones, some too many, by a
sample; the cheapest for a long column. `best_rows`: exactly the highest, in order; O(n), of a long
column mostly as cheap.
`ranks_of`: the rank of each; O(n log n). Equal entries go by input order.

>>> scores = np.array([0.2, 0.9, 0.5, 0.9, 0.1])
>>> best_rows(scores, 3).tolist(), ranks_of(scores).tolist()
([1, 3, 2], [3, 0, 2, 0, 4])
>>> densest(scores, 1)
(array([1, 3]), 0.9)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]

_ZERO = bytes(8)
"""A float64 of 0. What is made of bytes is read-only."""
SAMPLE_SIZE = 2048
"""Entries that `densest` estimates its threshold from, or up to twice as many."""


def as_floats(given: object) -> FloatArray:
    """Numbers as float32; those that it cannot hold become infinite, without a warning.

    Raises:
        TypeError, ValueError, OverflowError: If they are no numbers.
    """
    with np.errstate(over="ignore"):
        return np.asarray(given, dtype=np.float32)


def nothing(size: int) -> FloatArray:
    """0 for each entry, shape (size,); one number that all entries share, and nobody can change.

    >>> nothing(3).tolist(), nothing(3).strides
    ([0.0, 0.0, 0.0], (0,))
    """
    return np.ndarray((size,), np.float64, _ZERO, strides=(0,))


def is_nothing(values: FloatArray) -> bool:
    """Whether `nothing` made a column: then no entry need be read to know that it is 0."""
    return values.strides == (0,) and not values[:1].any()


def best_rows(scores: FloatArray, count: int) -> IntArray:
    """Rows of the *count* highest scores, or of all, best first.

    >>> best_rows(np.array([0.1, 0.9, 0.9, 0.5]), 3).tolist()
    [1, 2, 3]
    """
    rows: IntArray = np.arange(len(scores))
    if 0 < count < len(scores):
        rows, _ = densest(scores, count)
        if not count <= len(rows) < len(scores):
            # More than *count* where the lowest is shared; the sort then prefers the earlier ones.
            rows = np.flatnonzero(scores >= _nth_highest(scores, count))
    return rows[np.argsort(-scores[rows], kind="stable")[:count]]


def ranks_of(scores: FloatArray) -> IntArray:
    """How many scores are higher than each, shape (n,); equal scores have the same rank.

    >>> ranks_of(np.array([0.1, 0.9, 0.9, 0.5])).tolist()
    [3, 0, 0, 2]
    """
    order = np.argsort(-scores)
    ordered = scores[order]
    begins = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    places = np.arange(len(ordered))
    if not begins.all():
        # All scores of one run get the place at which it begins.
        firsts = np.flatnonzero(begins)
        places = np.repeat(firsts, np.diff(firsts, append=len(ordered)))
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[order] = places
    return ranks


def densest(density: FloatArray, count: int) -> tuple[IntArray, float]:
    """A set of positions that stands above all others, of about *count* or more.

    The set is every position of a density at or above a threshold, so entries that are equal are
    all in or all out, and no entry outside is as high as one inside. The threshold comes from
    every k-th entry, aimed at 1.5 times *count*. In a column in random order the set rarely has
    fewer than *count*, but no number is promised: a caller that needs more asks for more.

    A tenth of the time of a partition of 100,000 entries.

    Args:
        density: Shape (n,), none below 0.
        count: At least 1. From a quarter of n on the set is everything.

    Returns:
        The positions, ascending, and the threshold: all entries outside are below it, and 0 says
        that there are none outside.

    >>> densest(np.array([5.0, 1.0, 4.0, 4.0, 2.0, 1.0, 1.0, 1.0, 1.0]), 2)
    (array([0, 2, 3]), 4.0)
    >>> densest(np.array([5.0, 1.0, 4.0]), 2)
    (array([0, 1, 2]), 0.0)
    """
    everything = np.arange(len(density)), 0.0
    if count * 4 >= len(density):
        return everything
    step = max(1, len(density) // SAMPLE_SIZE)
    sample = density[::step]
    above = count if step == 1 else int(1.5 * count * len(sample) / len(density)) + 4
    if above >= len(sample):
        return everything
    lowest = _nth_highest(sample, above)
    return np.flatnonzero(density >= lowest), lowest


def _nth_highest(values: FloatArray, n: int) -> float:
    """The value that n - 1 others are at or above, n from 1 to the number of values."""
    place = len(values) - n
    return float(np.partition(values, place)[place])
