"""The callable that embeds texts, and how its answer is checked.

A vector that is empty, or holds a value that is not finite, or has another length than most of the
same answer, says nothing of its text. It becomes a row of NaN, which counts as missing wherever
vectors are read; the others are used. One text that a model cannot embed does not cost the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, as_floats
from mba_integrations.core.errors import InputError

Embedder = Callable[[list[str]], FloatArray]
"""Texts in, array of shape (n, d) out."""


def embed(texts: list[str], embedder: Embedder | None) -> FloatArray | None:
    """Call the embedder and check what it returns: float32, shape (n, d); None without one.

    Returns:
        A row of NaN for a text whose vector cannot be used.

    Raises:
        InputError: If the result is no array of numbers with a row for each text.

    >>> embed(["a", "b", "c"], lambda texts: [[1.0, 2.0], [], [3.0, np.inf]])
    array([[ 1.,  2.],
           [nan, nan],
           [nan, nan]], dtype=float32)
    """
    if embedder is None:
        return None
    try:
        vectors = as_rows(embedder(texts))
    except InputError:
        raise  # by an embedder that has checked already, such as `CachedEmbedder`
    except (TypeError, ValueError, OverflowError) as error:
        said = str(error).rstrip(".")
        raise InputError(f"the embedder returned what is no array of numbers: {said}.") from error
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise InputError(
            f"the embedder returned an array of shape {vectors.shape} for {len(texts):,} texts; "
            f"it must return ({len(texts):,}, dimensions)."
        )
    usable = usable_rows(vectors)
    return vectors if usable.all() else np.where(usable[:, None], vectors, np.float32(np.nan))


def usable_rows(vectors: FloatArray) -> BoolArray:
    """Which rows can be compared: those that are not empty and all of whose values are finite.

    >>> usable_rows(np.array([[1.0, 2.0], [np.nan, 0.0]]))
    array([ True, False])
    """
    if not vectors.shape[1]:
        return np.zeros(len(vectors), dtype=bool)
    # A sum is finite where all are; only where it is not, as by overflow, is each value looked at.
    with np.errstate(over="ignore", invalid="ignore"):
        usable = np.isfinite(vectors.sum(axis=1))
    odd = np.flatnonzero(~usable)
    usable[odd] = np.isfinite(vectors[odd]).all(axis=1)
    return np.asarray(usable)


def as_rows(given: object) -> FloatArray:
    """Vectors as an array; NaN for those that have another length than most.

    Raises:
        TypeError, ValueError, OverflowError: If they are no numbers.
    """
    try:
        return as_floats(given)
    except ValueError:
        # Rows of several lengths have no array. What is no list of numbers is refused once more.
        if isinstance(given, Iterable):
            return _stacked([as_floats(row) for row in given])
        raise


def _stacked(rows: list[FloatArray]) -> FloatArray:
    """The rows of the length that most have, the first of equally many; NaN for the others."""
    lengths = Counter(len(row) for row in rows if row.ndim == 1 and len(row))
    length = max(lengths, key=lengths.__getitem__, default=0)
    stacked = np.full((len(rows), length), np.nan, dtype=np.float32)
    for place, row in enumerate(rows):
        if row.shape == (length,):
            stacked[place] = row
    return stacked
