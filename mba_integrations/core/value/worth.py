"""What an item adds to the value of a selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What items add to the value of a selection.

    Attributes:
        of_item: Shape (n,), at least 0.
        per_token: Whether the value of an item is its worth times its tokens; else it is its worth.
        sized: Items of which it is that all the same, shape (n,); None for none.
    """

    of_item: FloatArray
    per_token: bool
    sized: BoolArray | None = None

    def value(self, rows: IntArray, tokens: IntArray) -> FloatArray:
        """Value of the items at *rows*, which have so many tokens, shape (m,)."""
        worth = self.of_item[rows]
        if self.per_token:
            return np.asarray(worth * tokens)
        return worth if self.sized is None else np.where(self.sized[rows], worth * tokens, worth)
