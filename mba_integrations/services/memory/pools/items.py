"""Rows of the store as the items that the allocator takes.

To the allocator a group belongs to one tier. In a store a member may move alone, or be remembered
in another tier, and that must not keep a workspace from being recalled. So the members of a group
that are in one tier are a group of their own:

    a  group g  project          a, b  "g of project"
    b  group g  project    ->    c     "g of long_term"
    c  group g  long_term
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray
from mba_integrations.core.model import MemoryItem, MemoryTier, items_of_columns
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.search.words.lexical_columns import WholeTexts
from mba_integrations.services.store.rows.loaded import LoadedMemories
from mba_integrations.services.store.rows.memories import MemoryRow


def item_of(row: MemoryRow, embedding: FloatArray | None = None) -> MemoryItem:
    """The item of a row."""
    return MemoryItem(
        row.memory_id,
        row.content,
        row.tier,
        importance=row.importance,
        created_at=row.created_at,
        last_accessed_at=row.last_accessed_at,
        access_count=row.access_count,
        source=row.source,
        position=row.position,
        group=_group_in(row.group, row.tier),
        pinned=row.pinned,
        embedding=embedding,
        metadata=row.metadata,
    )


def items_of(
    rows: Iterable[MemoryRow], ids: Sequence[str], vectors: FloatArray
) -> list[MemoryItem]:
    """The items of rows, with the vectors of those ids as rows of one read-only array."""
    listed = list(rows)
    matrix, has_vector = _in_order([row.memory_id for row in listed], ids, vectors)
    embeddings = _spread(matrix, has_vector)
    return [item_of(row, vector) for row, vector in zip(listed, embeddings, strict=True)]


def pool_of(
    loaded: LoadedMemories,
    ids: Sequence[str],
    vectors: FloatArray,
    whole: WholeTexts | None = None,
) -> MemoryPool:
    """The pool of these memories, with the vectors of those ids.

    What was checked and worked out at the write is neither checked nor worked out again.

    Args:
        loaded: The memories.
        ids: Which of them have a vector.
        vectors: Of these, shape (n, d).
        whole: What is known of the texts of which theirs are a part; None where they are all.
    """
    matrix, has_vector = _in_order(loaded.items["id"], ids, vectors)
    groups = map(_group_in, loaded.items["group"], loaded.items["tier"])
    columns = {**loaded.items, "group": groups, "embedding": _spread(matrix, has_vector)}
    pool = MemoryPool.from_items(items_of_columns(len(loaded), columns))
    snapshot = pool.snapshot()
    snapshot.lazy = whole is not None  # candidates are chosen from once, so few need be counted
    snapshot.take_vectors(matrix, has_vector)
    snapshot.take_terms(loaded.terms, whole)
    return pool


def _group_in(group: str | None, tier: MemoryTier) -> str | None:
    return None if group is None else f"{group} of {tier}"


def _in_order(
    wanted: Sequence[str], ids: Sequence[str], vectors: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """The vectors of the wanted ids one after the other, and which of these have one."""
    place = {memory_id: row for row, memory_id in enumerate(ids)}
    rows = np.array([place.get(memory_id, -1) for memory_id in wanted], dtype=np.int64)
    has_vector = rows >= 0
    matrix = vectors[rows[has_vector]] if has_vector.any() else vectors[:0]
    matrix.flags.writeable = False
    return matrix, has_vector


def _spread(matrix: FloatArray, has_vector: BoolArray) -> list[FloatArray | None]:
    """The vector of each item; all are rows of one array, which a pool then shares."""
    at = iter(matrix)
    return [next(at) if there else None for there in has_vector.tolist()]
