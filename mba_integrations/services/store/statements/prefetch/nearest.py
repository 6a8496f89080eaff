"""Candidates by vectors: pgvector's HNSW index of one workspace and one model.

The index is walked on until enough memories that a filter lets through are found, or a bound is
reached; so a filter makes the walk longer and not the result shorter. The index of a workspace has
no vectors of others, so their number does not matter.

As long as the index is not there, or the server has no pgvector, nothing is found by vectors, and
who asks says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from sqlalchemy import bindparam, cast, func

from mba_integrations.core.arrays import FloatArray
from mba_integrations.services.store.owned import owned, select_all
from mba_integrations.services.store.rows.memories import MemoryFilter
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements.finding import matching
from mba_integrations.services.store.statements.prefetch import parts
from mba_integrations.services.store.tables.memories import memory
from mba_integrations.services.store.tables.near import (
    COLUMN,
    MOST_NUMBERS,
    STORED,
    HalfVector,
    attribute,
    index,
    memory_near,
    near_vectors,
    unit_vector,
)

MOST_WALKED = 60_000
"""Vectors that a walk may look at before it gives what it has."""
_SETTINGS = {
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.ef_search": "400",
    "hnsw.max_scan_tuples": str(MOST_WALKED),
    # The index is of one workspace and one model, which a plan for any would not use.
    "plan_cache_mode": "force_custom_plan",
}


def index_name(workspace_id: str, model_id: str) -> str:
    """The name of the index of a workspace's vectors of a model."""
    digest = hashlib.sha256(f"{workspace_id}\0{model_id}".encode()).hexdigest()
    return f"near_{digest[:24]}"


def can_index(numbers: int) -> bool:
    """Whether pgvector indexes vectors of so many numbers."""
    return numbers <= MOST_NUMBERS


def has_column(reading: Reading) -> bool:
    """Whether the database keeps vectors for pgvector."""
    of_table = attribute.c.attrelid == func.to_regclass(memory_near.name)
    statement = select_all(attribute, attribute.c.attname).where(
        of_table, attribute.c.attname == COLUMN, attribute.c.attisdropped.is_(False)
    )
    return reading.connection.execute(statement).first() is not None


def are_kept(reading: Reading) -> bool:
    """Whether vectors of the workspace are kept for pgvector."""
    return parts.can_find(reading) and parts.are_kept(reading) and has_column(reading)


def is_ready(reading: Reading, model_id: str) -> bool:
    """Whether the workspace's vectors of a model can be searched."""
    name = index_name(reading.workspace_id, model_id)
    statement = select_all(index, index.c.indisvalid).where(
        index.c.indexrelid == func.to_regclass(name)
    )
    return bool(reading.connection.execute(statement).scalar())


def found(
    reading: Reading, model_id: str, vector: FloatArray, wanted: MemoryFilter, *, most: int
) -> list[int]:
    """Places of the memories whose vectors are nearest, the nearest first but for a few.

    Args:
        reading: The scope; the index must be ready.
        model_id: Of which model the vectors are.
        vector: Shape (d,).
        wanted: Which memories count.
        most: How many to give.
    """
    direction = unit_vector(vector)
    if direction is None:
        return []
    settings = (func.set_config(name, value, True) for name, value in _SETTINGS.items())
    reading.connection.execute(func.concat(*settings))
    kind = HalfVector(len(direction))
    distance = cast(memory_near.c.near, kind).op("<#>")(bindparam(None, direction, type_=kind))
    statement = (
        reading.select(memory_near, memory.c.added_seq)
        .join(memory, memory.c.memory_id == memory_near.c.memory_id)
        .where(owned(memory), memory_near.c.model_id == model_id)
    )
    statement = matching(reading, statement, wanted).order_by(distance).limit(most)
    return [int(seq) for seq in reading.execute(statement).scalars()]


def keep_missing(writing: Writing, model_id: str, *, after: str, most: int) -> tuple[int, str]:
    """Keep for pgvector as well what is not yet, at most so many vectors, by ids of memories.

    Args:
        writing: The scope.
        model_id: Of which model.
        after: The last id that was looked at.
        most: How many.

    Returns:
        How many there were, and the last one's id.
    """
    statement = (
        writing.select(memory_near, memory_near.c.memory_id, memory_near.c.vector)
        .where(memory_near.c.model_id == model_id, memory_near.c.memory_id > after)
        .where(memory_near.c.near.is_(None))
        .order_by(memory_near.c.memory_id)
        .limit(most)
    )
    found = writing.execute(statement).all()
    ids = [memory_id for memory_id, _ in found]
    put(writing, model_id, ids, [np.frombuffer(vector, STORED) for _, vector in found])
    return len(ids), ids[-1] if ids else after


def put(
    writing: Writing, model_id: str, memory_ids: Sequence[str], vectors: Sequence[FloatArray]
) -> None:
    """Keep vectors, exact and for pgvector, in place of those that are there."""
    rows = [
        {
            "model_id": model_id,
            "memory_id": memory_id,
            "dim": len(vector),
            "vector": np.asarray(vector, STORED).tobytes(),
            COLUMN: near,
        }
        for memory_id, vector, near in zip(memory_ids, vectors, near_vectors(vectors), strict=True)
    ]
    writing.put(memory_near, rows)
