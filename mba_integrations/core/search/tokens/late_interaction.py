"""How a question's tokens match those of texts: of each, the nearest token of a text.

The vectors of all texts are put one after another, a few thousand tokens at a time; one product
compares them with the question's, and the highest of each text's run is taken. With q tokens asked
and m tokens in the texts O(q m d).

A question of two tokens, a text that has both of them and one that has neither but a token between:

>>> asked = np.array([[127, 0], [0, 127]], dtype=np.int8)
>>> texts = [asked, np.array([[90, 90]], dtype=np.int8)]
>>> nearest_tokens(asked, texts).round(2).tolist()
[[1.0, 0.71], [1.0, 0.71]]

Source: Khattab and Zaharia, *ColBERT* (2020), here with vectors that were not trained for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.search.tokens.token_vectors import UNITS, TokenVectors

_TOKENS_AT_ONCE = 2048  # 3 MB at 384 numbers, which stay near the processor


def nearest_tokens(asked: TokenVectors, texts: Sequence[TokenVectors]) -> FloatArray:
    """Cosine of each asked token with the nearest token of each text, shape (q, n), float64.

    NaN for a text without vectors, or whose vectors have another length than those asked.
    """
    nearest = np.full((len(asked), len(texts)), np.nan)
    length = asked.shape[1]
    rows = [row for row, text in enumerate(texts) if len(text) and text.shape[1] == length]
    turned = np.ascontiguousarray(asked.T, dtype=np.float32) / UNITS**2
    for some in _batches(rows, texts):
        tokens = np.concatenate([texts[row] for row in some]).astype(np.float32)
        sizes = [len(texts[row]) for row in some]
        starts = np.cumsum([0, *sizes[:-1]])
        nearest[:, some] = np.maximum.reduceat(tokens @ turned, starts, axis=0).T
    return nearest


def _batches(rows: Sequence[int], texts: Sequence[TokenVectors]) -> Iterator[list[int]]:
    """The rows, in parts of a few thousand tokens."""
    part: list[int] = []
    tokens = 0
    for row in rows:
        part.append(row)
        tokens += len(texts[row])
        if tokens >= _TOKENS_AT_ONCE:
            yield part
            part, tokens = [], 0
    if part:
        yield part
