"""LlamaIndex's embedding models as the core's embedder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.search.cached_embedder import DEFAULT_MAX_ENTRIES, CachedEmbedder
from mba_integrations.llamaindex.retrieval.nodes import usable_vectors


class LlamaIndexEmbedder(CachedEmbedder):
    """An embedder for `MemoryBudgetAllocator` that asks a LlamaIndex model, each text once.

    Args:
        embed_model: Any `BaseEmbedding`.
        max_entries: Most vectors that are kept; 0 keeps none.

    Texts go through `get_text_embedding_batch`. Many models embed questions otherwise: pass
    `query(text)` as `query_embedding`.
    """

    def __init__(
        self, embed_model: BaseEmbedding, *, max_entries: int = DEFAULT_MAX_ENTRIES
    ) -> None:
        super().__init__(self._embed, max_entries=max_entries)
        self._embed_model = embed_model

    @property
    def embed_model(self) -> BaseEmbedding:
        """The model. It cannot be exchanged: what is kept are vectors of this one."""
        return self._embed_model

    def query(self, text: str) -> FloatArray:
        """Vector of a question, shape (d,)."""
        return np.asarray(self.embed_model.get_query_embedding(text), dtype=np.float32)

    async def aquery(self, text: str) -> FloatArray:
        """Vector of a question, shape (d,)."""
        return np.asarray(await self.embed_model.aget_query_embedding(text), dtype=np.float32)

    async def aprepare(self, texts: list[str]) -> None:
        """Embed what is not kept yet, so that the next call of the embedder waits for nothing."""
        missing = self.missing(texts)
        if missing:
            made = await self.embed_model.aget_text_embedding_batch(missing)
            self.keep(missing, _rows(made))

    def _embed(self, texts: list[str]) -> FloatArray:
        return _rows(self.embed_model.get_text_embedding_batch(texts))


def _rows(vectors: Sequence[Sequence[float]]) -> FloatArray:
    """An array with a row for each vector; zeros, which match nothing, for one that is unusable."""
    usable = usable_vectors(vectors)
    length = max((len(one) for one in usable if one is not None), default=1)
    nothing = np.zeros(length, dtype=np.float32)
    return np.stack([nothing if one is None else one for one in usable])
