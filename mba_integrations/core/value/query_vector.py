"""The vector of a query: given by the caller, or made by the embedder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.embedder import Embedder, embed


def query_vector(
    query: str,
    snapshot: PoolSnapshot,
    given: Sequence[float] | FloatArray | None,
    embedder: Embedder | None,
) -> FloatArray | None:
    """Vector of the query: the given one, else what the embedder makes of it.

    Raises:
        InputError: If its length is not that of the items' embeddings, or it is not finite.
    """
    vector: FloatArray | None
    if given is None:
        made = embed([query], embedder) if len(snapshot) and query.strip() else None
        vector = None if made is None else made[0]
    else:
        vector = _as_vector(given)
    if vector is None:
        return None
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise InputError(
            f"query_embedding must be one vector of finite numbers, got shape {vector.shape}."
        )
    vectors, _ = snapshot.vectors(embedder)
    if vectors is not None and vectors.shape[1] != len(vector):
        raise InputError(
            f"the query's embedding has {len(vector)} numbers, the items' have "
            f"{vectors.shape[1]}. Embed both with one model."
        )
    return vector


def _as_vector(given: Sequence[float] | FloatArray) -> FloatArray:
    try:
        return np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError("query_embedding is not a list of numbers.") from error
