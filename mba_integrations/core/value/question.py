"""What is asked: the text of a query, its vector and its moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.search.embedder import Embedder, embed


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query as scores are worked out from it.

    Attributes:
        text: Any text.
        vector: Embedding, shape (d,), or None.
        now_seconds: Unix time at which it is asked, or None; None makes "last week" mean nothing.
    """

    text: str
    vector: FloatArray | None
    now_seconds: float | None


def vector_of(
    query: str, given: Sequence[float] | FloatArray | None, embedder: Embedder | None
) -> FloatArray | None:
    """Vector of a query: the given one, else what the embedder makes of it.

    Raises:
        InputError: If it is not one vector of finite numbers.
    """
    if given is None:
        made = embed([query], embedder)
        return None if made is None else made[0]
    try:
        vector = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("query_embedding is not a list of numbers.") from error
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise InputError(
            f"query_embedding must be one vector of finite numbers, got shape {vector.shape}."
        )
    return vector


def check_length(vector: FloatArray, dimensions: int) -> None:
    """Refuse the vector of a query that has another length than the items' vectors.

    Raises:
        InputError: With both lengths.
    """
    if len(vector) != dimensions:
        raise InputError(
            f"the query's embedding has {len(vector)} numbers, the items' have {dimensions}. "
            "Embed both with one model."
        )
