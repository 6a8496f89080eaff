"""LlamaIndex's embedding models as the core's embedder.

A vector that is empty or not finite counts as missing: a row of NaN stands for it, as in the core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.search.cached_embedder import DEFAULT_MAX_ENTRIES, CachedEmbedder
from mba_integrations.llamaindex.component import check_picklable, deep_copy
from mba_integrations.llamaindex.retrieval.nodes import usable_vectors


class LlamaIndexEmbedder(CachedEmbedder):
    """An embedder for `MemoryBudgetAllocator` that asks a LlamaIndex model, each text once.

    Args:
        embed_model: Any `BaseEmbedding`.
        max_entries: Most vectors that are kept; 0 keeps none.

    Texts go through `get_text_embedding_batch`. Many models embed questions otherwise: pass
    `query(text)` as `query_embedding`. A copy keeps no vectors yet.

    Raises:
        InputError: If the model is none, or *max_entries* no whole number.
    """

    def __init__(
        self, embed_model: BaseEmbedding, *, max_entries: int = DEFAULT_MAX_ENTRIES
    ) -> None:
        if not isinstance(embed_model, BaseEmbedding):
            raise InputError(
                "embed_model must be an embedding model of LlamaIndex (BaseEmbedding), got "
                f"{type(embed_model).__name__}."
            )
        super().__init__(self._embed, max_entries=max_entries)
        self._embed_model = embed_model
        self._length: int | None = None

    @property
    def _arguments(self) -> dict[str, Any]:
        return {"embed_model": self._embed_model, "max_entries": self._vectors.max_entries}

    @property
    def embed_model(self) -> BaseEmbedding:
        """The model. It cannot be exchanged: what is kept are vectors of this one."""
        return self._embed_model

    @property
    def length(self) -> int | None:
        """Numbers of a vector; None as long as the model gave none that is usable."""
        return self._length

    def query(self, text: str) -> FloatArray:
        """Vector of a question, shape (d,)."""
        return self._asked(self.embed_model.get_query_embedding(text))

    async def aquery(self, text: str) -> FloatArray:
        """Vector of a question, shape (d,)."""
        return self._asked(await self.embed_model.aget_query_embedding(text))

    async def aprepare(self, texts: list[str]) -> None:
        """Embed what is not kept yet, so that the next call of the embedder waits for nothing."""
        missing = self.missing(texts)
        if missing:
            made = await self.embed_model.aget_text_embedding_batch(missing)
            self.keep(missing, self._rows(made))

    def _asked(self, vector: Sequence[float]) -> FloatArray:
        (usable,) = usable_vectors([vector])
        if usable is not None and self._length is None:
            self._length = len(usable)
        return np.asarray(vector, dtype=np.float32)

    def _embed(self, texts: list[str]) -> FloatArray:
        return self._rows(self.embed_model.get_text_embedding_batch(texts))

    def _rows(self, vectors: Sequence[Sequence[float]]) -> FloatArray:
        """An array with a row for each vector; NaN for one that is missing.

        Raises:
            InputError: If vectors are of several lengths.
        """
        usable = usable_vectors(vectors)
        known = [] if self._length is None else [self._length]
        lengths = {*known, *(len(one) for one in usable if one is not None)}
        if len(lengths) > 1:
            raise InputError(
                f"embed_model gave vectors of {min(lengths)} and of {max(lengths)} numbers. "
                "Use one model for all texts."
            )
        self._length = next(iter(lengths), None)
        nothing = np.full(self._length or 0, np.nan, dtype=np.float32)
        return np.stack([nothing if one is None else one for one in usable])

    def __reduce__(self) -> tuple[Any, ...]:
        for name, value in self._arguments.items():
            check_picklable(self, name, value)
        return _again, (type(self), self._arguments)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copies = {n: deep_copy(self, n, value, memo) for n, value in self._arguments.items()}
        return type(self)(**copies)


def _again(kind: type[LlamaIndexEmbedder], arguments: Mapping[str, Any]) -> LlamaIndexEmbedder:
    return kind(**arguments)
