"""The feed of changes of a workspace: written with every change, read by pools and histories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.rows.changes import Change, ChangeFeed, ChangeOp
from mba_integrations.services.store.rows.memories import MemoryRow
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements.records import ReadyRows
from mba_integrations.services.store.statements.workspaces import change_seq
from mba_integrations.services.store.tables.memories import memory_change
from mba_integrations.services.store.tables.workspaces import workspace


def changes_since(reading: Reading, seq: int, *, limit: int = 10_000) -> ChangeFeed:
    """What happened after place *seq* of the workspace's sequence.

    Args:
        reading: The scope.
        seq: The last place that is known; 0 for none.
        limit: The most changes to give. With more than these loading anew is cheaper.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    now = change_seq(reading)
    if seq == now:
        return ChangeFeed(change_seq=now, complete=True, changes=())
    reaches_from = reading.execute(reading.select(workspace, workspace.c.feed_from)).scalar_one()
    statement = (
        reading.select(memory_change)
        .where(memory_change.c.change_seq > seq)
        .order_by(memory_change.c.change_seq)
        .limit(limit + 1)
    )
    found = reading.execute(statement).all()
    complete = reaches_from <= seq <= now and len(found) <= limit
    return ChangeFeed(
        change_seq=now, complete=complete, changes=tuple(change_of(one) for one in found[:limit])
    )


def changes_of(reading: Reading, memory_id: str) -> tuple[Change, ...]:
    """What happened to one memory, the first change first; empty if it is not known."""
    statement = (
        reading.select(memory_change)
        .where(memory_change.c.memory_id == memory_id)
        .order_by(memory_change.c.change_seq)
    )
    return tuple(change_of(found) for found in reading.execute(statement))


def changes_of_review(reading: Reading, review_id: str) -> tuple[Change, ...]:
    """What a review did, the first change first."""
    statement = (
        reading.select(memory_change)
        .where(memory_change.c.review_id == review_id)
        .order_by(memory_change.c.change_seq)
    )
    return tuple(change_of(found) for found in reading.execute(statement))


def record_changes(
    writing: Writing,
    op: ChangeOp,
    rows: Sequence[tuple[MemoryRow | None, MemoryRow | None]],
    *,
    seqs: range | None = None,
    related: Iterable[str | None] | None = None,
    reasons: Iterable[str | None] | None = None,
    review_id: str | None = None,
) -> range:
    """Write down one change for each pair of a memory before and after it; gives their places.

    Args:
        writing: The scope.
        op: What was done.
        rows: Before and after; None for what is not there.
        seqs: Their places; None takes the next ones.
        related: For each pair the memory that took its place, or whose place it took.
        reasons: For each pair why.
        review_id: The review that it belongs to.
    """
    if seqs is None:
        seqs = writing.next_changes(len(rows))
    each_related = list(related) if related is not None else [None] * len(rows)
    each_reason = list(reasons) if reasons is not None else [None] * len(rows)
    kept = [
        {
            "change_seq": seq,
            "memory_id": _known(pair).memory_id,
            "op": op,
            **_sides(*pair),
            "related_id": each_related[place],
            "review_id": review_id,
            "reason": each_reason[place],
            "at": writing.at,
            "actor": writing.actor,
        }
        for place, (seq, pair) in enumerate(zip(seqs, rows, strict=True))
    ]
    writing.insert(memory_change, kept)
    return seqs


def record_additions(
    writing: Writing,
    added: ReadyRows,
    *,
    seqs: range,
    related: Sequence[str | None],
    reason: str | None = None,
) -> None:
    """Write down that memories were added, each in the place of another one or of none."""
    count = len(added)
    columns = {
        "change_seq": seqs,
        "memory_id": added.ids,
        "op": [ChangeOp.ADD] * count,
        "before_hash": [None] * count,
        "after_hash": added.columns["content_hash"],
        "tier_from": [None] * count,
        "tier_to": added.columns["tier"],
        "related_id": related,
        "review_id": [None] * count,
        "reason": [reason] * count,
        "at": [writing.at] * count,
        "actor": [writing.actor] * count,
    }
    writing.insert_columns(memory_change, columns, count)


def _known(pair: tuple[MemoryRow | None, MemoryRow | None]) -> MemoryRow:
    before, after = pair
    known = after or before
    if known is None:
        raise ValueError("a change is of a memory")
    return known


def _sides(before: MemoryRow | None, after: MemoryRow | None) -> dict[str, Any]:
    def tier_of(row: MemoryRow | None) -> MemoryTier | None:
        return row.tier if row is not None else None

    return {
        "before_hash": before.content_hash if before is not None else None,
        "after_hash": after.content_hash if after is not None else None,
        "tier_from": tier_of(before),
        "tier_to": tier_of(after),
    }


def change_of(found: Row[*tuple[Any, ...]]) -> Change:
    """A row of the table as a value."""
    return Change(
        change_seq=found.change_seq,
        memory_id=found.memory_id,
        op=found.op,
        before_hash=found.before_hash,
        after_hash=found.after_hash,
        tier_from=found.tier_from,
        tier_to=found.tier_to,
        related_id=found.related_id,
        review_id=found.review_id,
        reason=found.reason,
        at=found.at,
        actor=found.actor,
    )
