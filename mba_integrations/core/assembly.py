"""Put the selected items in order and write the prompt.

Sections stand in the workspace's order, each with its heading; a tier without a selected item has
no section. The prompt is the plain concatenation of headings and lines, so its tokens are the sum
of theirs wherever the tokenizer allows; the caller counts the whole once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.rendering import Renderer
from mba_integrations.core.settings import ItemOrder, PromptFormat
from mba_integrations.core.snapshot import PoolSnapshot
from mba_integrations.core.token_counting import TokenCounter, checked_count

# OpenAI's chat format, as its cookbook and langchain-openai count it: three tokens frame each
# message, and three more prime the reply.
MESSAGE_FRAME_TOKENS = 3
REPLY_FRAME_TOKENS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A rendered prompt.

    Attributes:
        text: All sections; empty if nothing is selected.
        messages: The same as chat messages.
        rows: The selected rows in the order in which they stand in the prompt, shape (m,).
    """

    text: str
    messages: tuple[dict[str, str], ...]
    rows: IntArray


@dataclass(frozen=True, slots=True)
class _Shown:
    """Items by row, some of them replaced."""

    items: Sequence[MemoryItem]
    instead: Mapping[int, MemoryItem]

    def __getitem__(self, row: int) -> MemoryItem:
        return self.instead.get(row) or self.items[row]


def assemble(
    snapshot: PoolSnapshot,
    rows: IntArray,
    *,
    value: FloatArray,
    renderer: Renderer,
    kept: tuple[int, ...] = (),
    shown: Mapping[int, MemoryItem] | None = None,
) -> Prompt:
    """Render the selected rows.

    Args:
        snapshot: The items.
        rows: Rows to render, ascending, shape (m,).
        value: Value of every row of the snapshot, shape (n,), for orders that go by it.
        renderer: Writes headings and lines.
        kept: Rows of the previous prompt in their order there. Those that are selected again come
            first in their section, in that order.
        shown: What is rendered in place of the item of a row, such as a passage of it.
    """
    items = _Shown(snapshot.items, shown or {})
    parts: list[str] = []
    messages: list[dict[str, str]] = []
    ordered: list[int] = []
    tiers = snapshot.columns.tier[rows]
    for tier in renderer.settings.section_order:
        own = rows[tiers == list(MemoryTier).index(tier)]
        if not len(own):
            continue
        section = _ordered(snapshot, own, value, renderer.settings.order_of(tier))
        section = _kept_first(section, kept)
        ordered.extend(section)
        spoken = [row for row in section if renderer.role(items[row])]
        listed = [row for row in section if row not in set(spoken)] if spoken else section
        if listed:
            text = _section(items, listed, tier, renderer)
            parts.append(text)
            messages.append({"role": "system", "content": text})
        parts.extend(renderer.line(items[row]) for row in spoken)
        messages.extend(renderer.message(items[row]) for row in spoken)
    text = "".join(parts)
    if renderer.settings.format is not PromptFormat.MESSAGES and text:
        messages = [{"role": "system", "content": text}]
    return Prompt(text=text, messages=tuple(messages), rows=np.array(ordered, dtype=np.int64))


def message_tokens(messages: Iterable[dict[str, str]], counter: TokenCounter) -> int:
    """Tokens of chat messages with their framing; 0 for none."""
    counted = [
        MESSAGE_FRAME_TOKENS
        + checked_count(counter, message["role"])
        + checked_count(counter, message["content"])
        for message in messages
    ]
    return sum(counted) + REPLY_FRAME_TOKENS if counted else 0


def _section(items: _Shown, rows: Iterable[int], tier: MemoryTier, renderer: Renderer) -> str:
    lines = (renderer.line(items[row]) for row in rows)
    return renderer.opening(tier) + "".join(lines) + renderer.closing(tier)


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
