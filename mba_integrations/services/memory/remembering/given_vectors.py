"""`GivenVectors`: embeddings that memories bring, checked and kept under the service's model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.embedding.models import EmbeddingModels
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import vectors


class GivenVectors:
    """The embeddings of one request, all of one length: of those that are there, else of the first.

    Args:
        writing: The scope.
        models: What vectors are of.
        memories: All memories of the request.
    """

    def __init__(
        self, writing: Writing, models: EmbeddingModels, memories: Sequence[NewMemory]
    ) -> None:
        self._writing = writing
        self._model = models.current
        self._dim = self._dimensions(memories)

    def check(self, memory: NewMemory) -> None:
        """Refuse an embedding that cannot be kept.

        Raises:
            InputError: Naming the memory, and both lengths where they differ.
        """
        vector, name = memory.item.embedding, f"memory {memory.item.id!r}"
        if vector is None:
            return
        if self._model is None:
            raise InputError(
                f"{name}: has an embedding, and the service does not know of which model. "
                "Give open() an embedding_model."
            )
        if not len(vector) or not np.isfinite(vector).all():
            raise InputError(f"{name}: embedding must be finite numbers, at least one.")
        if len(vector) != self._dim:
            raise InputError(
                f"{name}: embedding has {len(vector)} numbers, those of model {self._model.id!r} "
                f"have {self._dim}."
            )

    def put(self, memories: Mapping[str, NewMemory]) -> int:
        """Keep the embeddings of memories that were just added, by their ids; gives how many."""
        found = {
            name: one.item.embedding
            for name, one in memories.items()
            if one.item.embedding is not None
        }
        if self._model is not None and found:
            matrix = np.stack(list(found.values()))
            vectors.put_new(self._writing, self._model.id, list(found), matrix)
        return len(found)

    def _dimensions(self, memories: Sequence[NewMemory]) -> int | None:
        given = [one.item.embedding for one in memories if one.item.embedding is not None]
        if not given or self._model is None:
            return None
        there = vectors.dim(self._writing, self._model.id)
        return len(given[0]) if there is None else there
