"""How relevant each candidate is for a question, in [0, 1].

A relevance that a retriever handed in is kept. Otherwise BM25 and cosine are each put on the scale
from 0 (a typical item of the pool) to 1 (its best item), and averaged. Without vectors BM25
stands alone. Linear in the number of items.

What stands beside a match, and what it is worth for the answer, is left to `usefulness`.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.value.match import Match, filled_by_lexical

# A best cosine that is less above a typical item's is no full match: in an unrelated pool nothing
# comes near 1. MiniLM puts unrelated texts at 0.0 to 0.2.
_FULL_MATCH_COSINE = 0.3


def estimate_relevance(match: Match, given: FloatArray) -> FloatArray:
    """Relevance of every item, shape (n,), in [0, 1].

    Args:
        match: How the items match the question.
        given: Relevance handed in by a retriever, shape (n,), in [0, 1]; NaN unknown.

    An item without a vector in a pool where others have one counts as close to the query as
    items of its lexical score are on average.
    """
    unknown = np.isnan(given)
    if not unknown.any():
        return given
    relevance = match.lexical
    if match.cosine is not None:
        relevance = (dense_relevance(match.cosine, match.lexical) + match.lexical) / 2.0
    return relevance if unknown.all() else np.where(unknown, relevance, given)


def dense_relevance(cosine: FloatArray, lexical: FloatArray) -> FloatArray:
    """Cosine on the scale from 0, a typical item, to 1, the best, shape (n,)."""
    filled = filled_by_lexical(cosine, lexical)
    typical = _median(filled)
    best = max(float(filled.max()), typical + _FULL_MATCH_COSINE)
    relevance = filled - typical
    relevance /= best - typical
    return np.clip(relevance, 0.0, 1.0, out=relevance)


def _median(values: FloatArray) -> float:
    """The median of numbers to the precision of float32, which cosines have; a quarter of the time
    of `np.median`."""
    high = len(values) // 2
    # Partitioned, all below the middle are at most as high: their highest is its neighbour.
    parted = np.partition(values.astype(np.float32), high)
    above = float(parted[high])
    return above if len(values) % 2 else (float(parted[:high].max()) + above) / 2.0
