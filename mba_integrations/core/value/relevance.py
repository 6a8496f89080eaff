"""How well each candidate matches the query, in [0, 1].

A relevance that a retriever handed in is kept. Otherwise BM25 and cosine are each put on the scale
from 0 (a typical item of the pool) to 1 (its best item), and averaged. Without vectors BM25
stands alone. Linear in the number of items and in the length of the vectors.

What stands beside a match, and what it is worth for the answer, is left to `usefulness`.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.search.vector_column import VectorColumn

# A best hit below these is no full match: in an unrelated pool nothing comes near 1.
_FULL_MATCH_SHARE = 0.25  # of the BM25 of a text that has every term of the query once
_FULL_MATCH_COSINE = 0.3  # above a typical item; MiniLM puts unrelated texts at 0.0 to 0.2


def estimate_relevance(
    query: str, corpus: Corpus, *, query_vector: FloatArray | None
) -> FloatArray:
    """Relevance of every item for *query*, shape (n,), in [0, 1].

    Args:
        query: Any text; one that shares no term with the pool is matched by vector alone.
        corpus: The candidates.
        query_vector: Embedding of the query, shape (d,), of any length above 0; None for
            lexical matching only.

    An item without a vector in a pool where others have one counts as close to the query as
    items of its lexical score are on average.
    """
    relevance = lexical_relevance(query, corpus)
    cosine = cosine_to_query(corpus, query_vector)
    if cosine is not None:
        relevance = _dense_relevance(cosine, relevance) + relevance
        relevance /= 2.0
    given = np.asarray(corpus.given_relevance, dtype=np.float64)
    unknown = np.isnan(given)
    return relevance if unknown.all() else np.where(unknown, relevance, given)


def lexical_relevance(query: str, corpus: Corpus) -> FloatArray:
    """BM25 as a share of the best, shape (n,), in [0, 1]; all 0 where no term matches."""
    return corpus.once("lexical", query, lambda: _lexical_relevance(query, corpus))


def _lexical_relevance(query: str, corpus: Corpus) -> FloatArray:
    scores = corpus.lexical.scores(query).astype(np.float64)
    full = _FULL_MATCH_SHARE * corpus.lexical.best_possible(query)
    scores /= max(float(scores.max(initial=0.0)), full, 1e-12)
    return scores


def cosine_to_query(corpus: Corpus, query_vector: FloatArray | None) -> FloatArray | None:
    """Cosine of every item with the query, shape (n,), NaN for items without a vector.

    None where there is nothing to compare: no items, no vectors, or a query vector that is
    missing, zero or not finite.

    Raises:
        InputError: If the query vector has another length than the items' vectors.
    """
    if query_vector is None or corpus.vectors is None or not len(corpus.vectors):
        return None
    query = _unit_query(query_vector, corpus.vectors.shape[1])
    has_vector = corpus.has_vector
    if query is None or (has_vector is not None and not has_vector.any()):
        return None
    vectors = corpus.vectors
    return corpus.once("dense", query_vector, lambda: _cosine(vectors, query, has_vector))


def _cosine(vectors: VectorColumn, query: FloatArray, has_vector: BoolArray | None) -> FloatArray:
    cosine = vectors.dot(query).astype(np.float64)
    if has_vector is None or has_vector.all():
        return cosine
    return np.where(has_vector, cosine, np.nan)


def _unit_query(query_vector: FloatArray, dimensions: int) -> FloatArray | None:
    query = np.asarray(query_vector, dtype=np.float32).reshape(-1)
    if len(query) != dimensions:
        raise InputError(
            f"query embedding has {len(query)} dimensions, the items' embeddings have "
            f"{dimensions}. Make both with the same embedder."
        )
    length = float(np.linalg.norm(query))
    return np.asarray(query / length) if np.isfinite(length) and length > 0.0 else None


def filled_by_lexical(similarity: FloatArray, lexical: FloatArray) -> FloatArray:
    """*similarity* with its NaN entries predicted from *lexical* by least squares.

    All 0 where no entry is known.
    """
    known = np.isfinite(similarity)
    if known.all():
        return similarity
    if not known.any():
        return np.zeros(len(similarity))
    mean_lexical, mean = float(np.mean(lexical[known])), float(np.mean(similarity[known]))
    spread = float(np.var(lexical[known]))
    products = (lexical[known] - mean_lexical) * (similarity[known] - mean)
    slope = float(np.mean(products)) / spread if spread > 1e-12 else 0.0
    return np.where(known, similarity, mean + slope * (lexical - mean_lexical))


def _dense_relevance(cosine: FloatArray, lexical: FloatArray) -> FloatArray:
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
    parted = np.partition(values.astype(np.float32), high)
    above = float(parted[high])
    return above if len(values) % 2 else (float(parted[:high].max()) + above) / 2.0
