"""`Embeddings`: which vectors workspaces have, as `service.embeddings`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.embedding.job import ask_for_vectors
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.store.statements import finding, vectors, workspaces


class Embeddings:
    """Coverage by models, and what is done when one takes the place of another.

    Args:
        equipment: What the service lends.
        wake: Tells the worker that there is a job.
    """

    def __init__(self, equipment: Equipment, wake: Callable[[], None]) -> None:
        self._equipment = equipment
        self._wake = wake

    def coverage(self, workspace_id: str) -> Mapping[str, float]:
        """The part of the active memories that has a vector, by model, in [0, 1]."""
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            active = sum(finding.count(reading).values())
            covered = vectors.coverage(reading)
        return {model: count / active for model, count in covered.items()} if active else {}

    def complete(self, workspace_id: str) -> bool:
        """Have what is missing of the model in use made by a job; False without an embedder."""
        models = self._equipment.models
        asked = self._equipment.write(
            workspace_id, lambda writing: ask_for_vectors(writing, models)
        )
        self._wake()
        return asked

    def drop(self, workspace_id: str, model_id: str) -> int:
        """Delete the vectors of a model that is no longer in use; gives how many there were.

        Raises:
            InputError: If it is the model in use.
        """
        current = self._equipment.models.current
        if current is not None and current.id == model_id:
            raise InputError(f"{model_id!r} is the model in use. Open the service with another.")
        dropped = self._equipment.write(
            workspace_id, lambda writing: vectors.drop(writing, model_id)
        )
        self._equipment.pools.drop(workspace_id)
        return dropped
