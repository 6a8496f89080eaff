"""Past recalls of a workspace as records that are replayed without it.

Each is asked of the memories of then, and follows what its session's prompt before it was, which is
made again in turn. A record is given only where its decision comes out as it was: what was erased,
or brought by a caller, or changed without a trace since, leaves recalls that nothing can decide
again as they were. Those are counted, by reason.

Memory: a page of rows, what they were chosen from, and the last prompt of each session that goes
on.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from mba_integrations import PreviousPrompt
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.learning.replay.numbers.making import WithoutTexts
from mba_integrations.learning.replay.records import Decided, Feedback, ReplayRecord
from mba_integrations.learning.replay.replay import replayed_as
from mba_integrations.learning.replay.settings import config_of_then
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.past.replays import Grounds, settings_of_version
from mba_integrations.services.memory.past.trials import NOT_POSSIBLE, unusable
from mba_integrations.services.memory.recalling.arms import arm_key_of
from mba_integrations.services.memory.recalling.asked import (
    GIVEN_LAYOUT,
    GIVEN_VECTOR,
    PROMPT_BEFORE,
    asked_in,
)
from mba_integrations.services.memory.recalling.recall import query_vector_of
from mba_integrations.services.memory.workspaces import as_json
from mba_integrations.services.store.rows.allocations import (
    AllocationItem,
    AllocationRow,
    FeedbackRow,
)
from mba_integrations.services.store.statements.log import allocations

_PAGE = 200
_SESSIONS = 10_000
"""Sessions whose last prompt is kept; the one that went on longest ago goes first."""
_TURNS_BACK = 500
"""Turns that are made again for a session that began before the first record."""
OF_THE_CALLER = "vector_or_layout_of_the_caller"
BEFORE_UNKNOWN = "prompt_before_it_unknown"
NOT_AS_THEN = "not_as_then_any_more"


class Records:
    """The recalls of a time as records, the oldest first, with what they leave out.

    Args:
        equipment: What reads and chooses.
        workspace_id: Of which workspace.
        since: At this time or later; None for the first.
        until: Before this time; None for the last.
        texts: Whether they have texts; else numbers alone.

    Attributes:
        skipped: How many recalls gave no record so far, by reason.
    """

    def __init__(
        self,
        equipment: Equipment,
        workspace_id: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        texts: bool = True,
    ) -> None:
        self._equipment = equipment
        self._workspace_id = workspace_id
        self._span = (since, until)
        self._texts = texts
        self._without_texts = WithoutTexts()
        self._last: OrderedDict[str, PreviousPrompt | None] = OrderedDict()
        self._shared = _Shared()
        self._versions: dict[int | None, WorkspaceConfig] = {}
        self._written: dict[WorkspaceConfig, Mapping[str, Any]] = {}
        self.skipped: Counter[str] = Counter()

    def __iter__(self) -> Iterator[ReplayRecord]:
        """One record after the other, as they are made."""
        for page in self._pages():
            grounds = Grounds(self._equipment, self._workspace_id, [row for row, _ in page])
            for row, said in page:
                record = self._record(grounds, row, said)
                if isinstance(record, ReplayRecord):
                    yield record if self._texts else self._bare(record)
                else:
                    self.skipped[record] += 1

    def _pages(self) -> Iterator[list[tuple[AllocationRow, Sequence[FeedbackRow]]]]:
        since, until = self._span
        after = None
        while True:
            with self._equipment.read(self._workspace_id) as reading:
                rows = allocations.listed(
                    reading,
                    since=since,
                    until=until,
                    after=after,
                    limit=_PAGE,
                    oldest_first=True,
                )
                ids = [row.allocation_id for row in rows]
                items = allocations.items_of(reading, ids)
                said = allocations.feedback_on(reading, ids)
            if rows:
                yield [(_with_items(row, items), said.get(row.allocation_id, ())) for row in rows]
            if len(rows) < _PAGE:
                return
            after = (rows[-1].at, rows[-1].allocation_id)

    def _record(
        self, grounds: Grounds, row: AllocationRow, said: Sequence[FeedbackRow]
    ) -> ReplayRecord | str:
        """The record of a row, or why there is none."""
        made = self._made(grounds, row)
        if row.session_id is not None:
            self._keep(row.session_id, None if isinstance(made, str) else made[1].as_previous)
        return _with_feedback(made[0], said) if not isinstance(made, str) else made

    def _bare(self, record: ReplayRecord) -> ReplayRecord:
        """The record of numbers, counted by what counted then."""
        config = config_of_then(record.settings)
        self._equipment.settings.lend(config)
        counter = self._equipment.allocator.token_counter(config.workspace_id)
        return self._without_texts.of(record, token_counter=counter)

    def _keep(self, session_id: str, prompt: PreviousPrompt | None) -> None:
        self._last[session_id] = prompt
        self._last.move_to_end(session_id)
        if len(self._last) > _SESSIONS:
            self._last.popitem(last=False)

    def _made(self, grounds: Grounds, row: AllocationRow) -> tuple[ReplayRecord, Allocation] | str:
        reason = unusable(row)
        not_followed = asked_in(row.record).not_followed
        if reason is None and {GIVEN_VECTOR, GIVEN_LAYOUT} & set(not_followed):
            reason = OF_THE_CALLER
        if reason is not None:
            return reason
        previous = None
        if PROMPT_BEFORE in not_followed:
            previous = self._prompt_before(row)
            if previous is None:
                return BEFORE_UNKNOWN
        try:
            record = self._unsaid(grounds, row, previous)
            allocation = grounds.chosen(
                row,
                self._config_of(row),
                budget_tokens=record.budget_tokens if record.budget_given else None,
                previous=previous,
            )
        except MemoryBudgetError:
            return NOT_POSSIBLE
        is_as_then = replayed_as(row.allocation_id, allocation).is_as_then(record)
        return (record, allocation) if is_as_then else NOT_AS_THEN

    def _prompt_before(self, row: AllocationRow) -> PreviousPrompt | None:
        """What the session's prompt before a row was; None where it cannot be made again."""
        session_id = row.session_id or ""
        if session_id not in self._last:
            turns = self._turns_before(row)
            grounds = Grounds(self._equipment, self._workspace_id, turns)
            for turn in turns:
                self._record(grounds, turn, ())
        return self._last.get(session_id)

    def _turns_before(self, row: AllocationRow) -> list[AllocationRow]:
        """The turns of a row's session from one that followed nothing to the one before it."""
        with self._equipment.read(self._workspace_id) as reading:
            rows = allocations.listed(
                reading,
                session_id=row.session_id,
                after=(row.at, row.allocation_id),
                limit=_TURNS_BACK,
            )
            turns: list[AllocationRow] = []
            for turn in rows:
                turns.append(turn)
                if PROMPT_BEFORE not in asked_in(turn.record).not_followed:
                    break
            else:
                return []
            items = allocations.items_of(reading, [turn.allocation_id for turn in turns])
        return [_with_items(turn, items) for turn in reversed(turns)]

    def _unsaid(
        self, grounds: Grounds, row: AllocationRow, previous: PreviousPrompt | None
    ) -> ReplayRecord:
        """The record of a row, without feedback."""
        asked = asked_in(row.record)
        request, candidates = grounds.of(row)
        vector = query_vector_of(self._equipment, request, candidates.model_id)
        return ReplayRecord(
            allocation_id=row.allocation_id,
            workspace_id=self._workspace_id,
            at=row.at,
            settings=self._settings_of(row),
            decided=_decided(row),
            budget_tokens=row.record["budget_tokens"],
            budget_given=asked.budget_given,
            reserved_tokens=asked.reserved_tokens,
            session_id=row.session_id,
            query=request.query,
            query_embedding=None if vector is None else np.asarray(vector),
            candidates=self._shared.items_of(candidates.pool),
            previous=None if previous is None else previous.to_dict(),
        )

    def _settings_of(self, row: AllocationRow) -> Mapping[str, Any]:
        config = self._config_of(row)
        known = self._written.get(config)
        if known is None:
            known = self._written[config] = as_json(config)
        return known

    def _config_of(self, row: AllocationRow) -> WorkspaceConfig:
        """The settings that a recall was decided under, those of its arm."""
        version = row.settings_version
        known = self._versions.get(version)
        if known is None:
            known = settings_of_version(self._equipment, self._workspace_id, version)
            self._versions[version] = known
        return known.dealt(arm_key_of(row))


class _Shared:
    """The items of the pools that were met last, the same objects for the same pool."""

    _most = 8

    def __init__(self) -> None:
        self._known: dict[int, tuple[MemoryPool, tuple[MemoryItem, ...]]] = {}

    def items_of(self, pool: MemoryPool) -> tuple[MemoryItem, ...]:
        known = self._known.get(id(pool))
        if known is None or known[0] is not pool or len(known[1]) != len(pool):
            known = self._known[id(pool)] = pool, tuple(pool)
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]
        return known[1]


def _with_items(
    row: AllocationRow, items: Mapping[str, tuple[AllocationItem, ...]]
) -> AllocationRow:
    return replace(row, items=items.get(row.allocation_id, ()))


def _with_feedback(record: ReplayRecord, said: Sequence[FeedbackRow]) -> ReplayRecord:
    feedback = tuple(
        Feedback(
            memory_id=one.memory_id,
            useful=one.useful,
            origin=one.origin.value,
            weight=one.weight,
        )
        for one in said
    )
    return replace(record, feedback=feedback) if feedback else record


def _decided(row: AllocationRow) -> Decided:
    return Decided(
        tokens={one.memory_id: one.tokens for one in row.items if one.selected},
        used_tokens=row.record["used_tokens"],
        counter_id=row.record["counter_id"],
        tier_tokens={
            MemoryTier(tier): one["used_tokens"] for tier, one in row.record["tiers"].items()
        },
        reasons={one.memory_id: one.reason or "" for one in row.items if not one.selected},
    )
