"""An embedder without a model: texts that share words are alike, for the same reason everywhere."""

from __future__ import annotations

import hashlib
import re

import numpy as np

from mba_integrations.core.arrays import FloatArray

_WORD = re.compile(r"\w+")


class WordEmbedder:
    """Adds up a fixed direction for each word; the same on every machine and in every run.

    Two texts of one word each are as alike as their words are equal; with few dimensions, unlike
    words may share a direction. A text without words is a vector of zeros.

    Args:
        dimensions: Length of a vector.

    >>> kate, oslo, both = WordEmbedder()(["Kate skis", "Oslo freezes", "kate, in Oslo"])
    >>> bool(kate @ both > kate @ oslo)
    True
    """

    def __init__(self, dimensions: int = 256) -> None:
        self.dimensions = dimensions

    def __call__(self, texts: list[str]) -> FloatArray:
        """Vectors of length 1, shape (n, d), float32."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text.lower()):
                vectors[row, self._place(word)] += 1.0
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths > 0.0, lengths, 1.0), dtype=np.float32)

    def _place(self, word: str) -> int:
        # Python's own hash of a text differs from process to process.
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest) % self.dimensions
