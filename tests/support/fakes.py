"""Counters and items with exact numbers, besides those that `mba_integrations.testing` has."""

from __future__ import annotations

import math
from typing import Any

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.testing import CharacterCounter

CharCounter = CharacterCounter


class PieceCounter(CharCounter):
    """Four characters of the whole text are one token, as if pieces ran across lines.

    Lines counted alone are rounded up, so a prompt counts for less than its lines together.
    """

    id = "pieces"

    def count(self, text: str, /) -> int:
        return math.ceil(len(text) / 4)


class JoinCounter(CharCounter):
    """Charges *per_join* for each line end inside a text: a prompt counts for more, or for less."""

    def __init__(self, per_join: int) -> None:
        self.per_join = per_join
        self.id = f"joins{per_join}"

    def count(self, text: str, /) -> int:
        return max(0, len(text) + self.per_join * max(0, text.count("\n") - 1))


def line(name: str, size: int, tier: str = "rag", **fields: Any) -> MemoryItem:
    """An item whose line in Markdown has *size* characters: `- `, the text, a line feed."""
    return MemoryItem(name, name[0] * (size - 3), MemoryTier(tier), **fields)
