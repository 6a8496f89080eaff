"""The latest recalls asked again: which tier starves, and what other settings would change.

Each recall is asked of the memories of then. What the log has not kept, its question or what
narrowed it, cannot be asked again; those are counted as skipped.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import BudgetError, InputError, MemoryBudgetError
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.learning.replay.changes import Changed
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.past.replays import (
    Grounds,
    is_narrowed_by_unkept,
    settings_of_version,
)
from mba_integrations.services.memory.pools.past_gains import Gain, Gains, WorkspaceGains
from mba_integrations.services.memory.recalling.asked import asked_in
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.statements import workspaces

Found = TypeVar("Found")
MORE_TOKENS = 100
STARVING_SECONDS = 0.06
"""A view of the dashboard waits for it, and for the recall that is being tried."""
EFFECT_SECONDS = 20.0
MOST_EXAMPLES = 20
MOST_IDS = 50
NO_QUESTION = "question_not_logged"
NO_FILTERS = "filters_not_logged"
NOT_POSSIBLE = "not_possible_any_more"
OUT_OF_TIME = "out_of_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class StarvingTier:
    """What 100 more tokens for a tier would buy in a recall, in the mean.

    Attributes:
        tier: Which one.
        value_per_100_tokens: By how much the prompt would be worth more.
        would_enter: How many memories would come in, in all of the recalls.
        looked_at: How many recalls were asked again.
        untried: How many more can be, when this is asked for again.
    """

    tier: MemoryTier
    value_per_100_tokens: float
    would_enter: int
    looked_at: int
    untried: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAfter:
    """A mean under the settings of now and under others; None where nothing was looked at."""

    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What other settings would have done to past recalls.

    Attributes:
        looked_at: How many recalls were asked again, under both.
        skipped: How many were not, by reason.
        same: In how many the memories would be the same.
        mean_used_tokens: Of a prompt.
        entering: How many memories would come in, in all of them.
        leaving: How many would go.
        by_tier: Tokens of each tier in a prompt, in the mean.
        examples: Recalls that would differ, the latest first.
    """

    looked_at: int
    skipped: Mapping[str, int]
    same: int
    mean_used_tokens: BeforeAfter
    entering: int
    leaving: int
    by_tier: Mapping[MemoryTier, BeforeAfter]
    examples: tuple[Changed, ...]


def starving(
    equipment: Equipment, workspace_id: str, rows: Sequence[AllocationRow]
) -> tuple[StarvingTier, ...]:
    """Which tiers would gain most; see `Allocations.starving`."""
    config, known = _known_gains(equipment, workspace_id)
    usable = [row for row in rows if unusable(row) is None]
    found = known.of([row.allocation_id for row in usable])
    untried = [row for row in usable if row.allocation_id not in found]
    for allocation_id, gains in _gains(equipment, workspace_id, untried, config):
        known.keep(allocation_id, gains)
        found[allocation_id] = gains
    tried = [gains for row in usable if (gains := found.get(row.allocation_id))]
    tiers = (
        StarvingTier(
            tier=tier,
            value_per_100_tokens=sum(one[tier].value for one in tried) / max(1, len(tried)),
            would_enter=sum(one[tier].entering for one in tried),
            looked_at=len(tried),
            untried=len(usable) - len(found),
        )
        for tier in MemoryTier
    )
    return tuple(sorted(tiers, key=lambda one: -one.value_per_100_tokens))


def _known_gains(equipment: Equipment, workspace_id: str) -> tuple[WorkspaceConfig, WorkspaceGains]:
    """The settings of now, and what was found under them and with the vectors of now."""
    with equipment.read(workspace_id) as reading:
        row = workspaces.get(reading)
        model_id = equipment.models.model_of(reading, None)
    standing = (row.created_at, row.settings_version, model_id)
    return equipment.settings.of(row).usual, equipment.past_gains.within(workspace_id, standing)


def _gains(
    equipment: Equipment,
    workspace_id: str,
    rows: Sequence[AllocationRow],
    config: WorkspaceConfig,
) -> Iterator[tuple[str, Gains | None]]:
    """What more tokens would have bought in some recalls; None where one cannot be asked again."""
    if not rows:
        return
    trial = _Trial(equipment, workspace_id, rows, STARVING_SECONDS)

    def gains(row: AllocationRow) -> tuple[str, Gains | None]:
        try:
            larger = trial.again(row, config).larger_tiers(MORE_TOKENS)
        except (InputError, BudgetError):
            return row.allocation_id, None
        return row.allocation_id, {
            tier: Gain(value=one.value, entering=len(one.entering)) for tier, one in larger.items()
        }

    yield from trial.each(gains)


def effect(
    equipment: Equipment,
    workspace_id: str,
    rows: Sequence[AllocationRow],
    changes: Mapping[str, Any],
) -> Effect:
    """What other settings would have done; see `Allocations.effect`."""
    now = _settings(equipment, workspace_id)
    other = now.with_changes(**changes)
    trial = _Trial(equipment, workspace_id, rows, EFFECT_SECONDS)

    def both(row: AllocationRow) -> tuple[str, Allocation, Allocation]:
        return row.allocation_id, trial.again(row, now), trial.again(row, other)

    pairs = [_Pair.of(*found) for found in trial.each(both)]
    differing = [one.changed for one in pairs if one.changed]
    return Effect(
        looked_at=trial.looked_at,
        skipped=dict(trial.skipped),
        same=len(pairs) - len(differing),
        mean_used_tokens=_mean([one.used for one in pairs]),
        entering=sum(len(one.entering) for one in differing),
        leaving=sum(len(one.leaving) for one in differing),
        by_tier={tier: _mean([one.tiers[tier] for one in pairs]) for tier in MemoryTier},
        examples=tuple(map(_cut, differing[:MOST_EXAMPLES])),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """What is kept of a recall under both settings: two allocations hold all their candidates."""

    used: tuple[int, int]
    tiers: Mapping[MemoryTier, tuple[int, int]]
    changed: Changed

    @classmethod
    def of(cls, allocation_id: str, before: Allocation, after: Allocation) -> _Pair:
        return cls(
            used=(before.used_tokens, after.used_tokens),
            tiers={
                tier: (before.tiers[tier].used_tokens, after.tiers[tier].used_tokens)
                for tier in MemoryTier
            },
            changed=Changed.between(allocation_id, before.selected_ids, after.selected_ids),
        )


class _Trial:
    """Some recalls that are asked again: one, and others until so many seconds have passed.

    Attributes:
        looked_at: How many were.
        skipped: How many were not, by reason.
    """

    def __init__(
        self,
        equipment: Equipment,
        workspace_id: str,
        rows: Sequence[AllocationRow],
        seconds: float,
    ) -> None:
        self._rows = rows
        self._until = time.monotonic() + seconds
        self._grounds = Grounds(equipment, workspace_id, rows)
        self.looked_at = 0
        self.skipped: Counter[str] = Counter()

    def each(self, act: Callable[[AllocationRow], Found]) -> Iterator[Found]:
        """What an act gives for each row that can be asked again."""
        is_tried = False
        for place, row in enumerate(self._rows):
            if is_tried and time.monotonic() > self._until:
                self.skipped[OUT_OF_TIME] += len(self._rows) - place
                return
            reason = unusable(row)
            if reason is not None:
                self.skipped[reason] += 1
                continue
            is_tried = True
            try:
                found = act(row)
            except MemoryBudgetError:
                self.skipped[NOT_POSSIBLE] += 1
                continue
            self.looked_at += 1
            yield found

    def again(self, row: AllocationRow, config: WorkspaceConfig) -> Allocation:
        """A row asked under settings; a budget that its caller gave stays."""
        given = asked_in(row.record).budget_given
        budget = row.record["budget_tokens"] if given else None
        return self._grounds.chosen(row, config, budget_tokens=budget)


def _settings(equipment: Equipment, workspace_id: str) -> WorkspaceConfig:
    return settings_of_version(equipment, workspace_id, None)


def unusable(row: AllocationRow) -> str | None:
    """Why a recall cannot be asked again; None if it can."""
    if row.record.get("query") is None:
        return NO_QUESTION
    return NO_FILTERS if is_narrowed_by_unkept(row) else None


def _cut(one: Changed) -> Changed:
    return Changed(
        allocation_id=one.allocation_id,
        entering=one.entering[:MOST_IDS],
        leaving=one.leaving[:MOST_IDS],
    )


def _mean(pairs: Sequence[tuple[int, int]]) -> BeforeAfter:
    if not pairs:
        return BeforeAfter(before=None, after=None)
    return BeforeAfter(
        before=sum(before for before, _ in pairs) / len(pairs),
        after=sum(after for _, after in pairs) / len(pairs),
    )
