"""What relevance and usefulness are worked out from: the columns of the items of one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.pool.neighbourhood import Neighbourhood
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.tokens.cached_token_embedder import CachedTokenEmbedder
from mba_integrations.core.search.vector_column import VectorColumn


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
        given_relevance: Relevance handed in by a retriever, in [0, 1]; NaN unknown.
        importance: In [0, 1].
        around: Order of the items within their sources.
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
    tokens: CachedTokenEmbedder | None = None
