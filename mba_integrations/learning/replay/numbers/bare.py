"""What stands for texts: items, the prompt before, lines and a counter of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.dating import dated, is_dated
from mba_integrations.core.selection.duplicates import overlapping
from mba_integrations.core.selection.passages.parts import may_be_shortened
from mba_integrations.core.turns.previous import PreviousItem, PreviousPrompt, digest_of

_GONE = b"\0" * 12
"""Digest of a text that is another now."""


def stand_in(row: int) -> str:
    """What stands for the text of a candidate."""
    return f"k{row}"


@dataclass(frozen=True)
class LineCounter:
    """Counts prompts of stand-ins: each line has the tokens of the one that it stands for.

    Attributes:
        id: That of the counter of then.
        exact: Likewise.
        lines: Tokens by line.
    """

    id: str
    exact: bool
    lines: Mapping[str, int]

    def count(self, text: str, /) -> int:
        """Tokens of whole lines."""
        return sum(self.lines.get(line, 0) for line in text.splitlines(keepends=True))

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        """Tokens of each."""
        return [self.count(text) for text in texts]


def bare_items(candidates: Sequence[MemoryItem]) -> tuple[MemoryItem, ...]:
    """The candidates with numbers in place of all that somebody wrote."""
    sources: dict[str | None, str | None] = {None: None}
    groups: dict[str | None, str | None] = {None: None}
    return tuple(
        MemoryItem(
            item.id,
            stand_in(row),
            item.tier,
            importance=item.importance,
            created_at=item.created_at,
            source=sources.setdefault(item.source, f"s{len(sources)}"),
            position=item.position,
            group=groups.setdefault(item.group, f"g{len(groups)}"),
            pinned=item.pinned,
            metadata={"role": item.metadata["role"]} if _has_role(item) else {},
        )
        for row, item in enumerate(candidates)
    )


_ROLES = frozenset({"user", "assistant", "system", "tool", "human", "ai", "function", "developer"})


def _has_role(item: MemoryItem) -> bool:
    return isinstance(item.metadata.get("role"), str) and item.metadata["role"] in _ROLES


def bare_previous(
    previous: PreviousPrompt,
    candidates: Mapping[str, tuple[int, MemoryItem]],
    bare: Sequence[MemoryItem],
    layout: Renderer,
) -> PreviousPrompt:
    """The prompt before with the stand-ins of its items."""
    items: list[PreviousItem] = []
    sections: list[tuple[MemoryTier, list[MemoryItem]]] = []
    for place, before in enumerate(previous.items):
        row, item = candidates.get(before.id, (-1, None))
        own = MemoryItem(before.id, f"x{place}", before.tier) if item is None else bare[row]
        digest = digest_of(own.content) if item is not None and before.is_still(item) else _GONE
        passage = before.passage
        if passage is not None:
            whole = item is not None and is_dated(passage, item)
            passage = dated(own).content if whole else passage_of_before(row)
        items.append(replace(before, digest=digest, passage=passage))
        shown = own if passage is None else replace(own, content=passage)
        if digest is _GONE and item is not None:
            shown = replace(own, content=f"x{place}")
        if before.opens or not sections or sections[-1][0] is not before.tier:
            sections.append((before.tier, []))
        sections[-1][1].append(replace(shown, tier=before.tier))
    return replace(previous, text=layout.write(sections).text, items=tuple(items), breaks=())


def passage_name(row: int) -> str:
    """What stands for the passage of a candidate."""
    return f"p{row}"


def passage_of_before(row: int) -> str:
    """What stands for the passage of it that the prompt before had."""
    return f"b{row}"


def lines_of(
    layout: Renderer,
    bare: Sequence[MemoryItem],
    tokens: Sequence[int],
    openings: Mapping[str, Sequence[int]],
) -> dict[str, int]:
    """Tokens of the lines that every prompt of stand-ins may have.

    Args:
        layout: Writes them.
        bare: The stand-ins.
        tokens: Of their lines.
        openings: Of the lines before and after a section, by tier.
    """
    lines = {layout.line(item): size for item, size in zip(bare, tokens, strict=True)}
    for name, (before, after) in openings.items():
        tier = MemoryTier(name)
        lines[layout.opening(tier)] = before
        if layout.closing(tier):
            lines[layout.closing(tier)] = after
    return lines


def more_lines(
    layout: Renderer, bare: Sequence[MemoryItem], more: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    """Tokens of the lines that only one record's prompts may have.

    Args:
        layout: Writes them.
        bare: The stand-ins.
        more: Tokens of other texts at some rows, by row and text.
    """
    return {
        layout.line(replace(bare[int(row)], content=text)): size
        for row, texts in more.items()
        for text, size in texts.items()
    }


def openings_of(layout: Renderer, counter: TokenCounter) -> dict[str, list[int]]:
    """Tokens before and after a section, by tier."""
    return {
        tier.value: [counter.count(layout.opening(tier)), counter.count(layout.closing(tier))]
        for tier in MemoryTier
    }


def overlaps_of(snapshot: PoolSnapshot, threshold: float | None) -> list[list[float]]:
    """Which two texts say the same, by row, and how much of it."""
    if threshold is None:
        return []
    return [[one, other, part] for (one, other), part in overlapping(snapshot, threshold).items()]


def may_be_passages(snapshot: PoolSnapshot, tokens: IntArray, least: int | None) -> bool:
    """Whether an item is so long that it may come in as a passage."""
    if least is None:
        return False
    long = np.flatnonzero(tokens >= least)
    return any(may_be_shortened(snapshot, int(row)) for row in long)
