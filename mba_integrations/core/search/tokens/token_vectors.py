"""The vectors of the tokens of texts: how they are asked for, checked, and kept small.

A text is one vector and also one for each of its tokens. Two texts that share one detail are near
in one pair of tokens, though as wholes they are not. `late_interaction` compares them.

A vector has length 1 and is held as whole numbers of 1 / 127, a quarter of float32: a product of
two of 384 numbers is off by about 0.003. Of a long text the first 512 tokens are held.

>>> [held] = token_vectors(["a b"], lambda texts: [np.array([[3.0, 4.0], [0.0, 2.0]])])
>>> held.tolist()
[[76, 102], [0, 127]]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mba_integrations.core.arrays import FloatArray, as_floats
from mba_integrations.core.errors import InputError

TokenEmbedder = Callable[[list[str]], Sequence[FloatArray]]
"""Texts in, of each an array of shape (tokens, d) out; d is the same for all."""
TokenVectors = NDArray[np.int8]
"""Vectors of one text at length 1, in units of 1 / 127, shape (tokens, d)."""

UNITS = 127.0
_MOST_TOKENS = 512
_NONE: TokenVectors = np.zeros((0, 0), dtype=np.int8)


def token_vectors(texts: list[str], embedder: TokenEmbedder) -> list[TokenVectors]:
    """Call the embedder, check what it returns, and make it small.

    Returns:
        Of each text its vectors; none where the embedder gave it none that can be used. Vectors
        that are not finite, or have no length, are left out; so are texts whose vectors have
        another length than those of most.

    Raises:
        InputError: If the result is no sequence of arrays of numbers, one for each text.
    """
    try:
        arrays = [as_floats(made) for made in embedder(texts)]
    except InputError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        said = str(error).rstrip(".")
        raise InputError(
            f"the token embedder returned what is no sequence of arrays of numbers: {said}."
        ) from error
    if len(arrays) != len(texts):
        raise InputError(
            f"the token embedder returned {len(arrays):,} arrays for {len(texts):,} texts; it must "
            "return one of shape (tokens, dimensions) for each."
        )
    lengths = Counter(made.shape[1] for made in arrays if made.ndim == 2 and made.size)
    length = max(lengths, key=lengths.__getitem__, default=0)
    return [
        _small(made[:_MOST_TOKENS]) if made.ndim == 2 and made.shape[1] == length else _NONE
        for made in arrays
    ]


def _small(vectors: FloatArray) -> TokenVectors:
    """Vectors at length 1 in units of 1 / 127."""
    vectors = vectors.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    usable = (np.isfinite(lengths) & (lengths > 0.0))[:, 0]
    unit: NDArray[Any] = vectors[usable] / lengths[usable]
    return np.asarray(np.rint(unit * UNITS), dtype=np.int8)
