"""Count the use of memories, at most once for each memory, session and hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import finding
from mba_integrations.services.store.statements.changes import record_changes
from mba_integrations.services.store.tables.columns import microseconds_of
from mba_integrations.services.store.tables.memories import memory, memory_access

MICROSECONDS_PER_HOUR = 3_600_000_000


def count(
    writing: Writing, memory_ids: Sequence[str], *, session_id: str | None = None
) -> tuple[MemoryRow, ...]:
    """Count that memories came into a prompt now; gives those that were counted, as they are now.

    Ids that are not known or not active are passed over: a memory may go between the choice and
    this count.

    Args:
        writing: The scope.
        memory_ids: Which ones.
        session_id: In which session; all calls without one are one session.
    """
    writing.hold()
    hour = microseconds_of(writing.at) // MICROSECONDS_PER_HOUR
    counted = writing.select(memory_access, memory_access.c.memory_id).where(
        memory_access.c.session_id == (session_id or ""),
        memory_access.c.hour == hour,
        among(memory_access.c.memory_id, list(memory_ids)),
    )
    known = set(writing.execute(counted).scalars())
    found = finding.find(writing, dict.fromkeys(one for one in memory_ids if one not in known))
    old = [row for row in found.values() if row.state is MemoryState.ACTIVE]
    rows = [
        {"session_id": session_id or "", "hour": hour, "memory_id": row.memory_id} for row in old
    ]
    writing.insert(memory_access, rows)
    return _counted(writing, old)


def _counted(writing: Writing, old: Sequence[MemoryRow]) -> tuple[MemoryRow, ...]:
    new = [
        replace(row, access_count=row.access_count + 1, last_accessed_at=writing.at) for row in old
    ]
    seqs = record_changes(writing, ChangeOp.ACCESS, list(zip(old, new, strict=True)))
    saved = [replace(row, change_seq=seq) for row, seq in zip(new, seqs, strict=True)]
    changed = ("memory_id", "access_count", "last_accessed_at", "change_seq")
    rows = [{name: getattr(row, name) for name in changed} for row in saved]
    writing.update_each(memory, "memory_id", rows)
    return tuple(saved)
