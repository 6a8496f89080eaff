"""Memories as they stood at a time, and texts that they had before.

What a recall at a time would have seen is what is stored now, with the changes since then undone,
the last one first. Erased and pruned memories are missing; a text that was rewritten is the old one
where versions were kept. What `update` changes and counts of use are those of now: the feed says
that they changed and not from what.

    now         a: active in long_term     b: superseded by c    c: active
    changes     7 move a project->long_term, 8 add c, 9 supersede b by c
    as of 6     a: active in project       b: active
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func

from mba_integrations.core.errors import InputError
from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.rows.changes import Change, ChangeOp
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState, MemoryVersion
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import finding
from mba_integrations.services.store.statements.changes import change_of
from mba_integrations.services.store.statements.records import hash_of
from mba_integrations.services.store.tables.memories import memory, memory_change, memory_version
from mba_integrations.services.store.tables.workspaces import workspace


def as_of(reading: Reading, moment: datetime, *, seq: int | None = None) -> tuple[MemoryRow, ...]:
    """All memories that were active at a time, in the order in which they were added.

    Args:
        reading: The scope.
        moment: The time.
        seq: Where the sequence of changes stood then, where that is known: times of two writers
            may overlap, and a clock may be set back.

    Raises:
        InputError: If the feed of changes was pruned and does not reach back so far.
    """
    _check_reach(reading, moment, seq)
    rows = _stored_by(reading, moment, seq)
    texts = {(one.memory_id, one.change_seq): one.content for one in _versions(reading)}
    for change in _changes_after(reading, moment, seq):
        row = rows.get(change.memory_id)
        if row is not None:
            rows[change.memory_id] = _undone(row, change, texts)
    return tuple(row for row in rows.values() if row.state is MemoryState.ACTIVE)


def versions(reading: Reading, memory_id: str) -> tuple[MemoryVersion, ...]:
    """Texts that a memory had before, the first one first, where they were kept."""
    return _versions(reading, memory_id)


def expiries(reading: Reading, after: datetime, until: datetime) -> tuple[datetime, ...]:
    """When memories expired in a time, also those that are gone by now, in order.

    Args:
        reading: The scope.
        after: After this time.
        until: At this time at the latest.
    """
    expires_at = memory.c.expires_at
    statement = (
        reading.select(memory, expires_at)
        .where(expires_at > after, expires_at <= until)
        .order_by(expires_at)
    )
    return tuple(reading.execute(statement).scalars())


def last_change(reading: Reading) -> int:
    """The place of the last change that is no use of a memory; 0 where none is known."""
    place = memory_change.c.change_seq
    statement = reading.select(memory_change, place).where(memory_change.c.op != ChangeOp.ACCESS)
    return reading.execute(statement.order_by(place.desc()).limit(1)).scalar() or 0


def state_of(reading: Reading, moment: datetime, seq: int) -> tuple[int | None, datetime | None]:
    """What two times that saw the same memories have alike, as long as nothing changes.

    Args:
        reading: The scope.
        moment: The time.
        seq: Where the sequence of changes stood then.

    Returns:
        The next place at which another memory could be chosen from, None where none came, and
        when the last memory expired before.
    """
    place, expires_at = memory_change.c.change_seq, memory.c.expires_at
    following = reading.select(memory_change, place).where(place > seq, _CHANGES_CHOICE)
    expired = reading.select(memory, func.max(expires_at)).where(expires_at <= moment)
    return (
        reading.execute(following.order_by(place).limit(1)).scalar(),
        reading.execute(expired).scalar(),
    )


def changed_at(reading: Reading, seq: int) -> tuple[int, ...] | None:
    """Places after *seq* at which another memory could be chosen from, or another text, in order.

    What is not undone in the memories of a time, a use or a pin, is none. None where the feed does
    not reach back so far.
    """
    pruned = reading.execute(reading.select(workspace, workspace.c.feed_from)).scalar() or 0
    if seq < pruned:
        return None
    place = memory_change.c.change_seq
    found = reading.select(memory_change, place).where(place > seq, _CHANGES_CHOICE)
    return tuple(reading.execute(found.order_by(place)).scalars())


def _check_reach(reading: Reading, moment: datetime, seq: int | None) -> None:
    pruned = reading.execute(reading.select(workspace, workspace.c.feed_from)).scalar()
    if not pruned or (seq is not None and seq >= pruned):
        return
    statement = reading.select(memory_change, func.min(memory_change.c.at))
    first = reading.execute(statement).scalar()
    if first is None or first > moment or seq is not None:
        since = "the last pruning" if first is None else first.isoformat()
        raise InputError(
            f"changes of workspace {reading.workspace_id!r} are kept since {since}, "
            f"as_of is {moment.isoformat()}. Ask for a later time."
        )


def _stored_by(reading: Reading, moment: datetime, seq: int | None) -> dict[str, MemoryRow]:
    def was_there(row: MemoryRow) -> bool:
        if seq is not None:
            return row.added_seq <= seq
        return row.stored_at is not None and row.stored_at <= moment

    return {row.memory_id: row for row in finding.in_any_state(reading) if was_there(row)}


def _changes_after(reading: Reading, moment: datetime, seq: int | None) -> tuple[Change, ...]:
    later = memory_change.c.at > moment if seq is None else memory_change.c.change_seq > seq
    undone = among(memory_change.c.op, [ChangeOp.REWRITE, *_UNDO])
    statement = reading.select(memory_change).where(later, undone)
    statement = statement.order_by(memory_change.c.change_seq.desc())
    return tuple(change_of(found) for found in reading.execute(statement))


def _versions(reading: Reading, memory_id: str | None = None) -> tuple[MemoryVersion, ...]:
    statement = reading.select(memory_version).order_by(memory_version.c.change_seq)
    if memory_id is not None:
        statement = statement.where(memory_version.c.memory_id == memory_id)
    return tuple(
        MemoryVersion(
            memory_id=found.memory_id,
            change_seq=found.change_seq,
            content=found.content,
            replaced_at=found.replaced_at,
        )
        for found in reading.execute(statement)
    )


def _undone(row: MemoryRow, change: Change, texts: dict[tuple[str, int], str]) -> MemoryRow:
    if change.op is ChangeOp.REWRITE:
        text = texts.get((row.memory_id, change.change_seq), row.content)
        return replace(row, content=text, content_hash=hash_of(text))
    undo = _UNDO.get(change.op)
    return row if undo is None else undo(row, change)


def _active_again(row: MemoryRow, change: Change) -> MemoryRow:
    return replace(row, state=MemoryState.ACTIVE, superseded_by=None)


def _back_in_tier(row: MemoryRow, change: Change) -> MemoryRow:
    return row if change.tier_from is None else replace(row, tier=change.tier_from)


def _gone_again(row: MemoryRow, change: Change) -> MemoryRow:
    return replace(row, state=MemoryState.FORGOTTEN)


_UNDO: dict[ChangeOp, Callable[[MemoryRow, Change], MemoryRow]] = {
    ChangeOp.SUPERSEDE: _active_again,
    ChangeOp.FORGET: _active_again,
    ChangeOp.EXPIRE: _active_again,
    ChangeOp.RESTORE: _gone_again,
    ChangeOp.MOVE: _back_in_tier,
}
_CHANGES_CHOICE = among(memory_change.c.op, [ChangeOp.ADD, ChangeOp.REWRITE, *_UNDO])
