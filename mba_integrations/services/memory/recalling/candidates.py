"""The candidates of one question: the pool of a workspace or a part of it, now or at a time.

All is read in one scope of the store. What is then done with it needs no connection.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from mba_integrations import PreviousPrompt
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.services.memory.beyond.found import found_beyond
from mba_integrations.services.memory.beyond.sizes import Size
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.errors import NotYetThereError
from mba_integrations.services.memory.pools.items import items_of
from mba_integrations.services.memory.pools.past_pools import PastKey, PastPool
from mba_integrations.services.memory.pools.workspace_pool import bytes_of, filter_key, vectors_of
from mba_integrations.services.memory.recalling.reply import NotConsidered
from mba_integrations.services.memory.recalling.request import RecallRequest
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow
from mba_integrations.services.store.rows.workspaces import WorkspaceRow
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import finding, history, workspaces
from mba_integrations.services.store.statements.log import sessions

LONGEST_WAIT_SECONDS = 1.0
_PAUSE_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What a choice is made from.

    Attributes:
        config: The workspace's settings.
        settings_version: Their version.
        pool: The memories.
        model_id: Of which model their vectors are.
        not_considered: What was kept out before.
        change_seq: Where the workspace's sequence stood.
        previous: What the session's last call left.
        notes: What the caller should know of them.
    """

    config: WorkspaceConfig
    settings_version: int
    pool: MemoryPool
    model_id: str | None
    not_considered: NotConsidered
    change_seq: int
    previous: PreviousPrompt | None = None
    notes: tuple[str, ...] = ()


def candidates_for(
    equipment: Equipment,
    request: RecallRequest,
    now: datetime,
    *,
    following: PreviousPrompt | None = None,
) -> Candidates:
    """What there is to choose from.

    Args:
        equipment: What reads.
        request: What is asked.
        now: The present.
        following: What the prompt follows, where the request has no session.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
        NotYetThereError: If the request's place in the sequence is not reached in a second.
    """
    if request.min_change_seq is not None:
        _wait_for(equipment, request.workspace_id, request.min_change_seq)
    with equipment.read(request.workspace_id) as reading:
        row = workspaces.get(reading)
        size = equipment.sizes.beyond(reading, row)
        if size is not None:
            equipment.pools.drop(request.workspace_id)
            followed = following or _previous(equipment, request, reading, row, now)
            return _beyond(equipment, request, reading, row, size, followed, now)
        if request.as_of is not None:
            return _of_then(equipment, request, reading, row, request.as_of)
        followed = following or _previous(equipment, request, reading, row, now)
        return _of_now(equipment, request, reading, row, followed, now)


def _wait_for(equipment: Equipment, workspace_id: str, wanted: int) -> None:
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        with equipment.read(workspace_id) as reading:
            there = workspaces.change_seq(reading)
        if there >= wanted:
            return
        if time.monotonic() >= until:
            raise NotYetThereError(workspace_id, change_seq=there, wanted=wanted)
        time.sleep(_PAUSE_SECONDS)


def _of_now(
    equipment: Equipment,
    request: RecallRequest,
    reading: Reading,
    row: WorkspaceRow,
    previous: PreviousPrompt | None,
    now: datetime,
) -> Candidates:
    config = equipment.settings.of(row)
    with equipment.pools.current(reading, row, now) as pool:
        chosen = pool.view(reading, request.wanted)
        apart = NotConsidered(
            expired=len(pool.expired),
            forgotten=pool.forgotten,
            filtered=len(pool.pool) - len(chosen),
        )
        return Candidates(
            config=config,
            settings_version=row.settings_version,
            pool=_with_items(chosen, request.items),
            model_id=pool.model_id,
            not_considered=apart,
            change_seq=pool.change_seq,
            previous=previous,
        )


def _beyond(
    equipment: Equipment,
    request: RecallRequest,
    reading: Reading,
    row: WorkspaceRow,
    size: Size,
    previous: PreviousPrompt | None,
    now: datetime,
) -> Candidates:
    """Of a workspace that no pool holds: what the store finds."""
    found = found_beyond(equipment, request, reading, size, previous, now)
    others = max(size.count - len(found.pool), 0)
    found.pool.add(*request.items)
    return Candidates(
        config=equipment.settings.of(row),
        settings_version=row.settings_version,
        pool=found.pool,
        model_id=found.model_id,
        not_considered=NotConsidered(
            forgotten=size.total - size.count,
            filtered=others if found.is_all else 0,
            not_looked_at=0 if found.is_all else others,
        ),
        change_seq=row.change_seq,
        previous=previous,
        notes=found.notes,
    )


def _with_items(pool: MemoryPool, items: Sequence[MemoryItem]) -> MemoryPool:
    """The memories and what the caller brings. O(n) where it brings something."""
    return MemoryPool.from_items([*pool, *items]) if items else pool


def _previous(
    equipment: Equipment,
    request: RecallRequest,
    reading: Reading,
    row: WorkspaceRow,
    now: datetime,
) -> PreviousPrompt | None:
    """What the session's last call left, unless it is too old or of another form."""
    if request.session_id is None:
        return None
    waiting = equipment.trail.previous(request.workspace_id, request.session_id)
    if waiting is not None:
        return waiting
    kept = sessions.find(reading, request.session_id)
    idle = timedelta(seconds=equipment.settings.of(row).performance.session_idle_seconds)
    if kept is None or kept.previous is None or now - kept.updated_at > idle:
        return None
    try:
        return PreviousPrompt.from_dict(kept.previous)
    except InputError:  # of a release that wrote another form: the session begins anew
        return None


def _of_then(
    equipment: Equipment,
    request: RecallRequest,
    reading: Reading,
    row: WorkspaceRow,
    then: datetime,
) -> Candidates:
    """What a call at that time would have seen, but what was erased or pruned since.

    O(n) where it is not known from a call before.
    """
    model_id = equipment.models.model_of(reading, None)
    read = partial(_read_then, reading, request, then, model_id)
    key = _past_key(reading, request, row, then, model_id)
    found = read() if key is None else equipment.pools.past.get(key, read)
    return Candidates(
        config=equipment.settings.of(row),
        settings_version=row.settings_version,
        pool=_with_items(found.pool, request.items),
        model_id=model_id,
        not_considered=NotConsidered(expired=found.expired, filtered=found.filtered),
        change_seq=row.change_seq,
    )


def _past_key(
    reading: Reading,
    request: RecallRequest,
    row: WorkspaceRow,
    then: datetime,
    model_id: str | None,
) -> PastKey | None:
    """By what the memories of then are known; None where that changes with each use."""
    wanted, seq = request.wanted, request.as_of_seq
    if wanted is not None and wanted.idle_since is not None:
        return None
    return PastKey(
        workspace_id=row.workspace_id,
        stands=(row.created_at, history.last_change(reading)),
        then=then if seq is None else history.state_of(reading, then, seq),
        narrowed=None if wanted is None else filter_key(wanted),
        model_id=model_id,
    )


def _read_then(
    reading: Reading, request: RecallRequest, then: datetime, model_id: str | None
) -> PastPool:
    rows = history.as_of(reading, then, seq=request.as_of_seq)
    alive = [one for one in rows if one.expires_at is None or one.expires_at > then]
    chosen = _let_through(reading, alive, request.wanted)
    ids, matrix = vectors_of(reading, model_id)
    text = sum(len(one.content) for one in chosen)
    return PastPool(
        pool=MemoryPool.from_items(items_of(chosen, ids, matrix)),
        expired=len(rows) - len(alive),
        filtered=len(alive) - len(chosen),
        bytes=bytes_of(len(chosen), text, matrix.itemsize * matrix.shape[1]),
    )


def _let_through(
    reading: Reading, rows: Sequence[MemoryRow], wanted: MemoryFilter | None
) -> list[MemoryRow]:
    """Rows by their tier of then, and by all else as it is now."""
    if wanted is None:
        return list(rows)
    tiers = wanted.tiers
    found = set(finding.ids(reading, replace(wanted, states=None, tiers=None)))
    return [row for row in rows if row.memory_id in found and (tiers is None or row.tier in tiers)]
