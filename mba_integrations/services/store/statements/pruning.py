"""Free the space of what nobody can read any more. Nothing that can be recalled goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Delete, Table, func

from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import finding
from mba_integrations.services.store.statements.accesses import MICROSECONDS_PER_HOUR
from mba_integrations.services.store.statements.changes import record_changes
from mba_integrations.services.store.tables.columns import microseconds_of
from mba_integrations.services.store.tables.log import (
    allocation,
    allocation_item,
    feedback,
    session,
)
from mba_integrations.services.store.tables.memories import (
    memory,
    memory_access,
    memory_change,
    memory_tag,
    memory_vector,
    memory_version,
)
from mba_integrations.services.store.tables.work import answer, job
from mba_integrations.services.store.tables.workspaces import workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """What goes: all that is older than these times; None keeps all.

    Attributes:
        forgotten: Memories that were forgotten, expired or superseded before this time.
        changes: The feed. Pools that are further behind load anew, and `history.as_of` reaches
            back no further.
        allocations: The log of allocations with its items and feedback.
        allocation_items: The items alone.
        sessions: Sessions that were last used before this time.
        jobs: Jobs that ended before this time.
    """

    forgotten: datetime | None = None
    changes: datetime | None = None
    allocations: datetime | None = None
    allocation_items: datetime | None = None
    sessions: datetime | None = None
    jobs: datetime | None = None


def prune(writing: Writing, horizon: Horizon) -> Mapping[str, int]:
    """Delete what is older than the horizon; gives rows deleted, by table.

    Answers that expired, and counts of uses older than two hours, always go.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    writing.hold()
    counts = dict(_prune_memories(writing, horizon.forgotten))
    counts |= _prune_log(writing, horizon)
    counts["memory_change"] = _prune_changes(writing, horizon.changes)
    last_hour = microseconds_of(writing.at - timedelta(hours=2)) // MICROSECONDS_PER_HOUR
    counts["memory_access"] = counts.get("memory_access", 0) + _deleted(
        writing, writing.delete(memory_access).where(memory_access.c.hour <= last_hour)
    )
    counts["answer"] = _deleted(
        writing, writing.delete(answer).where(answer.c.expires_at <= writing.at)
    )
    return counts


def remove(writing: Writing, memory_ids: Sequence[str]) -> dict[str, int]:
    """Delete memories with vectors, tags, earlier texts and counts of uses; gives rows, by table.

    Tells the feed nothing: who removes them does.
    """
    counts = {}
    for table in (memory_vector, memory_tag, memory_version, memory_access, memory):
        which = among(table.c.memory_id, memory_ids)
        counts[table.name] = _deleted(writing, writing.delete(table).where(which))
    return counts


def _prune_memories(writing: Writing, before: datetime | None) -> dict[str, int]:
    if before is None:
        return {}
    last = (
        writing.select(memory_change, memory_change.c.at)
        .where(memory_change.c.change_seq == memory.c.change_seq)
        .correlate(memory)
        .scalar_subquery()
    )
    statement = (
        writing.select(memory, memory.c.memory_id)
        .where(memory.c.state != MemoryState.ACTIVE)
        .where(last.is_(None) | (last < before))  # the feed may have been pruned before
    )
    gone = list(writing.execute(statement).scalars())
    rows = finding.known(writing, gone)
    pairs: list[tuple[MemoryRow | None, MemoryRow | None]] = [(row, None) for row in rows]
    record_changes(writing, ChangeOp.PRUNE, pairs)
    return remove(writing, gone)


def _prune_changes(writing: Writing, before: datetime | None) -> int:
    if before is None:
        return 0
    old = writing.select(memory_change, func.max(memory_change.c.change_seq))
    last = writing.execute(old.where(memory_change.c.at < before)).scalar()
    if last is None:
        return 0
    writing.execute(writing.update(workspace).values(feed_from=last))
    return _deleted(
        writing, writing.delete(memory_change).where(memory_change.c.change_seq <= last)
    )


def _prune_log(writing: Writing, horizon: Horizon) -> dict[str, int]:
    counts = {}
    if horizon.allocation_items is not None:
        counts["allocation_item"] = _prune_allocations(
            writing, horizon.allocation_items, (allocation_item,)
        )
    if horizon.allocations is not None:
        tables = (allocation_item, feedback)
        counts["allocation_item"] = counts.get("allocation_item", 0) + _prune_allocations(
            writing, horizon.allocations, tables
        )
        counts["allocation"] = _deleted(
            writing, writing.delete(allocation).where(allocation.c.at < horizon.allocations)
        )
    if horizon.sessions is not None:
        counts["session"] = _deleted(
            writing, writing.delete(session).where(session.c.updated_at < horizon.sessions)
        )
    if horizon.jobs is not None:
        ended = job.c.finished_at < horizon.jobs
        counts["job"] = _deleted(writing, writing.delete(job).where(ended))
    return counts


def _prune_allocations(writing: Writing, before: datetime, tables: Sequence[Table]) -> int:
    """Delete what hangs on old allocations; gives the rows of the first table."""
    old = writing.select(allocation, allocation.c.allocation_id).where(allocation.c.at < before)
    gone = [
        _deleted(writing, writing.delete(table).where(table.c.allocation_id.in_(old)))
        for table in tables
    ]
    return gone[0]


def _deleted(writing: Writing, statement: Delete) -> int:
    return writing.execute(statement).rowcount
