"""What relevance and usefulness are worked out from: the columns of the items of one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.pool.columns import Columns
from mba_integrations.core.pool.neighbourhood import Neighbourhood
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.tokens.cached_token_embedder import CachedTokenEmbedder
from mba_integrations.core.search.vector_column import VectorColumn


@dataclass(frozen=True, slots=True)
class RankedList:
    """What one retriever or reranker says of some items.

    Attributes:
        rows: The items, shape (m,).
        scores: Higher is better, finite, on any scale, shape (m,).
    """

    rows: IntArray
    scores: FloatArray


def ranked_lists(columns: Columns) -> tuple[RankedList, ...]:
    """The lists of the retrievers, in the order of their first items."""
    found = np.flatnonzero(np.isfinite(columns.retriever_score))
    if not len(found):
        return ()
    codes, firsts = np.unique(columns.retriever[found], return_index=True)
    lists = (found[columns.retriever[found] == codes[place]] for place in np.argsort(firsts))
    return tuple(RankedList(rows, columns.retriever_score[rows]) for rows in lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The candidates as columns, all of length n, in input order.

    Attributes:
        texts: The texts.
        lexical: Index of the texts.
        vectors: Embeddings; None where no item has one.
        has_vector: Which items have one, shape (n,); None means all of them.
        source: Code of the conversation, session or document of each item; -1 unknown.
        position: Place within the source; NaN unknown, then input order counts.
        created_seconds: Unix time in seconds; NaN unknown.
        speaker: Index into *speaker_names*; -1 unknown.
        speaker_names: Names as the items give them.
        given_relevance: Relevance that the caller gives, in [0, 1]; NaN unknown.
        importance: In [0, 1].
        around: Order of the items within their sources.
        lists: What retrievers found.
        tokens: Gives the vectors of a text's tokens; None where those are not compared.
    """

    texts: Sequence[str]
    lexical: LexicalIndex
    vectors: VectorColumn | None
    has_vector: BoolArray | None
    source: IntArray
    position: FloatArray
    created_seconds: FloatArray
    speaker: IntArray
    speaker_names: tuple[str, ...]
    given_relevance: FloatArray
    importance: FloatArray
    around: Neighbourhood
    lists: tuple[RankedList, ...] = ()
    tokens: CachedTokenEmbedder | None = None
