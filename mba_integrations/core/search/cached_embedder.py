"""An embedder that embeds each text once.

Vectors are kept by content, bounded in number and in bytes; the oldest go first. Texts that are
missing go to the embedder in one call, each once. A vector that cannot be used is not kept, so that
its text is asked for again next time. Safe to use from many threads; two threads that miss the same
text at the same time both have it embedded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mba_integrations.core.arguments import check_function, checked_texts, checked_whole
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.search.embedder import Embedder, embed, usable_rows
from mba_integrations.core.search.vector_cache import VectorCache

DEFAULT_MAX_ENTRIES = 50_000
"""With 384 numbers a vector, 77 MB."""
DEFAULT_MAX_BYTES = 512 * 2**20
"""Room for as many vectors of 1,536 numbers with texts of 3,000 characters."""


class CachedEmbedder:
    """Wraps an embedder.

    Args:
        embedder: Callable from n texts to an array of shape (n, d).
        max_entries: Most vectors that are kept; 0 keeps none.
        max_bytes: Most bytes that vectors and their texts take.

    Raises:
        InputError: If *embedder* cannot be called, or a bound is no such number.

    >>> calls = []
    >>> embedder = CachedEmbedder(lambda texts: calls.append(texts) or np.ones((len(texts), 2)))
    >>> embedder(["a", "b", "a"]).shape, embedder(["b", "c"]).shape, calls
    ((3, 2), (2, 2), [['a', 'b'], ['c']])
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        max_entries: int = DEFAULT_MAX_ENTRIES,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        check_function("embedder", embedder)
        self._embedder = embedder
        self._vectors: VectorCache[FloatArray] = VectorCache(
            max_entries=checked_whole("max_entries", max_entries),
            max_bytes=checked_whole("max_bytes", max_bytes),
        )

    def __call__(self, texts: list[str]) -> FloatArray:
        """Vectors of the texts, shape (n, d), float32; NaN where a vector cannot be used.

        Vectors that are kept and have another length than the newest are of a model that is not in
        use any more; their texts are embedded again.

        Raises:
            InputError: If *texts* is no list of texts, or the embedder returns no array with a row
                for each text.
        """
        texts = checked_texts("texts", texts)
        distinct = dict.fromkeys(texts)
        found = {text: known for text in distinct if (known := self._vectors.get(text)) is not None}
        missing = [text for text in distinct if text not in found]
        made = self._made(missing)
        if missing and len(missing) == len(texts):
            return made
        length = made.shape[1] or self._vectors.length
        stale = [text for text, vector in found.items() if len(vector) != length]
        found |= zip(missing, made, strict=True)
        found |= zip(stale, self._made(stale), strict=True)
        return _stacked([found[text] for text in texts], length)

    def missing(self, texts: list[str]) -> list[str]:
        """Those of *texts* that the embedder would be asked for, each once.

        Raises:
            InputError: If *texts* is no list of texts.
        """
        texts = checked_texts("texts", texts)
        return [text for text in dict.fromkeys(texts) if text not in self._vectors]

    def keep(self, texts: list[str], vectors: FloatArray) -> None:
        """Keep vectors that were made elsewhere, such as by a call that was awaited.

        Args:
            texts: The texts.
            vectors: Their vectors, shape (n, d).

        Raises:
            InputError: If *texts* is no list of texts, or the shape is another.
        """
        texts = checked_texts("texts", texts)
        self._keep(texts, np.array(embed(texts, lambda _: vectors)))

    def _made(self, texts: list[str]) -> FloatArray:
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        made = np.array(embed(texts, self._embedder))
        self._keep(texts, made)
        return made

    def _keep(self, texts: list[str], made: FloatArray) -> None:
        made.flags.writeable = False
        usable = usable_rows(made[:, :1])  # what cannot be used is NaN from its beginning
        rows = zip(texts, made, usable.tolist(), strict=True)
        self._vectors.keep({text: vector for text, vector, is_usable in rows if is_usable})

    def __getstate__(self) -> dict[str, Any]:
        """What another process, or a deep copy, gets: the embedder and the bounds, no vector."""
        bounds = (self._vectors.max_entries, self._vectors.max_bytes)
        return {**self.__dict__, "_vectors": bounds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        max_entries, max_bytes = state["_vectors"]
        self._vectors = VectorCache(max_entries=max_entries, max_bytes=max_bytes)


def _stacked(vectors: list[FloatArray], length: int) -> FloatArray:
    """The vectors as rows; NaN for one of another length."""
    rows = np.full((len(vectors), length), np.nan, dtype=np.float32)
    for row, vector in zip(rows, vectors, strict=True):
        if len(vector) == length:
            row[:] = vector
    return rows
