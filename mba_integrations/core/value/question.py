"""What is asked: the text of a query, its vector and its moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.embedder import Embedder, embed
from mba_integrations.core.times import seconds_of


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


def question_of(
    query: str,
    given: Sequence[float] | FloatArray | None,
    snapshot: PoolSnapshot,
    embedder: Embedder | None,
    *,
    now: datetime,
) -> Question:
    """The question that a query asks of the items.

    Args:
        query: Any text.
        given: Its vector; else the embedder makes it.
        snapshot: The items.
        embedder: Also makes the vectors that items lack; None for none.
        now: When it is asked.

    Raises:
        InputError: If the vector is not one of finite numbers, or has another length than the
            items' vectors.
    """
    vector: FloatArray | None
    if given is None:
        # A query without text has no meaning to compare; some embedding services refuse it.
        made = embed([query], embedder) if len(snapshot) and query.strip() else None
        vector = None if made is None else made[0]
    else:
        vector = _as_vector(given)
    if vector is not None:
        vectors, _ = snapshot.vectors(embedder)
        if vectors is not None:
            vectors.check_length(vector)
    return Question(text=query, vector=vector, now_seconds=seconds_of(now))


def _as_vector(given: Sequence[float] | FloatArray) -> FloatArray:
    try:
        vector = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("query_embedding is not a list of numbers.") from error
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise InputError(
            f"query_embedding must be one vector of finite numbers, got shape {vector.shape}."
        )
    return vector
