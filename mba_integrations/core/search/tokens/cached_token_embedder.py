"""A token embedder that embeds each text once.

Vectors are kept by content, bounded in bytes; the oldest go first. Texts that are missing go to
the embedder in one call, each once. Safe to use from many threads; two threads that miss the same
text at the same time both have it embedded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mba_integrations.core.arguments import check_function, checked_texts, checked_whole
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.search.tokens.token_vectors import (
    TokenEmbedder,
    TokenVectors,
    token_vectors,
)
from mba_integrations.core.search.vector_cache import VectorCache

DEFAULT_MAX_TOKEN_BYTES = 512 * 2**20
"""With 384 numbers a vector, 1.4 million tokens: 46,000 messages of 30, or 10,000 of 140."""
_MAX_TEXTS = 1_000_000


class CachedTokenEmbedder:
    """Wraps a token embedder.

    Args:
        token_embedder: Callable from n texts to n arrays of shape (tokens, d).
        max_bytes: Most bytes that vectors and their texts take; 0 keeps none.

    Raises:
        InputError: If *token_embedder* cannot be called, or the bound is no such number.

    >>> import numpy as np
    >>> calls = []
    >>> def model(texts):
    ...     calls.append(texts)
    ...     return [np.eye(2)] * len(texts)
    >>> embedder = CachedTokenEmbedder(model)
    >>> [made.shape for made in embedder(["a", "b", "a"])], len(embedder(["b"])), calls
    ([(2, 2), (2, 2), (2, 2)], 1, [['a', 'b']])
    """

    def __init__(
        self, token_embedder: TokenEmbedder, *, max_bytes: int = DEFAULT_MAX_TOKEN_BYTES
    ) -> None:
        check_function("token_embedder", token_embedder)
        self._embedder = token_embedder
        self._max_bytes = checked_whole("max_bytes", max_bytes)
        self._kept = self._cache()

    def _cache(self) -> VectorCache[TokenVectors]:
        return VectorCache(max_entries=_MAX_TEXTS, max_bytes=self._max_bytes)

    def __call__(self, texts: list[str]) -> list[TokenVectors]:
        """Vectors of the tokens of each text, in order.

        Raises:
            InputError: If *texts* is no list of texts, or the embedder returns no array for each.
        """
        texts = checked_texts("texts", texts)
        found = {text: self._kept.get(text) for text in texts}
        missing = [text for text, known in found.items() if known is None]
        made = self._keep(missing, token_vectors(missing, self._embedder)) if missing else []
        found |= zip(missing, made, strict=True)
        return [vectors for text in texts if (vectors := found[text]) is not None]

    def missing(self, texts: list[str]) -> list[str]:
        """Those of *texts* that the embedder would be asked for, each once."""
        return [text for text in dict.fromkeys(texts) if text not in self._kept]

    def keep(self, texts: list[str], vectors: Sequence[FloatArray]) -> None:
        """Keep vectors that were made elsewhere, such as with the vectors of whole texts.

        Raises:
            InputError: If *texts* is no list of texts, or there is no array for each.
        """
        texts = checked_texts("texts", texts)
        self._keep(texts, token_vectors(texts, lambda _: vectors))

    def _keep(self, texts: list[str], made: list[TokenVectors]) -> list[TokenVectors]:
        self._kept.keep(dict(zip(texts, made, strict=True)))
        return made

    def __getstate__(self) -> dict[str, Any]:
        """What another process, or a deep copy, gets: the embedder and the bound, no vector."""
        return {"_embedder": self._embedder, "_max_bytes": self._max_bytes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._kept = self._cache()
