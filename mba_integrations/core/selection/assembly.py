"""Put the selected items in order and write the prompt.

Sections stand in the layout's order; a tier without a selected item has no section. How a section
is written is the layout's job.

A prompt that follows another one has two parts. The beginning stands as it stood before, byte for
byte. What is new follows it: first of the tier that the beginning ends in, under its heading, then
of the other tiers in the layout's order, each under a heading of its own, though that heading may
stand in the beginning already. Items whose text changes from turn to turn stand last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.layout.protocol import PromptLayout, WrittenPrompt
from mba_integrations.core.layout.tables import side_by_side, table_head
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.continuation import NOTHING_BEFORE, Continuation


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A written prompt.

    Attributes:
        written: The text and the messages; empty if nothing is selected.
        rows: The selected rows in the order in which they stand in the prompt, shape (m,).
        opens: Which of them have a heading before them, shape (m,).
        steady_characters: Where in the text the items begin that stand last because they change.
    """

    written: WrittenPrompt
    rows: IntArray
    opens: BoolArray
    steady_characters: int


def assemble(
    snapshot: PoolSnapshot,
    rows: IntArray,
    *,
    value: FloatArray,
    layout: PromptLayout,
    after: Continuation = NOTHING_BEFORE,
    shown: Mapping[int, MemoryItem] | None = None,
) -> Prompt:
    """Write the selected rows.

    Args:
        snapshot: The items.
        rows: Rows to write, ascending, shape (m,).
        value: Value of every row of the snapshot, shape (n,), for orders that go by it.
        layout: Writes sections.
        after: What the prompt follows.
        shown: What is written in place of the item of a row, such as a passage of it.
    """
    runs = _beginning(snapshot, rows, after)
    rest = rows if not runs else np.setdiff1d(rows, [row for _, run in runs for row in run])
    last = np.isin(rest, list(after.changing)) if after.changing else np.zeros(len(rest), bool)
    _append(runs, snapshot, rest[~last], value, layout, after.ahead)
    steady = _written(runs, snapshot, layout, shown or {})
    written = steady
    if last.any():
        _append(runs, snapshot, rest[last], value, layout, after.ahead)
        written = _written(runs, snapshot, layout, shown or {})
    ordered = [row for _, run in runs for row in run]
    opens = [place == 0 for _, run in runs for place in range(len(run))]
    return Prompt(
        written=written,
        rows=np.array(ordered, dtype=np.int64),
        opens=np.array(opens, dtype=bool),
        steady_characters=reused_beginning(steady.text, written.text),
    )


def _written(
    runs: list[tuple[MemoryTier, list[int]]],
    snapshot: PoolSnapshot,
    layout: PromptLayout,
    shown: Mapping[int, MemoryItem],
) -> WrittenPrompt:
    return layout.write(
        [(tier, [shown.get(row) or snapshot.items[row] for row in run]) for tier, run in runs]
    )


def _beginning(
    snapshot: PoolSnapshot, rows: IntArray, after: Continuation
) -> list[tuple[MemoryTier, list[int]]]:
    """The beginning as sections, without what is not selected."""
    runs: list[tuple[MemoryTier, list[int]]] = []
    selected = set(rows.tolist()) if after.beginning else set()
    for row, opens in zip(after.beginning, after.opens, strict=True):
        tier = snapshot.items[row].tier
        if row not in selected:
            continue
        if opens or not runs or runs[-1][0] is not tier:
            runs.append((tier, []))
        runs[-1][1].append(row)
    return runs


def _append(
    runs: list[tuple[MemoryTier, list[int]]],
    snapshot: PoolSnapshot,
    rows: IntArray,
    value: FloatArray,
    layout: PromptLayout,
    ahead: tuple[int, ...],
) -> None:
    """Add rows to the sections: to the last one if it is of their tier, else in new ones."""
    tiers = snapshot.columns.tier[rows]
    open_tier = runs[-1][0] if runs else None
    for tier in sorted(layout.section_order, key=lambda tier: tier is not open_tier):
        own = rows[tiers == tier.code]
        if not len(own):
            continue
        section = _ordered(snapshot, own, value, layout.order_of(tier), ahead)
        if tier is open_tier:
            runs[-1][1].extend(section)
        else:
            runs.append((tier, section))


def _ordered(
    snapshot: PoolSnapshot,
    rows: IntArray,
    value: FloatArray,
    order: ItemOrder,
    ahead: tuple[int, ...],
) -> list[int]:
    if order is ItemOrder.CHRONOLOGICAL:
        return [int(row) for row in rows[chronological_order(snapshot, rows)]]
    if order is ItemOrder.INPUT:
        return _ahead_first([int(row) for row in rows], ahead)
    best_first = _tables_whole(snapshot, rows[np.argsort(-value[rows], kind="stable")].tolist())
    return (
        _ahead_first(best_first, ahead) if order is ItemOrder.VALUE else _best_at_ends(best_first)
    )


def _tables_whole(snapshot: PoolSnapshot, rows: list[int]) -> list[int]:
    """Rows of items in which parts of one table of a source stand side by side, best first."""
    items = [snapshot.items[row] for row in rows]
    heads = [(item.source, table_head(item.content)) for item in items]
    return side_by_side(rows, [head if head[1] else None for head in heads])


def _ahead_first(section: list[int], ahead: tuple[int, ...]) -> list[int]:
    """Rows that go ahead of new ones first, in their order.

    >>> _ahead_first([1, 2, 3, 4], (3, 9, 1))
    [3, 1, 2, 4]
    """
    if not ahead:
        return section
    place = {row: index for index, row in enumerate(ahead)}
    return sorted(section, key=lambda row: place.get(row, len(ahead)))


def _best_at_ends(best_first: list[int]) -> list[int]:
    """The best first, the second best last, and so on inwards.

    >>> _best_at_ends([1, 2, 3, 4, 5])
    [1, 3, 5, 4, 2]
    """
    return best_first[0::2] + best_first[1::2][::-1]


def chronological_order(snapshot: PoolSnapshot, rows: IntArray) -> IntArray:
    """Places that put *rows*, ascending, in order by time, source, position, input.

    An item without a time has that of the item before it.
    """
    columns = snapshot.columns
    seconds = columns.created_seconds[rows]
    known = np.where(np.isnan(seconds), -1, np.arange(len(rows)))
    latest = np.maximum.accumulate(known) if len(rows) else known
    seconds = np.where(latest < 0, -np.inf, seconds[latest])
    position = np.nan_to_num(columns.position[rows], nan=np.inf)
    return np.lexsort((rows, position, columns.source[rows], seconds))


def common_beginning(left: str, right: str) -> int:
    """How many characters two texts have in common from their beginning.

    >>> common_beginning("one two", "one three")
    5
    """
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def reused_beginning(previous: str, text: str) -> int:
    """Characters of *text* that a cache can take from *previous*: whole lines, or all of it."""
    common = common_beginning(previous, text)
    whole = common == len(previous) or common == len(text)
    return common if whole else text.rfind("\n", 0, common) + 1
