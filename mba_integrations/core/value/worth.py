"""What an item adds to the value of a selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What items add to the value of a selection.

    Attributes:
        of_item: Shape (n,), at least 0.
        per_token: Whether the value of an item is its worth times its tokens; else it is its worth.
    """

    of_item: FloatArray
    per_token: bool

    def value(self, rows: IntArray, tokens: IntArray) -> FloatArray:
        """Value of the items at *rows*, which have so many tokens, shape (m,)."""
        worth = self.of_item[rows]
        return np.asarray(worth * tokens) if self.per_token else worth
