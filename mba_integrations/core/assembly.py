"""Put the selected items in order and write the prompt.

Sections stand in the layout's order; a tier without a selected item has no section. How a section
is written is the layout's job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.prompt_layout import PromptLayout, Section, WrittenPrompt
from mba_integrations.core.settings import ItemOrder
from mba_integrations.core.snapshot import PoolSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A written prompt.

    Attributes:
        written: The text and the messages; empty if nothing is selected.
        rows: The selected rows in the order in which they stand in the prompt, shape (m,).
    """

    written: WrittenPrompt
    rows: IntArray


def assemble(
    snapshot: PoolSnapshot,
    rows: IntArray,
    *,
    value: FloatArray,
    layout: PromptLayout,
    kept: tuple[int, ...] = (),
    shown: Mapping[int, MemoryItem] | None = None,
) -> Prompt:
    """Write the selected rows.

    Args:
        snapshot: The items.
        rows: Rows to write, ascending, shape (m,).
        value: Value of every row of the snapshot, shape (n,), for orders that go by it.
        layout: Writes sections.
        kept: Rows of the previous prompt in their order there. Those that are selected again come
            first in their section, in that order.
        shown: What is written in place of the item of a row, such as a passage of it.
    """
    instead = shown or {}
    sections: list[Section] = []
    ordered: list[int] = []
    tiers = snapshot.columns.tier[rows]
    for tier in layout.section_order:
        own = rows[tiers == list(MemoryTier).index(tier)]
        if not len(own):
            continue
        section = _ordered(snapshot, own, value, layout.order_of(tier))
        section = _kept_first(section, kept)
        ordered.extend(section)
        sections.append((tier, [instead.get(row) or snapshot.items[row] for row in section]))
    written = layout.write(sections)
    return Prompt(written=written, rows=np.array(ordered, dtype=np.int64))


def _ordered(
    snapshot: PoolSnapshot, rows: IntArray, value: FloatArray, order: ItemOrder
) -> list[int]:
    if order is ItemOrder.INPUT:
        return [int(row) for row in rows]
    if order is ItemOrder.CHRONOLOGICAL:
        return _chronological(snapshot, rows)
    best_first = [int(row) for row in rows[np.argsort(-value[rows], kind="stable")]]
    return best_first if order is ItemOrder.VALUE else _best_at_ends(best_first)


def _kept_first(section: list[int], kept: tuple[int, ...]) -> list[int]:
    """Rows of the previous prompt first, in their order there.

    >>> _kept_first([1, 2, 3, 4], (3, 9, 1))
    [3, 1, 2, 4]
    """
    if not kept:
        return section
    place = {row: index for index, row in enumerate(kept)}
    return sorted(section, key=lambda row: place.get(row, len(kept)))


def _best_at_ends(best_first: list[int]) -> list[int]:
    """The best first, the second best last, and so on inwards.

    >>> _best_at_ends([1, 2, 3, 4, 5])
    [1, 3, 5, 4, 2]
    """
    return best_first[0::2] + best_first[1::2][::-1]


def _chronological(snapshot: PoolSnapshot, rows: IntArray) -> list[int]:
    """By time, source, position, input; an item without a time has that of the item before."""
    columns = snapshot.columns
    seconds = columns.created_seconds[rows].copy()
    latest = -np.inf
    for place, time in enumerate(seconds):
        latest = latest if np.isnan(time) else time
        seconds[place] = latest
    position = np.nan_to_num(columns.position[rows], nan=np.inf)
    order = np.lexsort((rows, position, columns.source[rows], seconds))
    return [int(row) for row in rows[order]]
