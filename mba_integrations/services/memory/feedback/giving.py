"""Judge the memories of a past prompt and keep what comes of it; the answer itself is not kept.

What the prompt had and the texts are read first, and judged without a lock. What is written is of
memories that the log still has: what was erased in between is not written back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.feedback.judging import (
    Judgement,
    by_citations,
    by_overlap,
    by_thumbs,
)
from mba_integrations.services.memory.feedback.request import FeedbackRequest
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.past.allocations import logged, selected_ids
from mba_integrations.services.memory.past.replays import question_of
from mba_integrations.services.store.rows.allocations import AllocationRow, FeedbackRow
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import finding, workspaces
from mba_integrations.services.store.statements.log import allocations


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackReply:
    """What was kept.

    Attributes:
        allocation_id: Of which recall.
        rows: A row for each memory and origin; that on the whole prompt has no memory.
        not_in_prompt: Ids that the answer cited and that were not in the prompt.
        notes: What the caller should know.
    """

    allocation_id: str
    rows: tuple[FeedbackRow, ...]
    not_in_prompt: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    judgements: Sequence[Judgement]
    not_in_prompt: tuple[str, ...]
    notes: tuple[str, ...]


def give_feedback(
    equipment: Equipment,
    workspace_id: str,
    allocation_id: str,
    request: FeedbackRequest,
    *,
    once: Once | None,
) -> FeedbackReply:
    """Keep what is said of a past recall; see `MemoryService.feedback`."""
    equipment.trail.flush()
    with equipment.read(workspace_id) as reading:
        workspaces.get(reading)
        judged = _judged(reading, logged(reading, allocation_id), request)
    return equipment.write(workspace_id, partial(_kept, allocation_id, judged), once=once)


def _judged(reading: Reading, row: AllocationRow, request: FeedbackRequest) -> _Judged:
    prompt = selected_ids(row)
    _check_thumbs(row, prompt, request)
    if request.reads_answer:
        _check_kept(row, prompt)
    cited = request.cited or ()
    seen = [one for one in prompt if request.seen is None or one in request.seen]
    told, notes = _by_answer(reading, row, seen, request)
    return _Judged(
        judgements=[
            *by_citations(seen, cited),
            *told,
            *by_thumbs(request.whole, request.thumbs),
        ],
        not_in_prompt=tuple(one for one in cited if one not in seen),
        notes=notes,
    )


def _by_answer(
    reading: Reading, row: AllocationRow, seen: Sequence[str], request: FeedbackRequest
) -> tuple[list[Judgement], tuple[str, ...]]:
    """What the words of the answer say, and of how many memories they cannot say anything."""
    if request.answer is None:
        return [], ()
    question = question_of(row, request.query)
    rows = finding.find(reading, seen)
    texts = {one: rows[one].content for one in seen if one in rows}
    missing = len(seen) - len(texts)
    note = f"The store has no text of {missing:,} of the prompt's {len(seen):,} memories."
    return by_overlap(texts, request.answer, question), (note,) if missing else ()


def _check_thumbs(row: AllocationRow, prompt: Sequence[str], request: FeedbackRequest) -> None:
    known = set(prompt)
    strange = [one for one in request.thumbs if one not in known]
    if strange:
        raise InputError(
            f"memory {strange[0]!r} was not in the prompt of allocation {row.allocation_id!r}. "
            "A thumb is for a memory that was in it."
        )


def _check_kept(row: AllocationRow, prompt: Sequence[str]) -> None:
    if not prompt and row.record.get("selected_count"):
        raise InputError(
            f"the log has not kept what was in the prompt of allocation {row.allocation_id!r}. "
            "A thumb on the whole of it can still be given."
        )


def _kept(allocation_id: str, judged: _Judged, writing: Writing) -> FeedbackReply:
    there = {None, *selected_ids(logged(writing, allocation_id))}
    rows = tuple(
        FeedbackRow(
            allocation_id=allocation_id,
            memory_id=one.memory_id,
            origin=one.origin,
            useful=one.useful,
            weight=one.weight,
            at=writing.at,
        )
        for one in judged.judgements
        if one.memory_id in there
    )
    allocations.add_feedback(writing, rows)
    return FeedbackReply(
        allocation_id=allocation_id,
        rows=rows,
        not_in_prompt=judged.not_in_prompt,
        notes=judged.notes,
    )
