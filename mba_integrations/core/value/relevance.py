"""How relevant each candidate is for a question, in [0, 1].

A relevance that is given is kept. Otherwise BM25 and nearness (a cosine, or the place in a
retriever's list) are each put on the scale from 0 (a typical item of the pool) to 1 (its best
item), and averaged; without nearness BM25 stands alone. The order of a reranker, and beside cosines
that of retrievers, then moves the result. Linear in the number of items.

What stands beside a match, and what it is worth for the answer, is left to `usefulness`.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.value.match import Match, filled_by_lexical
from mba_integrations.core.value.opinions.reranked import (
    SecondLook,
    relevance_reranked,
    second_look,
)
from mba_integrations.core.value.opinions.retrieved import relevance_with_lists

# A best cosine that is less above a typical item's is no full match: in an unrelated pool nothing
# comes near 1. MiniLM puts unrelated texts at 0.0 to 0.2.
_FULL_MATCH_COSINE = 0.3


def estimate_relevance(
    match: Match, corpus: Corpus, query: str, look: SecondLook | None = None
) -> FloatArray:
    """Relevance of every item, shape (n,), in [0, 1].

    Args:
        match: How the items match the question.
        corpus: The candidates.
        query: What the reranker is asked.
        look: The reranker; None for none.

    An item without a vector in a pool where others have one counts as close to the query as
    items of its lexical score are on average.
    """
    given = corpus.given_relevance
    unknown = np.isnan(given)
    if not unknown.any():
        return given
    relevance = match.lexical
    if match.nearness is not None:
        relevance = (dense_relevance(match.nearness, match.lexical) + match.lexical) / 2.0
    if match.cosine is not None:
        relevance = relevance_with_lists(relevance, corpus.lists)
    relevance = relevance_reranked(relevance, second_look(look, relevance, query, corpus))
    return relevance if unknown.all() else np.where(unknown, relevance, given)


def dense_relevance(nearness: FloatArray, lexical: FloatArray) -> FloatArray:
    """Nearness on the scale from 0, a typical item, to 1, the best, shape (n,)."""
    filled = filled_by_lexical(nearness, lexical)
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
