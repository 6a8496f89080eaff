"""Which models make vectors, and of which one a workspace's pool has them.

Vectors of two models are never compared: a pool has those of one, and a query is embedded by the
same. When another embedder takes the place of a former one, workspaces go over one by one, each
when every memory of it has a vector of the new model; until then recall goes on with the former.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arguments import check_function
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.search.cached_embedder import CachedEmbedder
from mba_integrations.core.search.embedder import Embedder
from mba_integrations.services.store.scopes import Reading, checked_id
from mba_integrations.services.store.statements import finding, vectors

_CACHED_QUERIES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingModel:
    """What makes vectors, under the name by which they are stored.

    Args:
        id: The name. Another model, or another version of one, needs another name.
        embedder: Callable from n texts to an array of shape (n, d); None where vectors are given.
    """

    id: str
    embedder: Embedder | None = None

    def __post_init__(self) -> None:
        checked_id("embedding_model", self.id)
        if self.embedder is not None:
            check_function("embedder", self.embedder)


def model_named(embedder: Embedder | None, model_id: str | None) -> EmbeddingModel | None:
    """The model of an embedder, by its own `id` where no name is given; None for neither.

    Raises:
        InputError: If the embedder has no name and none is given.
    """
    name = getattr(embedder, "id", None) if model_id is None else model_id
    if name is None and embedder is None:
        return None
    if not isinstance(name, str):
        raise InputError(
            "embedding_model must name what the embedder is, since vectors are stored under it: "
            "embedding_model='minilm-l6-v2'."
        )
    return EmbeddingModel(id=name, embedder=embedder)


class EmbeddingModels:
    """The model that vectors are made by, and the one before it. Thread-safe.

    Args:
        current: The model; None for none.
        former: The one whose place it takes, until a workspace is covered; None for none.
    """

    def __init__(
        self, current: EmbeddingModel | None, former: EmbeddingModel | None = None
    ) -> None:
        if current is not None and former is not None and current.id == former.id:
            raise InputError(f"the embedding models have one name, {current.id!r}. Give two.")
        self.current = current
        self.former = former
        self._queries: dict[str, CachedEmbedder] = {}
        self.clear()

    def model_of(self, reading: Reading, before: str | None) -> str | None:
        """Of which model the pool of the scope's workspace is to have the vectors.

        Args:
            reading: The scope.
            before: Of which model it has them now; None for a new pool.
        """
        current = None if self.current is None else self.current.id
        if self.former is None or before == current or current is None:
            return current
        covered = vectors.coverage(reading).get(current, 0)
        return current if covered >= sum(finding.count(reading).values()) else self.former.id

    def query_vector(self, model_id: str | None, query: str) -> FloatArray | None:
        """The query as that model sees it; None without an embedder, or for a blank query.

        Raises:
            InputError: If the embedder returns no array of numbers.
        """
        embedder = None if model_id is None else self._queries.get(model_id)
        if embedder is None or not query.strip():
            return None
        vector: FloatArray = embedder([query])[0]
        return vector if np.isfinite(vector).all() else None

    def clear(self) -> None:
        """Forget the vectors of queries."""
        self._queries = {
            model.id: CachedEmbedder(model.embedder, max_entries=_CACHED_QUERIES)
            for model in (self.current, self.former)
            if model is not None and model.embedder is not None
        }
