"""A past recall asked again: the memories and settings of then, with what is tried instead.

Where no memory came, went or was rewritten since, the pool of now is that of then, with its indexes
made already. Else the memories of then are read and a pool is made of them, once for all recalls
that saw the same ones.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mba_integrations import PreviousPrompt
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.recalling.arms import Arm, arm_key_of, arm_of
from mba_integrations.services.memory.recalling.asked import Asked, asked_in
from mba_integrations.services.memory.recalling.candidates import Candidates, candidates_for
from mba_integrations.services.memory.recalling.recall import allocate
from mba_integrations.services.memory.recalling.request import RecallRequest
from mba_integrations.services.store.rows.allocations import ASKED, AllocationRow
from mba_integrations.services.store.statements import history, workspaces
from mba_integrations.services.store.statements.records import hash_of


def replayed(
    equipment: Equipment,
    workspace_id: str,
    row: AllocationRow,
    *,
    query: str | None,
    changes: Mapping[str, Any],
    budget_tokens: int | None,
    grounds: Grounds | None = None,
) -> Allocation:
    """The choice that would be made; see `Allocations.replay`."""
    config = settings_of_then(equipment, workspace_id, row)
    config = config.with_changes(**changes) if changes else config
    asked = _kept(row)
    budget = budget_tokens
    if budget is None and (asked.budget_given or not changes):
        budget = row.record["budget_tokens"]
    grounds = Grounds(equipment, workspace_id, [row]) if grounds is None else grounds
    return grounds.chosen(row, config, query=query, budget_tokens=budget)


class Grounds:
    """What some recalls were chosen from, read once for those that saw the same memories.

    Args:
        equipment: What reads and chooses.
        workspace_id: Of which workspace.
        rows: The recalls.
    """

    def __init__(
        self, equipment: Equipment, workspace_id: str, rows: Sequence[AllocationRow]
    ) -> None:
        self._equipment = equipment
        self._workspace_id = workspace_id
        self._now = max([equipment.clock(), *(row.at for row in rows)])
        self._known: dict[tuple[int, int, str], Candidates] = {}
        first = min((row.at for row in rows), default=self._now)
        place = min((row.change_seq or 0 for row in rows), default=0)
        with equipment.read(workspace_id) as reading:
            self._expiries = history.expiries(reading, first, self._now)
            self._changes = history.changed_at(reading, place)
            self._stands_at = workspaces.change_seq(reading)

    def chosen(
        self,
        row: AllocationRow,
        config: WorkspaceConfig,
        *,
        query: str | None = None,
        budget_tokens: int | None = None,
        previous: PreviousPrompt | None = None,
    ) -> Allocation:
        """The choice for one of the recalls under settings and a budget; None for theirs.

        Args:
            row: The recall.
            config: The settings.
            query: The question, where the log has not kept it.
            budget_tokens: The budget; None for that of the settings.
            previous: What the prompt follows.

        Raises:
            InputError: As `Allocations.replay`.
        """
        request, candidates = self.of(row, query=query, budget_tokens=budget_tokens)
        followed = replace(candidates, config=config, previous=previous)
        allocation = allocate(self._equipment, request, followed, self._now)
        self._equipment.records.take()
        return allocation

    def of(
        self, row: AllocationRow, *, query: str | None = None, budget_tokens: int | None = None
    ) -> tuple[RecallRequest, Candidates]:
        """What one of the recalls asks, and what it is chosen from; arguments as for `chosen`.

        Raises:
            InputError: As `Allocations.replay`.
        """
        asked = _kept(row)
        request = RecallRequest(
            workspace_id=self._workspace_id,
            query=question_of(row, query),
            budget_tokens=budget_tokens,
            reserved_tokens=asked.reserved_tokens if budget_tokens is None else None,
            wanted=asked.wanted,
            as_of=row.at,
            as_of_seq=row.change_seq,
        ).checked(self._now)
        return request, self._candidates(row, request)

    def _candidates(self, row: AllocationRow, request: RecallRequest) -> Candidates:
        if self._changes is None or row.change_seq is None:
            return candidates_for(self._equipment, request, self._now)
        changed = bisect_right(self._changes, row.change_seq)
        expired = bisect_right(self._expiries, row.at)
        narrowed = json.dumps(row.record.get(ASKED, {}).get("filters"), sort_keys=True)
        key = (changed, expired, narrowed)
        if key not in self._known:
            is_of_now = (changed, expired) == (len(self._changes), len(self._expiries))
            self._known[key] = self._read(request, is_of_now=is_of_now)
        return self._known[key]

    def _read(self, request: RecallRequest, *, is_of_now: bool) -> Candidates:
        if is_of_now:
            of_now = replace(request, as_of=None, as_of_seq=None)
            found = candidates_for(self._equipment, of_now, self._now)
            if found.change_seq == self._stands_at:
                return found
        return candidates_for(self._equipment, request, self._now)


def settings_of_then(
    equipment: Equipment, workspace_id: str, row: AllocationRow
) -> WorkspaceConfig:
    """The settings that a recall was decided under, of its arm where an experiment ran; those that
    hold now where its version is not known."""
    config = settings_of_version(equipment, workspace_id, row.settings_version)
    return config.dealt(arm_key_of(row))


def arm_of_then(equipment: Equipment, workspace_id: str, row: AllocationRow) -> Arm | None:
    """In which arm of an experiment a recall was; None where none ran."""
    return arm_of(settings_of_version(equipment, workspace_id, row.settings_version), row)


def settings_of_version(
    equipment: Equipment, workspace_id: str, version: int | None
) -> WorkspaceConfig:
    """The settings of a version; where none is known those that hold now, without an experiment."""
    with equipment.read(workspace_id) as reading:
        row = workspaces.get(reading)
        kept = None if version is None else workspaces.settings_at(reading, version)
    if kept is not None:
        return WorkspaceConfig(**kept)
    return WorkspaceConfig(**row.settings).usual


def is_narrowed_by_unkept(row: AllocationRow) -> bool:
    """Whether the log has not kept all that a recall was narrowed by."""
    return bool(asked_in(row.record).unkept)


def _kept(row: AllocationRow) -> Asked:
    asked = asked_in(row.record)
    if asked.unkept:
        raise InputError(
            f"allocation {row.allocation_id!r} was narrowed by {' and '.join(asked.unkept)}, which "
            "the log has not kept. Have the workspace log texts with logging.include_text."
        )
    return asked


def question_of(row: AllocationRow, query: str | None) -> str:
    """What a recall was asked, as the log has it or as it is said now.

    Raises:
        InputError: If neither has it, or it is another one than that of then.
    """
    asked: str | None = query if query is not None else row.record.get("query")
    if asked is None:
        raise InputError(
            f"the log has no text of allocation {row.allocation_id!r}. Give its query, or have the "
            "workspace log texts with logging.include_text."
        )
    if row.query_hash is not None and hash_of(asked) != row.query_hash:
        raise InputError(f"query is not what allocation {row.allocation_id!r} was asked.")
    return asked
