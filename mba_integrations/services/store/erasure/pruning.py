"""Free the space of what nobody can read any more. Nothing that can be recalled goes.

The log outgrows everything else, so it goes in steps: `old_allocations` finds the oldest by the
index on their time, without a lock, and `remove_allocations` deletes those with what hangs on them.
A step costs what it deletes, and writers get between two of them, however long the log is. Parts by
month, which would go at once, are of no use here: how long a log is kept is each workspace's own,
and a month is shared by all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Delete, func

from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import finding
from mba_integrations.services.store.statements.accesses import MICROSECONDS_PER_HOUR
from mba_integrations.services.store.statements.changes import record_changes
from mba_integrations.services.store.statements.prefetch import parts
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

LOG_STEP = 500
"""Allocations of a step: with their items some 25,000 rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """What goes: all that is older than these times; None keeps all.

    Attributes:
        forgotten: Memories that were forgotten, expired or superseded before this time.
        changes: The feed. Pools that are further behind load anew, and `history.as_of` reaches
            back no further.
        sessions: Sessions that were last used before this time.
        jobs: Jobs that ended before this time.
    """

    forgotten: datetime | None = None
    changes: datetime | None = None
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
    counts |= _prune_work(writing, horizon)
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
    Words of theirs go with the parts that have them.

    Tells the feed nothing: who removes them does.
    """
    counts = {}
    places = writing.select(memory, memory.c.added_seq)
    places = places.where(among(memory.c.memory_id, memory_ids))
    parts.drop_covering(writing, writing.execute(places).scalars())
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


def _prune_work(writing: Writing, horizon: Horizon) -> dict[str, int]:
    counts = {}
    if horizon.sessions is not None:
        counts["session"] = _deleted(
            writing, writing.delete(session).where(session.c.updated_at < horizon.sessions)
        )
    if horizon.jobs is not None:
        ended = job.c.finished_at < horizon.jobs
        counts["job"] = _deleted(writing, writing.delete(job).where(ended))
    return counts


def old_allocations(
    reading: Reading, before: datetime, *, with_items: bool = False, limit: int = LOG_STEP
) -> tuple[str, ...]:
    """Ids of allocations of the log that were made before a time, the oldest first.

    Args:
        reading: The scope.
        before: The time.
        with_items: Only those of which items are still there.
        limit: The most to give.
    """
    columns = (allocation.c.at, allocation.c.allocation_id)
    statement = reading.select(allocation, *columns).where(allocation.c.at < before)
    if with_items:
        items = reading.select(allocation_item, allocation_item.c.place)
        own = allocation_item.c.allocation_id == allocation.c.allocation_id
        statement = statement.where(items.where(own).correlate(allocation).exists())
    found = reading.execute(statement.order_by(allocation.c.at).limit(limit))
    return tuple(allocation_id for _, allocation_id in found)


def remove_allocations(
    writing: Writing, allocation_ids: Sequence[str], *, items_alone: bool = False
) -> dict[str, int]:
    """Delete allocations with items and feedback, or their items alone; gives rows, by table."""
    tables = (allocation_item,) if items_alone else (allocation_item, feedback, allocation)
    return {
        table.name: _deleted(
            writing, writing.delete(table).where(among(table.c.allocation_id, allocation_ids))
        )
        for table in tables
    }


def _deleted(writing: Writing, statement: Delete) -> int:
    return writing.execute(statement).rowcount
