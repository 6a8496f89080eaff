"""An embedder that embeds each text once.

Vectors are kept by content, bounded; the oldest sixteenth goes when there are more. Texts that are
missing go to the embedder in one call, each once. Safe to use from many threads; two threads that
miss the same text at the same time both have it embedded.
"""

from __future__ import annotations

import threading
from itertools import islice
from typing import Any

import numpy as np

from mba_integrations.core.arguments import check_function, checked_texts, checked_whole
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.search.embedder import Embedder, embed

DEFAULT_MAX_ENTRIES = 50_000
"""With 384 numbers a vector, 77 MB."""
_NO_VECTORS = np.zeros((0, 0), dtype=np.float32)


class CachedEmbedder:
    """Wraps an embedder.

    Args:
        embedder: Callable from n texts to an array of shape (n, d).
        max_entries: Most vectors that are kept; 0 keeps none.

    Raises:
        InputError: If *embedder* cannot be called, or *max_entries* is no such number.

    >>> calls = []
    >>> embedder = CachedEmbedder(lambda texts: calls.append(texts) or np.ones((len(texts), 2)))
    >>> embedder(["a", "b", "a"]).shape, embedder(["b", "c"]).shape, calls
    ((3, 2), (2, 2), [['a', 'b'], ['c']])
    """

    def __init__(self, embedder: Embedder, *, max_entries: int = DEFAULT_MAX_ENTRIES) -> None:
        check_function("embedder", embedder)
        self._embedder = embedder
        self._max_entries = checked_whole("max_entries", max_entries)
        self._vectors: dict[str, FloatArray] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """With the embedder and without the vectors, which it makes again."""
        return _remade, (self._embedder, self._max_entries)

    def __call__(self, texts: list[str]) -> FloatArray:
        """Vectors of the texts, shape (n, d), float32.

        Raises:
            InputError: If *texts* is no list of texts, or the embedder returns another shape or
                values that are not finite.
        """
        texts = checked_texts("texts", texts)
        found = {text: vector for text in texts if (vector := self._vectors.get(text)) is not None}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            made = np.array(embed(missing, self._embedder))
            made.flags.writeable = False
            fresh = dict(zip(missing, made, strict=True))
            found |= fresh
            self._keep(fresh)
        lengths = {len(vector) for vector in found.values()}
        if len(lengths) > 1:
            raise InputError(
                f"the embedder returned vectors of {min(lengths)} and of {max(lengths)} numbers. "
                "Use one model for all texts."
            )
        if len(missing) == len(texts):
            return made if texts else _NO_VECTORS
        return np.stack([found[text] for text in texts])

    def missing(self, texts: list[str]) -> list[str]:
        """Those of *texts* that the embedder would be asked for, each once."""
        named = dict.fromkeys(checked_texts("texts", texts))
        return [text for text in named if text not in self._vectors]

    def keep(self, texts: list[str], vectors: FloatArray) -> None:
        """Keep vectors that were made elsewhere, such as by a call that was awaited.

        Args:
            texts: The texts.
            vectors: Their vectors, shape (n, d).

        Raises:
            InputError: If *texts* is no list of texts, the shape is another, or a value is not
                finite.
        """
        texts = checked_texts("texts", texts)
        made = np.array(embed(texts, lambda _: vectors))
        made.flags.writeable = False
        self._keep(dict(zip(texts, made, strict=True)))

    def _keep(self, fresh: dict[str, FloatArray]) -> None:
        with self._lock:
            self._vectors.update(fresh)
            over = len(self._vectors) - self._max_entries
            if over > 0:
                for text in list(islice(self._vectors, max(over, self._max_entries // 16))):
                    del self._vectors[text]


def _remade(embedder: Embedder, max_entries: int) -> CachedEmbedder:
    return CachedEmbedder(embedder, max_entries=max_entries)
