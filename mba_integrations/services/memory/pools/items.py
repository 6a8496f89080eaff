"""Rows of the store as the items that the allocator takes.

To the allocator a group belongs to one tier. In a store a member may move alone, or be remembered
in another tier, and that must not keep a workspace from being recalled. So the members of a group
that are in one tier are a group of their own:

    a  group g  project          a, b  "g of project"
    b  group g  project    ->    c     "g of long_term"
    c  group g  long_term
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.model import MemoryItem
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
        group=None if row.group is None else f"{row.group} of {row.tier}",
        pinned=row.pinned,
        embedding=embedding,
        metadata=row.metadata,
    )


def items_of(
    rows: Iterable[MemoryRow], ids: Sequence[str], vectors: FloatArray
) -> list[MemoryItem]:
    """The items of rows, with the vectors of those ids as rows of one read-only array."""
    place = {memory_id: row for row, memory_id in enumerate(ids)}
    listed = list(rows)
    matrix = _in_order(listed, place, vectors)
    at = iter(matrix)
    return [item_of(row, next(at) if row.memory_id in place else None) for row in listed]


def _in_order(
    rows: Sequence[MemoryRow], place: Mapping[str, int], vectors: FloatArray
) -> FloatArray:
    """The vectors of the rows that have one, one after the other: a pool then shares the array."""
    wanted = [place[row.memory_id] for row in rows if row.memory_id in place]
    matrix = vectors[wanted] if wanted else vectors[:0]
    matrix.flags.writeable = False
    return matrix
