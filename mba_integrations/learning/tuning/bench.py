"""`Bench`: past sessions decided again, turn after turn, under the settings that are tried.

Each turn follows the prompt that these settings would have sent before it, not the one that was
sent: else what differs most from the settings of then would look least stable. A session begins
where a record follows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mba_integrations import PreviousPrompt
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import BudgetError
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.learning.gate.outcomes import Outcome
from mba_integrations.learning.replay.choosing import Choosing
from mba_integrations.learning.replay.needed import needed_of
from mba_integrations.learning.replay.records import Grade, ReplayRecord

_POOLS = 64
"""Lists of candidates that stay prepared: a workspace whose memories seldom change has few."""


class Bench:
    """Decides sessions again; what it prepares of candidates serves all settings that are tried.

    Args:
        token_counter: As for `MemoryBudgetAllocator`.
    """

    def __init__(self, token_counter: object = None) -> None:
        self._choosing = Choosing(token_counter, pools=_POOLS)

    def outcomes(self, records: Iterable[ReplayRecord], config: WorkspaceConfig) -> list[Outcome]:
        """What records, with texts and in the order of time, come to under settings."""
        return [outcome for outcome, _ in self.decided(records, config)]

    def decided(
        self, records: Iterable[ReplayRecord], config: WorkspaceConfig
    ) -> Iterator[tuple[Outcome, Allocation | None]]:
        """The same one by one, each with its allocation; None where there is no prompt."""
        config = config.with_changes(logging={"enabled": False, "path": None})
        before: dict[str, PreviousPrompt] = {}
        for record in records:
            previous = _followed(record, before)
            try:
                allocation = self._allocation(record, config, previous)
            except BudgetError as error:
                yield _failed(record, str(error)), None
                continue
            if record.session_id is not None:
                before[record.session_id] = allocation.as_previous
            yield _outcome(record, allocation, previous), allocation

    def _allocation(
        self, record: ReplayRecord, config: WorkspaceConfig, previous: PreviousPrompt | None
    ) -> Allocation:
        if config.workspace_id != record.workspace_id:
            config = config.with_changes(workspace_id=record.workspace_id)
        return self._choosing.chosen(record, config, previous)


def usable(records: Iterable[ReplayRecord]) -> list[ReplayRecord]:
    """Those that can be decided again under any settings: with their texts."""
    return [one for one in records if one.grade is Grade.TEXTS]


def with_fixed_budget(records: Sequence[ReplayRecord], tokens: int) -> list[ReplayRecord]:
    """The same with one budget for all."""
    return [replace(one, budget_tokens=max(1, tokens), budget_given=True) for one in records]


def _followed(record: ReplayRecord, before: Mapping[str, PreviousPrompt]) -> PreviousPrompt | None:
    if record.previous is None:
        return None
    known = None if record.session_id is None else before.get(record.session_id)
    return PreviousPrompt.from_dict(record.previous) if known is None else known


def _outcome(
    record: ReplayRecord, allocation: Allocation, previous: PreviousPrompt | None
) -> Outcome:
    needed, chosen = _needed(record), set(allocation.selected_ids)
    return replace(
        _nothing_chosen(record, needed),
        kept=sum(weight for one, weight in needed.items() if one in chosen),
        used_tokens=allocation.used_tokens,
        budget_tokens=allocation.budget_tokens,
        cost=allocation.estimated_cost(previous),
        stable_prefix_tokens=None if previous is None else allocation.stable_prefix_tokens,
    )


def _failed(record: ReplayRecord, problem: str) -> Outcome:
    return replace(_nothing_chosen(record, _needed(record)), problem=problem)


def _nothing_chosen(record: ReplayRecord, needed: Mapping[str, float]) -> Outcome:
    return Outcome(
        allocation_id=record.allocation_id,
        workspace_id=record.workspace_id,
        session_id=record.session_id,
        at=record.at,
        needed=sum(needed.values()),
        kept=0.0,
        positives=len(needed),
        used_tokens=0,
        budget_tokens=record.budget_tokens,
        cost=0.0,
    )


def _needed(record: ReplayRecord) -> Mapping[str, float]:
    """Of the candidates: a memory that is not there cannot be chosen."""
    said = needed_of(record.feedback)
    there = {one.id for one in record.candidates} if said else set()
    return {memory_id: weight for memory_id, weight in said.items() if memory_id in there}
