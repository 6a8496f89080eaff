"""One past recall taken apart: every memory in or out with what is known of it, and the prompt.

What was decided stands in the log. The log has neither the prompt nor the signals nor all that
stayed out, so the recall is asked again of the memories of then; where the two differ, the log is
what happened, and a note says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.core.model import MemoryTier, OmissionReason
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Candidate, Omitted
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.past.prompt_parts import PromptPart, parts_of
from mba_integrations.services.memory.past.replays import Grounds, arm_of_then, replayed
from mba_integrations.services.memory.recalling.arms import Arm
from mba_integrations.services.memory.recalling.asked import asked_in
from mba_integrations.services.store.rows.allocations import AllocationItem, AllocationRow
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState
from mba_integrations.services.store.statements import finding

MOST_OMITTED = 500
_REASONS: Mapping[str, str] = {
    OmissionReason.TIER_EXCLUDED: "the workspace gives its tier no tokens",
    OmissionReason.BELOW_THRESHOLD: "its score is below min_score",
    OmissionReason.BELOW_PRICE: "it is worth less than the price of its tokens",
    OmissionReason.TOO_LARGE: "it needs more tokens than it could have alone",
    OmissionReason.DUPLICATE: "an item that is in the prompt says the same",
    OmissionReason.OUTRANKED: "other items are worth more for its tokens",
}
_AS_THEN = "Asked again, the memories of then give the prompt that was sent."
_DIFFERS = (
    "Asked again, the choice is not quite that of then: {count} memories differ. What is in and "
    "out is as logged; the prompt and the signals are those of the choice that was made again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApartItem:
    """A memory, in or out.

    Attributes:
        memory_id: Which one.
        selected: Whether it is in the prompt.
        tier: Its tier; None where it is not known any more.
        tokens: What it costs; None where it was not counted.
        score: Its score.
        usefulness: How probably the answer needs it; None where scores are no probabilities.
        reason: Why it is not in the prompt; None if it is.
        reason_text: The reason as a sentence.
        signals: How strong what decided is, by kind.
        why: The same in words, which are those of texts.
        text: What it says, or said then; None where that is not known any more.
        present: Whether the memory is there and active now.
    """

    memory_id: str
    selected: bool
    tier: MemoryTier | None = None
    tokens: int | None = None
    score: float | None = None
    usefulness: float | None = None
    reason: str | None = None
    reason_text: str | None = None
    signals: Mapping[str, float] = field(default_factory=dict)
    why: tuple[str, ...] = ()
    text: str | None = None
    present: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """A past recall taken apart.

    Attributes:
        row: What the log has.
        again: The choice made again; None where it cannot be made.
        items: What was in the prompt in its order, then the best of what was not.
        parts: Of the prompt that was written again.
        notes: What the reader should know.
        arm: In which arm of an experiment the recall was; None where none ran.
    """

    row: AllocationRow
    again: Allocation | None
    items: tuple[ApartItem, ...]
    parts: tuple[PromptPart, ...]
    notes: tuple[str, ...]
    arm: Arm | None = None


def taken_apart(
    equipment: Equipment,
    workspace_id: str,
    row: AllocationRow,
    *,
    query: str | None = None,
    grounds: Grounds | None = None,
    only_prompt: bool = False,
) -> Apart:
    """Take a row with its items apart; see `Allocations.apart`.

    Args:
        equipment: What reads and chooses.
        workspace_id: Of which workspace.
        row: What the log has.
        query: The question, where the log has not kept it.
        grounds: What other rows that are looked at were chosen from.
        only_prompt: Whether what stayed out is left aside.
    """
    again, notes = _again(equipment, workspace_id, row, query, grounds)
    arm = arm_of_then(equipment, workspace_id, row)
    if arm is not None:
        notes.append(str(arm))
    items = list(_items(row, again, only_prompt))
    omitted = [one for one in items if not one.selected]
    if len(omitted) > MOST_OMITTED:
        items = items[: len(items) - len(omitted) + MOST_OMITTED]
    rest = sum(row.record["omission_reasons"].values()) - min(len(omitted), MOST_OMITTED)
    if rest > 0 and not only_prompt:
        notes.append(f"{rest:,} more stayed out, which are not shown.")
    return Apart(
        row=row,
        again=again,
        items=tuple(_beside(equipment, workspace_id, items)),
        parts=() if again is None else parts_of(again),
        notes=tuple(notes),
        arm=arm,
    )


def _again(
    equipment: Equipment,
    workspace_id: str,
    row: AllocationRow,
    query: str | None,
    grounds: Grounds | None,
) -> tuple[Allocation | None, list[str]]:
    notes = [f"Not followed: {one}." for one in asked_in(row.record).not_followed]
    try:
        again = replayed(
            *(equipment, workspace_id, row),
            query=query,
            changes={},
            budget_tokens=None,
            grounds=grounds,
        )
    except MemoryBudgetError as error:
        if query is not None:
            raise
        return None, [*notes, f"Only what the log has: {error}"]
    kept = {one.memory_id for one in row.items if one.selected}
    differing = kept ^ set(again.selected_ids)
    return again, [*notes, _DIFFERS.format(count=len(differing)) if differing else _AS_THEN]


def _items(row: AllocationRow, again: Allocation | None, only_prompt: bool) -> Iterator[ApartItem]:
    """What the log has, each with what the choice that was made again knows; then its others."""
    found: dict[str, Candidate] = {}
    if again is not None:
        best = () if only_prompt else again.decided.best_omitted(MOST_OMITTED)
        found = {one.id: one for one in (*again.selected, *best)}
    probable = again is not None and again.decided.grounds.matched is not None
    texts = row.record.get("texts") or []
    chosen = [one for one in row.items if one.selected]
    for place, logged in enumerate(chosen):
        item = _known(logged, found.pop(logged.memory_id, None), probable)
        kept = texts[place] if len(texts) == len(chosen) else item.text
        yield replace(item, text=kept)
    if only_prompt:
        return
    omitted = [
        _known(one, found.pop(one.memory_id, None), probable)
        for one in row.items
        if not one.selected
    ]
    others = (one for one in found.values() if isinstance(one, Omitted))
    omitted += [_known(_as_logged(one), one, probable) for one in others]
    yield from sorted(omitted, key=lambda one: -(one.score or 0.0))


def _as_logged(one: Omitted) -> AllocationItem:
    return AllocationItem(
        memory_id=one.id, selected=False, score=one.score, reason=one.reason.value
    )


def _known(logged: AllocationItem, found: Candidate | None, probable: bool) -> ApartItem:
    item = ApartItem(
        memory_id=logged.memory_id,
        selected=logged.selected,
        tokens=logged.tokens,
        score=logged.score,
        reason=logged.reason,
        reason_text=None if logged.reason is None else _REASONS.get(logged.reason),
    )
    if found is None:
        return item
    if isinstance(found, Omitted) and found.reason == logged.reason:
        item = replace(item, reason_text=found.detail)
    return replace(
        item,
        tier=found.tier,
        tokens=found.tokens if logged.tokens is None else logged.tokens,
        usefulness=found.score if probable else None,
        signals={one.kind.value: one.strength for one in found.signals},
        why=tuple(map(str, found.signals)),
        text=found.content,
    )


def _beside(
    equipment: Equipment, workspace_id: str, items: Sequence[ApartItem]
) -> Iterator[ApartItem]:
    """The items with what the store has of them now, where no more is known."""
    with equipment.read(workspace_id) as reading:
        rows = finding.find(reading, [one.memory_id for one in items])
    for item in items:
        row = rows.get(item.memory_id)
        yield item if row is None else _with_row(item, row)


def _with_row(item: ApartItem, row: MemoryRow) -> ApartItem:
    return replace(
        item,
        tier=item.tier or row.tier,
        text=row.content if item.text is None else item.text,
        present=row.state is MemoryState.ACTIVE,
    )
