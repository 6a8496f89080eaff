"""What the caller should know of a call: every sentence that goes into `Allocation.notes`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.times import seconds_of
from mba_integrations.core.turns.previous import Carried, PreviousPrompt
from mba_integrations.core.value.question import Asked

_NAMED = 3


def repair_notes(repaired: int) -> Iterator[str]:
    """That items were taken out because the prompt was over."""
    if repaired:
        yield (
            f"{repaired:,} items were taken out because the counted prompt was over "
            "the budget: this counter does not add up over lines."
        )


def counter_notes(counter: TokenCounter, model: str) -> Iterator[str]:
    """That the counter is not the model's own."""
    if not counter.exact:
        yield f"Counts are estimates: {counter.id} is not the tokenizer of {model!r}."


def future_notes(snapshot: PoolSnapshot, present: datetime) -> Iterator[str]:
    """That items are dated after the present."""
    seconds = seconds_of(present)
    if snapshot.latest_created_seconds > seconds:
        created = snapshot.columns.created_seconds
        future = np.flatnonzero(created > seconds)
        latest = snapshot.items[int(future[np.argmax(created[future])])]
        yield (
            f"{len(future):,} items have a created_at after now and count as new; the latest "
            f"is {latest.id!r} with {latest.created_at}."
        )


def vector_notes(snapshot: PoolSnapshot, asked: Asked) -> Iterator[str]:
    """That vectors count as missing: the question's, or those of items."""
    vectors = asked.vectors
    if asked.fault is not None:
        yield f"the query's embedding {asked.fault}; it counts as missing."
    if vectors is None:
        return
    if len(vectors.faulty):
        yield (
            f"{_counted(snapshot, vectors.faulty)} an embedding that is empty or not finite; it "
            "counts as missing."
        )
    if len(vectors.other_length):
        first = int(vectors.lengths[vectors.other_length[0]])
        yield (
            f"{_counted(snapshot, vectors.other_length)} an embedding of another length "
            f"({first:,} numbers, not {vectors.length:,}); it counts as missing. Embed all items "
            "with one model."
        )


def _counted(snapshot: PoolSnapshot, rows: IntArray) -> str:
    first = snapshot.items[int(rows[0])].id
    more = f" and {len(rows) - 1:,} more have" if len(rows) > 1 else " has"
    return f"item {first!r}{more}"


def ignored_notes(previous: PreviousPrompt, *, workspace_id: str, layout_id: str) -> Iterator[str]:
    """Why a previous prompt cannot be followed; nothing if it can."""
    if previous.workspace_id != workspace_id:
        yield (
            f"previous is an allocation of workspace {previous.workspace_id!r}, not "
            f"{workspace_id!r}; it is ignored."
        )
    elif previous.layout_id != layout_id:
        yield "previous was written by another layout; it is ignored."


def carried_notes(previous: PreviousPrompt, carried: Carried) -> Iterator[str]:
    """What is not carried over of a previous prompt that is followed."""
    if previous.items and not carried.rows and not carried.changed:
        yield "previous has no item that is a candidate now; it is ignored."
    if carried.changed:
        named = ", ".join(repr(item) for item in carried.changed[:_NAMED])
        more = f" and {len(carried.changed) - _NAMED} more" if len(carried.changed) > _NAMED else ""
        yield f"{named}{more}: text or tier is another than in previous, so it counts as new."
