"""A table of what the items in doubt are worth at every number of tokens.

At a price of a token, an item of high reduced value (value less tokens at that price) is in, one
of low reduced value is out; those in between are the core, and a dynamic program settles them.
With every item whose reduced value is within the gap to the bound in the core, the table's best is
the optimum. Where that takes more cells than allowed, the nearest items are kept, and `margin`
says how far they reach: what is left out cannot gain more than bound less margin.

O(core items x tokens) bytes and additions, at most `max_cells` of them but for one column.

Five items, a to e, for 8 tokens at a price of 1.75. Their reduced values are 1.25, 0, -1, -3 and
-2.5, so a margin of 2.25 leaves a, b and c in doubt. Of the core's tokens, 5 buy a; 8 buy b and c
together, which is better:

>>> items = RankedItems(np.array([10.0, 7.0, 6.0, 4.0, 1.0]), np.array([5, 4, 4, 4, 2]), 8)
>>> table = CoreTable(items, 1.75, 2.25, 8, prefix_tokens=8)
>>> table.worth.tolist()
[0.0, 0.0, 0.0, 0.0, 7.0, 10.0, 10.0, 10.0, 13.0]
>>> table.steps().tolist(), table.positions(items, 8).tolist()
([0, 4, 5, 8], [2, 1])

Source: Pisinger, *A minimal algorithm for the 0-1 knapsack problem* (Operations Research 45,
1997), for the core; the recurrence is Bellman's.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.packing.ranked_items import RankedItems

MAX_CELLS = 1_000_000
"""Cells of one dynamic program: about 2 ms, and enough for all but contrived instances."""
EQUAL = 1e-13
"""Relative difference below which two sums of values count as equal."""


class CoreTable:
    """What the best choice is worth for every number of tokens, by dynamic programming.

    Items of reduced value above `margin` are in, below `-margin` out; the rest is the core.
    `margin` is lowered where the table would be over `max_cells`.

    Args:
        items: The items.
        price: Price of a token.
        margin: At least 0.
        room: Most tokens for the items. The items of positive reduced value fit in it.
        prefix_tokens: Of items at the price itself that the core has no place for, those are in
            that belong to the densest so many tokens.
        max_cells: Most cells of the table.

    Attributes:
        fixed: Positions of the items that are in without the table.
        base_tokens: Their tokens.
        base_value: Their value.
        margin: Reduced values that the core reaches; what is beyond was decided by the price.
        worth: The most that the core adds within 0, 1, ... tokens, never falling.
    """

    __slots__ = ("_core", "_taken", "base_tokens", "base_value", "fixed", "margin", "worth")

    def __init__(
        self,
        items: RankedItems,
        price: float,
        margin: float,
        room: int,
        *,
        prefix_tokens: int,
        max_cells: int = MAX_CELLS,
    ) -> None:
        near = items.in_doubt(price, margin)
        tokens = items.tokens[near]
        reduced = (items.density[near] - price) * tokens
        fixed = reduced > 0
        core: IntArray = np.flatnonzero(np.abs(reduced) <= margin)
        left = room - int(tokens[reduced > margin].sum())  # what is in for certain is paid first
        core = core[tokens[core] <= left]
        self.margin = margin
        # Dropping what is in no best choice keeps the proof; a lower margin gives part of it up, so
        # it comes second.
        if _cells(tokens[core], left) > max_cells:
            core = _useful(items.value[near], tokens, core, left)
        if _cells(tokens[core], left) > max_cells:
            # Items at the price itself may all be left out of the table; the prefix that the bound
            # takes has to come in all the same.
            rank = _rank_from_break(items.density[near], tokens, prefix_tokens)
            fixed |= (reduced == 0) & (rank < 0)
            core, self.margin = _affordable(core, np.abs(reduced), rank, tokens, left, max_cells)
        fixed[core] = False
        self.fixed = near[fixed]
        self.base_tokens = int(tokens[fixed].sum())
        self.base_value = float(items.value[self.fixed].sum())
        self._core = near[core]
        self._fill(items, room - self.base_tokens)

    def _fill(self, items: RankedItems, left: int) -> None:
        self._core = self._core[items.tokens[self._core] <= left]
        tokens = items.tokens[self._core]
        size = min(left, int(tokens.sum())) + 1
        worth = np.zeros(size)
        taken = np.zeros((len(tokens), size), dtype=np.bool_)
        for row, need, gain in zip(
            taken, tokens.tolist(), items.value[self._core].tolist(), strict=True
        ):
            # `rest` is a view, `with_item` a copy made before it is written: so one array serves
            # for the worth before and after, and no item is taken twice.
            rest = worth[need:]
            with_item = worth[: size - need] + gain
            np.greater(with_item, rest, out=row[need:])
            np.maximum(with_item, rest, out=rest)
        self.worth: FloatArray = worth
        self._taken = taken

    @property
    def cells(self) -> int:
        """The size of the table."""
        return self._taken.size

    def steps(self) -> IntArray:
        """The numbers of core tokens at which the worth rises, with 0."""
        rises = np.empty(len(self.worth), dtype=np.bool_)
        rises[0] = True
        np.greater(self.worth[1:], self.worth[:-1], out=rises[1:])
        return np.flatnonzero(rises)

    def fewest_tokens(self) -> int:
        """The fewest tokens of the core with which it is worth the most, but for rounding."""
        most = float(self.worth[-1])
        return int(np.searchsorted(self.worth, most - EQUAL * (self.base_value + most)))

    def positions(self, items: RankedItems, core_tokens: int) -> IntArray:
        """Items of the best choice with at most `core_tokens` tokens from the core."""
        left, chosen = core_tokens, []
        # From the last item back: its row says whether it is taken with so many tokens left.
        for item in range(len(self._core) - 1, -1, -1):
            if self._taken[item, left]:
                chosen.append(int(self._core[item]))
                left -= int(items.tokens[self._core[item]])
        return np.concatenate([self.fixed, np.array(chosen, dtype=np.int64)])


def _cells(tokens: IntArray, left: int) -> int:
    return len(tokens) * min(left, int(tokens.sum()))


def _rank_from_break(density: FloatArray, tokens: IntArray, prefix_tokens: int) -> IntArray:
    """Rank by density of each item, counted from the first that is not within the prefix."""
    order = np.argsort(-density, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    within = np.searchsorted(np.cumsum(tokens[order]), prefix_tokens, side="right")
    return rank - int(within)


def _affordable(
    core: IntArray,
    distance: FloatArray,
    rank: IntArray,
    tokens: IntArray,
    left: int,
    max_cells: int,
) -> tuple[IntArray, float]:
    """The part of the core, nearest first, whose table has at most `max_cells`; its margin.

    Nearest by reduced value, and of equal ones by rank, so that many items at the price itself
    come from both sides of the break.
    """
    order = core[np.lexsort((np.abs(rank[core]), distance[core]))]
    width = np.minimum(np.cumsum(tokens[order]), left)
    sizes = np.arange(1, len(order) + 1) * width  # cells of the first 1, 2, ... items
    count = int(np.searchsorted(sizes, max_cells, side="right"))
    return np.sort(order[:count]), float(distance[order[count]])


def _useful(value: FloatArray, tokens: IntArray, core: IntArray, left: int) -> IntArray:
    """The core without items of which `left` tokens hold enough better ones of the same size.

    Of items of 5 tokens, 12 tokens hold 2: the third best of them is in no best choice.
    """
    order = core[np.lexsort((core, -value[core], tokens[core]))]
    size = tokens[order]
    # Sorted so, items of one size are a run, the best first; the rank counts within the run.
    first = np.flatnonzero(np.concatenate([[True], size[1:] != size[:-1]]))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    return np.sort(order[rank < left // size])
