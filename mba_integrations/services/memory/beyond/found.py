"""What a recall in a workspace that is too large for a pool chooses from, or why it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from mba_integrations import PreviousPrompt
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.services.memory.beyond.gathering import Question, gathered, pool_at
from mba_integrations.services.memory.beyond.job import enqueue, is_wanted
from mba_integrations.services.memory.beyond.sizes import Size
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.errors import WorkspaceTooLargeError
from mba_integrations.services.memory.recalling.request import RecallRequest
from mba_integrations.services.store.rows.memories import MemoryFilter
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import vectors
from mba_integrations.services.store.statements.prefetch import parts

_TO_POSTGRES = (
    "Move the store to Postgres, where larger workspaces are searched; or spread the memories over "
    "several workspaces; or open the service with a larger pool_memories, if the machine has 3 GB "
    "for each million."
)
_ASK_NOW = "Ask for the present, or open the service with a larger pool_memories."


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBeyond:
    """What the store found.

    Attributes:
        pool: The candidates.
        model_id: Of which model their vectors are.
        is_all: Whether they are all that the filter lets through.
        notes: What the caller should know.
    """

    pool: MemoryPool
    model_id: str | None
    is_all: bool
    notes: tuple[str, ...]


def found_beyond(
    equipment: Equipment,
    request: RecallRequest,
    reading: Reading,
    size: Size,
    previous: PreviousPrompt | None,
    now: datetime,
) -> FoundBeyond:
    """The candidates of a request.

    Raises:
        WorkspaceTooLargeError: On SQLite, and for a time that has passed.
    """
    refuse = _refusal(request, size, equipment.sizes.limit)
    if not parts.can_find(reading):
        raise refuse("a recall on SQLite", _TO_POSTGRES)
    if request.as_of is not None:
        raise refuse("a recall as of an earlier time", _ASK_NOW)
    model_id = equipment.models.model_of(reading, None)
    question = Question(
        query=request.query,
        wanted=_alive(request.wanted, now),
        vector=_vector(equipment, request, reading, model_id),
        model_id=model_id,
        previous=() if previous is None else tuple(one.id for one in previous.items),
        most=equipment.sizes.candidates,
    )
    found = gathered(reading, question)
    pool = pool_at(reading, found, model_id)
    if found.gap_texts is not None and is_wanted(reading, model_id, found.gap_texts):
        _ask_for_index(equipment, request.workspace_id)
    return FoundBeyond(
        pool=pool,
        model_id=model_id,
        is_all=found.is_all,
        notes=_notes(len(pool), size, equipment.sizes.limit, found.by_vectors, found.is_all),
    )


def _alive(wanted: MemoryFilter | None, now: datetime) -> MemoryFilter:
    """The filter without what has expired."""
    wanted = MemoryFilter() if wanted is None else wanted
    return replace(wanted, alive_at=max(now, wanted.alive_at or now))


def _refusal(
    request: RecallRequest, size: Size, limit: int
) -> Callable[[str, str], WorkspaceTooLargeError]:
    def refuse(what: str, way: str) -> WorkspaceTooLargeError:
        return WorkspaceTooLargeError(
            request.workspace_id, what, way, count=size.count, limit=limit
        )

    return refuse


def _vector(
    equipment: Equipment, request: RecallRequest, reading: Reading, model_id: str | None
) -> FloatArray | None:
    """The query's vector, if the workspace's can be compared with it."""
    given = request.query_embedding
    if given is None:
        return equipment.models.query_vector(model_id, request.query)
    vector = np.asarray(given, dtype=np.float32).reshape(-1)
    # The allocator refuses one of another length, with both lengths.
    return vector if model_id and vectors.dim(reading, model_id) == len(vector) else None


def _ask_for_index(equipment: Equipment, workspace_id: str) -> None:
    """Put the job in, without waiting for those who write to the workspace."""
    asked = equipment.store.submit(workspace_id, enqueue)
    asked.add_done_callback(lambda _: equipment.wake())


def _notes(count: int, size: Size, limit: int, by_vectors: bool, is_all: bool) -> tuple[str, ...]:
    if is_all:
        return ()
    looked = (
        f"Chosen from the {count:,} most fitting of {size.count:,} memories: the workspace has "
        f"more than pool_memories, {limit:,}."
    )
    without = "They were found by words alone: vectors are not indexed, or pgvector is missing."
    return (looked,) if by_vectors else (looked, without)
