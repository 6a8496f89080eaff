"""A past recall asked again: the memories and settings of then, with what is tried instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.recalling.asked import Asked, asked_in
from mba_integrations.services.memory.recalling.candidates import candidates_for
from mba_integrations.services.memory.recalling.recall import allocate
from mba_integrations.services.memory.recalling.request import RecallRequest
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.records import hash_of


def replayed(
    equipment: Equipment,
    workspace_id: str,
    row: AllocationRow,
    *,
    query: str | None,
    changes: Mapping[str, Any],
    budget_tokens: int | None,
) -> Allocation:
    """The choice that would be made; see `Allocations.replay`."""
    config = settings_of_then(equipment, workspace_id, row.settings_version)
    config = config.with_changes(**changes) if changes else config
    asked = _kept(row)
    budget = budget_tokens
    if budget is None and (asked.budget_given or not changes):
        budget = row.record["budget_tokens"]
    now = max(equipment.clock(), row.at)
    request = RecallRequest(
        workspace_id=workspace_id,
        query=_question(row, query),
        budget_tokens=budget,
        reserved_tokens=asked.reserved_tokens if budget is None else None,
        wanted=asked.wanted,
        as_of=row.at,
        as_of_seq=row.change_seq,
    ).checked(now)
    candidates = candidates_for(equipment, request, now)
    equipment.settings.lend(config)
    allocation = allocate(equipment, request, candidates, now)
    equipment.records.take()
    return allocation


def settings_of_then(
    equipment: Equipment, workspace_id: str, version: int | None
) -> WorkspaceConfig:
    """The settings of a version; those that hold now where none is known."""
    with equipment.read(workspace_id) as reading:
        row = workspaces.get(reading)
        kept = {one.version: one.settings for one in workspaces.settings_versions(reading)}
    return WorkspaceConfig(**(row.settings if version is None else kept.get(version, row.settings)))


def _kept(row: AllocationRow) -> Asked:
    asked = asked_in(row.record)
    if asked.unkept:
        raise InputError(
            f"allocation {row.allocation_id!r} was narrowed by {' and '.join(asked.unkept)}, which "
            "the log has not kept. Have the workspace log texts with logging.include_text."
        )
    return asked


def _question(row: AllocationRow, query: str | None) -> str:
    asked: str | None = query if query is not None else row.record.get("query")
    if asked is None:
        raise InputError(
            f"the log has no text of allocation {row.allocation_id!r}. Give its query, or have the "
            "workspace log texts with logging.include_text."
        )
    if row.query_hash is not None and hash_of(asked) != row.query_hash:
        raise InputError(f"query is not what allocation {row.allocation_id!r} was asked.")
    return asked
