"""LangChain `Embeddings` as the core's embedder: batched, each text embedded once.

`EmbeddingsEmbedder` is a callable from texts to an array. Where an event loop must not wait, embed
beforehand with `aembed`: what it made is kept, so the allocator finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.embeddings import Embeddings

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.search.cached_embedder import DEFAULT_MAX_ENTRIES, CachedEmbedder
from mba_integrations.core.search.embedder import Embedder, as_rows
from mba_integrations.langchain.settings import Setting, keep

BATCH_SIZE = 256


class EmbeddingsEmbedder(CachedEmbedder):
    """An embedder from LangChain's `Embeddings`.

    Queries and texts are embedded alike, by `embed_documents`: the core compares both.

    Args:
        embeddings: The model.
        batch_size: Most texts in one call of it, >= 1.
        max_entries: Most vectors that are kept.

    Raises:
        InputError: If an argument is something else.
    """

    embeddings = Setting[Embeddings]()
    batch_size = Setting[int]()
    max_entries = Setting[int]()

    def __init__(
        self,
        embeddings: Embeddings,
        *,
        batch_size: int = BATCH_SIZE,
        max_entries: int = DEFAULT_MAX_ENTRIES,
    ) -> None:
        if not isinstance(embeddings, Embeddings):
            kind = type(embeddings).__name__
            raise InputError(f"embeddings must be LangChain Embeddings, got {kind}.")
        keep(
            self,
            embeddings=embeddings,
            batch_size=checked_whole("batch_size", batch_size, at_least=1),
            max_entries=checked_whole("max_entries", max_entries),
        )
        super().__init__(self._embed, max_entries=self.max_entries)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has the settings, and embeds anew."""
        return _made_again, (self.embeddings, self.batch_size, self.max_entries)

    async def aembed(self, texts: Sequence[str]) -> None:
        """Embed and keep the texts that are not kept, without blocking the event loop."""
        missing = self.missing(list(texts))
        vectors: list[list[float]] = []
        for batch in self._batches(missing):
            vectors += await self.embeddings.aembed_documents(batch)
        if missing:
            self.keep(missing, as_rows(vectors))

    def _embed(self, texts: list[str]) -> FloatArray:
        vectors: list[list[float]] = []
        for batch in self._batches(texts):
            vectors += self.embeddings.embed_documents(batch)
        return as_rows(vectors)

    def _batches(self, texts: list[str]) -> list[list[str]]:
        size = self.batch_size
        return [texts[start : start + size] for start in range(0, len(texts), size)]


def _made_again(embeddings: Embeddings, batch_size: int, max_entries: int) -> EmbeddingsEmbedder:
    return EmbeddingsEmbedder(embeddings, batch_size=batch_size, max_entries=max_entries)


def as_embedder(source: Any) -> Embedder | None:
    """An embedder from `Embeddings`, from a callable, or None from None.

    Raises:
        InputError: If it is none of these.
    """
    if source is None or isinstance(source, EmbeddingsEmbedder):
        return source
    if isinstance(source, Embeddings):
        return EmbeddingsEmbedder(source)
    if callable(source):
        embedder: Embedder = source
        return embedder
    kind = type(source).__name__
    raise InputError(f"embedder must be LangChain Embeddings or a callable, got {kind}.")
