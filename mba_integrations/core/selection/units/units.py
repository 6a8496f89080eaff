"""Items that are kept or left out together, as one unit each.

A unit is an item on its own, a group, or what `exchanges` keeps together. Its tokens and its value
are the sums over its items, its score is the best of theirs, and one pinned item pins the whole.
The items of groups are counted when units are formed, others when they are asked for.

Five items, where `g` is a group, are four units. A unit stands where its first item stands:

    row      0     1     2     3     4
    group          g           g
    tokens   10    20    30    5     40
    value    0.9   0.2   0.5   0.4   0.1
    score    0.9   0.2   0.5   0.4   0.1

    unit     0     1     2     3
    first    0     1     2     4
    tokens   10    25    30    40
    value    0.9   0.6   0.5   0.1
    score    0.9   0.4   0.5   0.1

Row 3 is in unit 1, so `unit_of` is 0, 1, 2, 1, 3 and `rows` of the units 1 and 3 are 1, 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumn
from mba_integrations.core.value.worth import Worth

Entry = TypeVar("Entry", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """What is known of the units that have several items, each of shape (m,); 0 for the others."""

    tokens: IntArray
    value: FloatArray


@dataclass(frozen=True, kw_only=True)
class Units:
    """m units over n items.

    Attributes:
        unit_of: Unit of each item, shape (n,).
        first: First item of each unit, shape (m,).
        groups: Sums of the groups; None where every unit is one item.
        column: Tokens of the items.
        worth: Worth of the items.
        score: Best score in each unit, shape (m,).
        tier: Index into `MemoryTier`, shape (m,).
        pinned: Which units must be in the prompt, shape (m,).
    """

    unit_of: IntArray
    first: IntArray
    groups: Groups | None
    column: TokenColumn
    worth: Worth
    score: FloatArray
    tier: IntArray
    pinned: BoolArray

    def __len__(self) -> int:
        return len(self.first)

    def tokens(self, units: IntArray) -> IntArray:
        """Tokens of units, counted, shape (k,); at least 1."""
        if self.groups is None:
            return self.column.of(units)
        tokens = self.groups.tokens[units]
        single = np.flatnonzero(tokens == 0)
        tokens[single] = self.column.of(self.first[units[single]])
        return tokens

    def at_least(self, units: IntArray, enough: FloatArray) -> IntArray:
        """Tokens of units, or fewer where they are not counted; see `TokenColumn.at_least`."""
        if self.groups is None:
            return self.column.at_least(units, enough)
        tokens = self.groups.tokens[units]
        single = np.flatnonzero(tokens == 0)
        tokens[single] = self.column.at_least(self.first[units[single]], enough[single])
        return tokens

    def value(self, units: IntArray, tokens: IntArray) -> FloatArray:
        """Value of units, which have so many tokens, shape (k,)."""
        values = self.worth.value(self.first[units], tokens)
        if self.groups is None:
            return values
        return np.where(self.groups.tokens[units] > 0, self.groups.value[units], values)

    @property
    def density(self) -> FloatArray:
        """Value per token of every unit, shape (m,); more where a unit is not counted.

        Worked out once where all are counted. Before that every question may get smaller numbers,
        since packing counts the units that matter.
        """
        return self._counted_density if self.column.complete else self._density()

    @cached_property
    def _counted_density(self) -> FloatArray:
        return self._density()

    def _density(self) -> FloatArray:
        if self.groups is None and self.worth.per_token:
            return self.worth.of_item
        if self.groups is None and self.column.complete:  # no copies for what is picked out
            return np.asarray(self.worth.of_item / self.column.all())
        every = np.arange(len(self))
        tokens = self.at_least(every, np.full(len(self), np.inf))
        return np.asarray(self.value(every, tokens) / tokens)

    def over(self, limit: FloatArray) -> IntArray:
        """Units of more tokens than the limit of their tier, shape (4,)."""
        if self.groups is None:
            return self.column.over(limit, self.tier)
        every = np.arange(len(self))
        single = every[self._is_single]
        large = self.groups.tokens > limit[self.tier]
        rows = self.first[single]
        large[single] = np.isin(rows, self.column.over(limit, self.tier[single], rows))
        return np.flatnonzero(large)

    def worth_less(self, price: float) -> IntArray:
        """Units that are worth less than their tokens at a price above 0, ascending.

        Only units whose tokens decide are counted.
        """
        if self.groups is None and self.column.complete:
            return np.flatnonzero(self.density < price)
        worth = self.worth.of_item[self.first]
        every = np.arange(len(self))
        if self.worth.per_token:
            less = worth < price
        else:
            sized = self.worth.sized
            is_sized = np.zeros(len(self), dtype=np.bool_) if sized is None else sized[self.first]
            less = is_sized & (worth < price)
            # A unit of value v is worth its tokens as long as it has v / price or fewer.
            single = every[~is_sized & self._is_single]
            most = worth[single] / price
            rows = self.first[single]
            over = self.column.over(most, np.arange(len(single)), rows)
            less[single] = np.isin(rows, over)
        if self.groups is not None:
            of_group = ~self._is_single
            less[of_group] = (self.groups.value < price * self.groups.tokens)[of_group]
        return np.flatnonzero(less)

    def of_tiers(self, tier_rows: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        """Units of each tier, ascending, from the items of each."""
        if self.groups is None:
            return tier_rows
        return tuple(np.flatnonzero(self.tier == tier) for tier in range(len(tier_rows)))

    def per_item(self, of_units: NDArray[Entry]) -> NDArray[Entry]:
        """A column of the units, shape (m,), as one of the items, shape (n,)."""
        return of_units if self.groups is None else of_units[self.unit_of]

    def are_joined(self, rows: IntArray) -> BoolArray:
        """Which items are of a unit with others, or could be, shape (k,)."""
        return ~self._is_single[self.unit_of[rows]]

    @property
    def _is_single(self) -> BoolArray:
        """Which units are one item on its own, shape (m,)."""
        single: BoolArray = (
            np.ones(len(self), dtype=np.bool_) if self.groups is None else self.groups.tokens == 0
        )
        return single

    def rows(self, units: IntArray) -> IntArray:
        """Items of the units, ascending."""
        if self.groups is None:
            return np.sort(units)
        wanted = np.zeros(len(self), dtype=bool)
        wanted[units] = True
        return np.flatnonzero(wanted[self.unit_of])


def form_units(
    snapshot: PoolSnapshot,
    *,
    column: TokenColumn,
    worth: Worth,
    score: FloatArray,
    label: IntArray | None,
) -> Units:
    """Join items that stay together.

    Args:
        snapshot: The items, n of them.
        column: Their tokens.
        worth: Their worth.
        score: In [0, 1], shape (n,).
        label: Items of the same label stay together; -1 for an item on its own, shape (n,). None
            where every item is.
    """
    columns, rows = snapshot.columns, snapshot.rows
    if label is None:
        return Units(
            unit_of=rows,
            first=rows,
            groups=None,
            column=column,
            worth=worth,
            score=score,
            tier=columns.tier,
            pinned=columns.pinned,
        )
    joined = np.flatnonzero(label >= 0)
    # Each item points to the first of its label, or to itself; the places of those are the units.
    first = np.full(int(label.max(initial=-1)) + 1, len(rows))
    np.minimum.at(first, label[joined], joined)
    anchor = rows.copy()
    anchor[joined] = first[label[joined]]
    is_anchor = anchor == rows
    anchors = np.flatnonzero(is_anchor)
    unit_of = (np.cumsum(is_anchor) - 1)[anchor]
    best = score[anchors]
    np.maximum.at(best, unit_of[joined], score[joined])
    pinned = columns.pinned[anchors]
    pinned[unit_of[joined[columns.pinned[joined]]]] = True
    return Units(
        unit_of=unit_of,
        first=anchors,
        groups=_group_sums(joined, unit_of, len(anchors), column, worth),
        column=column,
        worth=worth,
        score=best,
        tier=columns.tier[anchors],
        pinned=pinned,
    )


def _group_sums(
    rows: IntArray, unit_of: IntArray, count: int, column: TokenColumn, worth: Worth
) -> Groups:
    tokens = column.of(rows)
    units = unit_of[rows]
    value = np.bincount(units, weights=worth.value(rows, tokens), minlength=count)
    summed = np.bincount(units, weights=tokens, minlength=count)
    return Groups(tokens=summed.astype(np.int64), value=value.astype(np.float64))
