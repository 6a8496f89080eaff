"""Vectors of memories, one for each model: those of several models stand side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import bindparam, func

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.owned import Rows, select_owned
from mba_integrations.services.store.rows.memories import MemoryState
from mba_integrations.services.store.scopes import Reading, Writing, checked_id
from mba_integrations.services.store.statements.prefetch import nearest
from mba_integrations.services.store.tables.memories import memory, memory_vector

_KIND = np.dtype("<f4")
_DIM = (
    select_owned(memory_vector, memory_vector.c.dim)
    .where(memory_vector.c.model_id == bindparam("model"))
    .limit(1)
)


def put(
    writing: Writing,
    model_id: str,
    memory_ids: Sequence[str],
    vectors: FloatArray,
    *,
    content_hashes: Sequence[str] | None = None,
) -> int:
    """Keep vectors, in place of those that the same memories have of the same model.

    Memories that are gone by now are passed over, and so are those that have another text by now.
    A vector is no change of the memory: the feed does not tell of it.

    Args:
        writing: The scope.
        model_id: What made them.
        memory_ids: Whose they are, n ids.
        vectors: Shape (n, d), finite.
        content_hashes: Of the n texts that they were made of, as `records.hash_of` gives them;
            None takes it that the texts did not change.

    Returns:
        How many were kept.

    Raises:
        InputError: If the shape is another one, a number is not finite, or the workspace has
            vectors of that model with another d.
        UnknownWorkspaceError: If there is no such workspace.
    """
    checked_id("model_id", model_id)
    stored = _stored(vectors)
    if stored.ndim != 2 or len(stored) != len(memory_ids) or not stored.shape[1]:
        raise InputError(
            f"vectors must have the shape ({len(memory_ids)}, d), got {np.shape(vectors)}."
        )
    if not np.isfinite(stored).all():
        raise InputError("vectors must be finite.")
    writing.hold()  # nobody erases a memory between the look at it and its vector
    _check_dim(writing, model_id, stored.shape[1])
    wanted = _still_there(writing, memory_ids, content_hashes)
    kept = [one for one, there in zip(memory_ids, wanted, strict=True) if there]
    _keep(writing, model_id, kept, stored[wanted])
    return len(kept)


def put_new(
    writing: Writing, model_id: str, memory_ids: Sequence[str], vectors: FloatArray
) -> None:
    """Keep vectors of memories that this transaction has added, of the workspace's d.

    Nothing is looked up: who added the memories has done that.

    Args:
        writing: The scope.
        model_id: What made them.
        memory_ids: Whose they are, n ids.
        vectors: Shape (n, d), finite; d is that of the model's vectors that are there.
    """
    _keep(writing, model_id, memory_ids, _stored(vectors))


def dim(reading: Reading, model_id: str) -> int | None:
    """Numbers in a vector of that model; None while the workspace has none."""
    found = reading.execute(_DIM, {"model": model_id}).scalar()
    return None if found is None else int(found)


def all_of(reading: Reading, model_id: str) -> tuple[tuple[str, ...], FloatArray]:
    """Ids of all memories with a vector of that model, and the vectors, shape (n, d).

    Without any, the shape is (0, 0).
    """
    statement = reading.select(memory_vector, memory_vector.c.memory_id, memory_vector.c.vector)
    return _vectors(reading, statement.where(memory_vector.c.model_id == model_id))


def of(
    reading: Reading, model_id: str, memory_ids: Sequence[str]
) -> tuple[tuple[str, ...], FloatArray]:
    """As `all_of`, of these memories alone; those without a vector are left out."""
    statement = reading.select(memory_vector, memory_vector.c.memory_id, memory_vector.c.vector)
    statement = statement.where(memory_vector.c.model_id == model_id)
    return _vectors(reading, statement.where(among(memory_vector.c.memory_id, memory_ids)))


def missing(
    reading: Reading, model_id: str, *, after: int = 0, limit: int = 1_000
) -> tuple[tuple[str, str, int], ...]:
    """Active memories without a vector of that model: id, text and place, in order of places.

    Args:
        reading: The scope.
        model_id: Which model.
        after: The place of the last one that was seen.
        limit: The most to give.
    """
    have = reading.select(memory_vector, memory_vector.c.memory_id).where(
        memory_vector.c.model_id == model_id
    )
    statement = (
        reading.select(memory, memory.c.memory_id, memory.c.content, memory.c.added_seq)
        .where(memory.c.state == MemoryState.ACTIVE, memory.c.added_seq > after)
        .where(memory.c.memory_id.not_in(have))
        .order_by(memory.c.added_seq)
        .limit(limit)
    )
    return tuple((one, text, seq) for one, text, seq in reading.execute(statement))


def coverage(reading: Reading) -> Mapping[str, int]:
    """How many active memories have a vector, by model."""
    active = reading.select(memory, memory.c.memory_id).where(memory.c.state == MemoryState.ACTIVE)
    statement = (
        reading.select(memory_vector, memory_vector.c.model_id, func.count())
        .where(memory_vector.c.memory_id.in_(active))
        .group_by(memory_vector.c.model_id)
    )
    return dict(reading.execute(statement).all())


def drop(writing: Writing, model_id: str) -> int:
    """Delete all vectors of a model; gives how many there were."""
    statement = writing.delete(memory_vector).where(memory_vector.c.model_id == model_id)
    return writing.execute(statement).rowcount


def _stored(vectors: FloatArray) -> FloatArray:
    return np.ascontiguousarray(vectors, dtype=_KIND)


def _keep(writing: Writing, model_id: str, memory_ids: Sequence[str], stored: FloatArray) -> None:
    if nearest.can_index(stored.shape[1]) and nearest.are_kept(writing):
        nearest.put(writing, model_id, memory_ids, list(stored))
    else:
        writing.put(memory_vector, _rows(model_id, memory_ids, stored))


def _rows(model_id: str, memory_ids: Sequence[str], stored: FloatArray) -> list[dict[str, Any]]:
    return [
        {"model_id": model_id, "memory_id": one, "dim": stored.shape[1], "vector": row.tobytes()}
        for one, row in zip(memory_ids, stored, strict=True)
    ]


def _still_there(
    writing: Writing, memory_ids: Sequence[str], content_hashes: Sequence[str] | None
) -> list[bool]:
    statement = writing.select(memory, memory.c.memory_id, memory.c.content_hash)
    statement = statement.where(among(memory.c.memory_id, memory_ids))
    hashes: dict[str, str] = dict(writing.execute(statement).all())
    if content_hashes is None:
        return [one in hashes for one in memory_ids]
    pairs = zip(memory_ids, content_hashes, strict=True)
    return [hashes.get(one) == made_of for one, made_of in pairs]


def _check_dim(writing: Writing, model_id: str, wanted: int) -> None:
    there = dim(writing, model_id)
    if there not in (None, wanted):
        raise InputError(
            f"vectors of model {model_id!r} have {there} numbers in workspace "
            f"{writing.workspace_id!r}, got vectors of {wanted}. Give the other model its own id."
        )


def _vectors(reading: Reading, statement: Rows) -> tuple[tuple[str, ...], FloatArray]:
    found = reading.values(statement)
    if not found:
        return (), np.zeros((0, 0), dtype=np.float32)
    numbers = np.frombuffer(b"".join(vector for _, vector in found), dtype=_KIND)
    vectors = numbers.reshape(len(found), -1).astype(np.float32, copy=False)
    return tuple(memory_id for memory_id, _ in found), vectors
