"""Which part of a prompt is a heading, which is which memory.

    ## Documents\\n         heading   rag
    - Kate skis.\\n         item      rag   a
    - Tom swims.\\n         item      rag   b

The parts stand in order and leave nothing out; places are code points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.result.allocation import Allocation

Kind = Literal["heading", "item", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPart:
    """A part of a prompt.

    Attributes:
        kind: What it is.
        tier: Of which tier; None for what is of none.
        memory_id: Of which memory; None for what is of none.
        start: Where it begins.
        end: Where the next one begins.
    """

    kind: Kind
    start: int
    end: int
    tier: MemoryTier | None = None
    memory_id: str | None = None


def parts_of(allocation: Allocation) -> tuple[PromptPart, ...]:
    """The parts of an allocation's prompt; none of a layout that is not the library's own."""
    layout = allocation.decided.problem.layout
    if not isinstance(layout, Renderer):
        return ()
    parts: list[PromptPart] = []
    place, text = 0, allocation.prompt_text
    for run in _sections(allocation):
        items = sorted(_placed(layout, run, text, place), key=lambda one: one.start)
        for item in items:
            parts.extend(_between(layout, text, place, item))
            parts.append(item)
            place = item.end
    if place < len(text):
        parts.append(PromptPart(kind="other", start=place, end=len(text)))
    return tuple(parts)


def _sections(allocation: Allocation) -> Iterator[list[MemoryItem]]:
    """The items of each section, as they are written."""
    decided, number = allocation.decided, 0
    numbered = []
    for item, opens in zip(decided.shown(), decided.opens.tolist(), strict=True):
        number += opens
        numbered.append((number, item))
    for _, run in groupby(numbered, key=lambda one: one[0]):
        yield [item for _, item in run]


def _placed(layout: Renderer, run: list[MemoryItem], text: str, begin: int) -> Iterator[PromptPart]:
    """Where the items of a section stand: chat has messages behind what is listed."""
    ends: dict[str, int] = {}
    for item, line in zip(run, layout.lines(run), strict=True):
        start = text.find(line, ends.get(line, begin))
        if start >= 0:
            ends[line] = start + len(line)
            yield PromptPart(
                kind="item", start=start, end=ends[line], tier=item.tier, memory_id=item.id
            )


def _between(layout: Renderer, text: str, place: int, item: PromptPart) -> Iterator[PromptPart]:
    """What stands before an item: the end of the section before, and a heading."""
    assert item.tier is not None
    opening = layout.opening(item.tier)
    heading = item.start - len(opening)
    if heading < place or not text.startswith(opening, heading):
        heading = item.start
    if place < heading:
        yield PromptPart(kind="other", start=place, end=heading)
    if heading < item.start:
        yield PromptPart(kind="heading", start=heading, end=item.start, tier=item.tier)
