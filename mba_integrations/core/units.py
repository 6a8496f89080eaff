"""Items that are kept or left out together, as one unit each.

A unit is an item on its own or a group. Its tokens and its value are the sums over its items, its
score is the best of theirs, and one pinned item pins the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.columns import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """m units over n items.

    Attributes:
        unit_of: Unit of each item, shape (n,).
        tokens: Tokens of each unit, shape (m,); at least 1.
        value: Value of each unit, shape (m,).
        score: Best score in each unit, shape (m,).
        tier: Index into `MemoryTier`, shape (m,).
        pinned: Which units must be in the prompt, shape (m,).
    """

    unit_of: IntArray
    tokens: IntArray
    value: FloatArray
    score: FloatArray
    tier: IntArray
    pinned: BoolArray

    def per_item(self, of_units: IntArray) -> IntArray:
        """A column of the units, shape (m,), as one of the items, shape (n,)."""
        if len(self.unit_of) == len(self.tokens):
            return of_units
        return of_units[self.unit_of]

    def rows(self, units: IntArray) -> IntArray:
        """Items of the units, ascending."""
        if len(self.unit_of) == len(self.tokens):
            return np.sort(units)
        wanted = np.zeros(len(self.tokens), dtype=bool)
        wanted[units] = True
        return np.flatnonzero(wanted[self.unit_of])


def form_units(
    columns: Columns, *, tokens: IntArray, value: FloatArray, score: FloatArray
) -> Units:
    """Join grouped items; all arrays have shape (n,)."""
    grouped = columns.group >= 0
    rows = np.arange(len(columns.group))
    if not grouped.any():
        return Units(
            unit_of=rows,
            tokens=tokens,
            value=value,
            score=score,
            tier=columns.tier,
            pinned=columns.pinned,
        )
    first = np.full(int(columns.group.max()) + 1, len(rows))
    np.minimum.at(first, columns.group[grouped], rows[grouped])
    anchor = np.where(grouped, first[np.maximum(columns.group, 0)], rows)
    anchors, unit_of = np.unique(anchor, return_inverse=True)
    best = np.zeros(len(anchors))
    np.maximum.at(best, unit_of, score)
    return Units(
        unit_of=unit_of,
        tokens=np.bincount(unit_of, weights=tokens).astype(np.int64),
        value=np.bincount(unit_of, weights=value).astype(np.float64),
        score=best,
        tier=columns.tier[anchors],
        pinned=np.bincount(unit_of, weights=columns.pinned) > 0,
    )
