"""Recall: the memories for a question, chosen within the budget, and what the call leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.log.records import AllocationRecord
from mba_integrations.core.model import REASONS
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.recalling.arms import arm_key
from mba_integrations.services.memory.recalling.asked import written_asked
from mba_integrations.services.memory.recalling.call_figures import Spent, figures_of_call
from mba_integrations.services.memory.recalling.candidates import Candidates, candidates_for
from mba_integrations.services.memory.recalling.reply import RecallReply
from mba_integrations.services.memory.recalling.request import RecallRequest
from mba_integrations.services.memory.recalling.trail import Trace
from mba_integrations.services.memory.recalling.whole_reply import Written, fitting_reply
from mba_integrations.services.memory.tracing.traces import CONSIDERED
from mba_integrations.services.store.rows.allocations import ASKED, AllocationItem, AllocationRow
from mba_integrations.services.store.statements.records import hash_of

LOGGED_OMISSIONS = 50
"""Of each call, the best of what stayed out; with all of 100,000 the log outgrows the memories."""
_NO_MEMORIES = "There are no memories to choose from."


def recall(
    equipment: Equipment,
    request: RecallRequest,
    written: Written | None = None,
    *,
    around: int = 0,
) -> RecallReply:
    """Choose; see `MemoryService.recall`."""
    now, spent = equipment.clock(), Spent(equipment.traces)
    checked = request.checked(now)
    with spent.on("load"):
        candidates = _dealt(candidates_for(equipment, checked, now), checked)

    def recalled(budget_tokens: int | None) -> RecallReply:
        asked = replace(checked, budget_tokens=budget_tokens)
        return _reply(equipment, asked, candidates, now, spent)

    budget = checked.budget_tokens
    if written is None:
        reply = recalled(budget)
    else:
        reply = fitting_reply(budget, recalled, written, around=around)
    record = equipment.records.take()
    if checked.as_of is None:
        equipment.trail.leave(_trace(checked, candidates, reply, record, now, spent))
    return reply


def _dealt(candidates: Candidates, request: RecallRequest) -> Candidates:
    """The candidates with the settings of the session's arm, where an experiment runs."""
    if candidates.config.experiment is None:
        return candidates
    key = arm_key(request.session_id, request.query)
    return replace(candidates, config=candidates.config.dealt(key))


def _reply(
    equipment: Equipment,
    request: RecallRequest,
    candidates: Candidates,
    now: datetime,
    spent: Spent,
) -> RecallReply:
    allocation = allocate(equipment, request, candidates, now, spent)
    return RecallReply(
        allocation=allocation,
        allocation_id=new_id(now),
        change_seq=candidates.change_seq,
        not_considered=candidates.not_considered,
        session_id=request.session_id,
        notes=(*allocation.notes, *candidates.notes, *(() if candidates.pool else (_NO_MEMORIES,))),
    )


def allocate(
    equipment: Equipment,
    request: RecallRequest,
    candidates: Candidates,
    now: datetime,
    spent: Spent | None = None,
) -> Allocation:
    """The allocator's choice among the candidates, by the settings that they have."""
    with (spent or Spent()).on("embed"):
        vector = query_vector_of(equipment, request, candidates.model_id)
    considered = {CONSIDERED: len(candidates.pool)}
    with (
        equipment.settings.lent(candidates.config),
        equipment.traces.span("allocate", considered),
    ):
        return equipment.allocator.allocate_memory_budget(
            request.query,
            candidates.pool,
            request.workspace_id,
            request.budget_tokens,
            vector,
            request.as_of or now,
            candidates.previous,
            reserved_tokens=request.reserved_tokens,
            layout=request.layout,
        )


def query_vector_of(
    equipment: Equipment, request: RecallRequest, model_id: str | None
) -> Sequence[float] | FloatArray | None:
    """The vector of what is asked: the caller's, else that of the model; None for none."""
    if request.query_embedding is not None:
        return request.query_embedding
    return equipment.models.query_vector(model_id, request.query)


def _trace(
    request: RecallRequest,
    candidates: Candidates,
    reply: RecallReply,
    record: AllocationRecord | None,
    now: datetime,
    spent: Spent,
) -> Trace:
    used = reply.allocation.selected_ids if request.record_access else ()
    row = None
    if record is not None:
        kept = written_asked(
            request,
            with_texts=record.query is not None,
            followed=candidates.previous is not None,
        )
        settings, ms = candidates.settings_version, spent.ended()
        row = partial(_row, reply, record, kept, settings, now, ms)
    return Trace(
        workspace_id=request.workspace_id,
        change_seq=candidates.change_seq,
        session_id=request.session_id,
        previous=None if request.session_id is None else reply.allocation.as_previous,
        used=used,
        row=row,
    )


def _row(
    reply: RecallReply,
    record: AllocationRecord,
    asked: dict[str, Any],
    settings_version: int,
    now: datetime,
    spent_ms: Mapping[str, float],
) -> AllocationRow:
    return AllocationRow(
        allocation_id=reply.allocation_id,
        at=now,
        record=record.to_dict() | ({ASKED: asked} if asked else {}),
        session_id=reply.session_id,
        settings_version=settings_version,
        core_version=_release(),
        change_seq=reply.change_seq,
        prefix_hash=reply.allocation.prefix_hash,
        stable_prefix_tokens=reply.allocation.stable_prefix_tokens,
        query_hash=hash_of(reply.allocation.query),
        figures=figures_of_call(reply, spent_ms),
        items=(*_selected(reply.allocation), *_best_omitted(reply.allocation)),
    )


@cache
def _release() -> str | None:
    """Version of the package; None where it runs from a folder and is not installed."""
    try:
        return version("mba-integrations")
    except PackageNotFoundError:
        return None


def _selected(allocation: Allocation) -> list[AllocationItem]:
    # Read from the columns: what else `selected` says of an item takes as long as a search.
    decided = allocation.decided
    tokens = decided.problem.tokens.of(decided.rows).tolist()
    scores = decided.signals.score[decided.rows].tolist()
    return [
        AllocationItem(memory_id=decided.item(row).id, selected=True, tokens=size, score=score)
        for row, size, score in zip(decided.rows.tolist(), tokens, scores, strict=True)
    ]


def _best_omitted(allocation: Allocation) -> list[AllocationItem]:
    decided = allocation.decided
    score = decided.signals.score.copy()
    score[decided.rows] = -np.inf
    count = min(LOGGED_OMISSIONS, len(score) - len(decided.rows))
    best = np.argpartition(-score, count - 1)[:count] if count else np.zeros(0, dtype=np.int64)
    return [
        AllocationItem(
            memory_id=decided.item(row).id,
            selected=False,
            score=float(score[row]),
            reason=REASONS[decided.reasons[row]].value,
        )
        for row in best[np.argsort(-score[best], kind="stable")].tolist()
    ]
