"""Estimated probability that the answer needs each candidate, in [0, 1]."""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.relevance import Corpus, estimate_relevance


def estimate_usefulness(
    query: str,
    corpus: Corpus,
    *,
    query_vector: FloatArray | None,
    freshness: FloatArray,
    now_seconds: float | None,
) -> FloatArray:
    """Probability that the answer to *query* needs each item, shape (n,), in [0, 1].

    Args:
        query: Any text.
        corpus: The candidates.
        query_vector: Embedding of the query, shape (d,), or None.
        freshness: Freshness of each item, shape (n,), in [0, 1].
        now_seconds: Unix time of the question in seconds, or None.
    """
    relevance = estimate_relevance(query, corpus, query_vector=query_vector)
    logit = 8.0 * relevance + 0.5 * (np.asarray(corpus.importance) - 0.5) + 0.1 * freshness - 6.5
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))
