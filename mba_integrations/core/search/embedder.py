"""The callable that embeds texts, and how its answer is checked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError

Embedder = Callable[[list[str]], FloatArray]
"""Texts in, array of shape (n, d) out."""


def embed(texts: list[str], embedder: Embedder | None) -> FloatArray | None:
    """Call the embedder and check what it returns: float32, shape (n, d), finite; None without one.

    Raises:
        InputError: If the result has another shape or holds values that are not finite.
    """
    if embedder is None:
        return None
    try:
        vectors = np.asarray(embedder(texts), dtype=np.float32)
    except InputError:
        raise  # by an embedder that has checked already, such as `CachedEmbedder`
    except (TypeError, ValueError, OverflowError) as error:
        said = str(error).rstrip(".")
        raise InputError(f"the embedder returned what is no array of numbers: {said}.") from error
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise InputError(
            f"the embedder returned an array of shape {vectors.shape} for {len(texts):,} texts; "
            f"it must return ({len(texts):,}, dimensions)."
        )
    if not np.isfinite(vectors).all():
        raise InputError("the embedder returned a value that is not finite.")
    return vectors
