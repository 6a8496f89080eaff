"""The most valuable items that fit one capacity, and a proof of how good the choice is.

Items are taken in order of density (value per token) up to the first that does not fit. Its
density is the price of a token; an item's reduced value is its value less its tokens at that
price. Only items whose reduced value is near zero are in doubt: leaving out a better one, or
taking a worse one, costs more than the gap between the choice and its bound. A dynamic program
over those few, the core, settles them.

Exact unless the core needs more than `MAX_CELLS` table cells; then the bound states what is left
open. Linear in the number of items: only the dense head is sorted.

Source: Martello and Toth, *Knapsack Problems* (Wiley, 1990), chapter 2; Pisinger, *A minimal
algorithm for the 0-1 knapsack problem* (Operations Research 45, 1997), for the core.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray

MAX_CELLS = 1_000_000
"""Cells of one dynamic program: about 2 ms, and enough for all but contrived instances."""
FIRST_CORE_ITEMS = 24
"""Items in the first core. It usually finds the optimum; the second core proves it."""
ROUNDING = 1e-12
"""Relative error that sums of values may carry."""
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which items to take.

    Attributes:
        positions: Positions of the items, in no fixed order.
        value: Sum of their values.
        upper_bound: No choice within the capacity is worth more.
    """

    positions: IntArray
    value: float
    upper_bound: float


class RankedItems:
    """Items of one tier with the densest of them sorted.

    Args:
        value: Value of each item, shape (n,), above 0.
        tokens: Tokens of each item, shape (n,), at least 1.
        capacity_tokens: The sorted head holds at least this many tokens, or all items.
    """

    __slots__ = (
        "_complete",
        "_falling",
        "_smallest",
        "density",
        "head",
        "tokens",
        "tokens_sum",
        "value",
        "value_sum",
    )

    def __init__(self, value: FloatArray, tokens: IntArray, capacity_tokens: int) -> None:
        self.value = value
        self.tokens = tokens
        self.density = value / tokens
        self.head = self._densest(capacity_tokens)
        self._complete = len(self.head) == len(value)
        self._smallest = int(tokens.min()) if len(tokens) else 1
        self._falling: list[float] = (-self.density[self.head]).tolist()
        self.tokens_sum: list[int] = [0, *np.cumsum(tokens[self.head]).tolist()]
        self.value_sum: list[float] = [0.0, *np.cumsum(value[self.head]).tolist()]

    def _densest(self, capacity_tokens: int) -> IntArray:
        count = capacity_tokens // 16 + 64
        while True:
            head = _top(self.density, count)
            if len(head) == len(self.density) or self.tokens[head].sum() > capacity_tokens:
                return head[np.argsort(-self.density[head], kind="stable")]
            count *= 4

    def __len__(self) -> int:
        return len(self.value)

    @property
    def head_densities(self) -> list[float]:
        """Densities of the head, highest first."""
        return [-density for density in self._falling]

    def break_at(self, room: int) -> int:
        """How many of the densest items fit `room` tokens without skipping one."""
        return bisect_right(self.tokens_sum, room) - 1

    def bound(self, room: int) -> tuple[float, float]:
        """Worth of the densest `room` tokens, the last item in part; and the price of a token."""
        count = self.break_at(room)
        if count == len(self._falling):
            return self.value_sum[-1], 0.0
        price = -self._falling[count]
        return self.value_sum[count] + (room - self.tokens_sum[count]) * price, price

    def wanted_tokens(self, price: float) -> int:
        """Tokens of the items that are worth more than `price` a token."""
        return self.tokens_sum[bisect_left(self._falling, -price)]

    def in_doubt(self, price: float, margin: float) -> IntArray:
        """Positions of all items of reduced value above `-margin`, in input order."""
        lowest = price - margin / self._smallest
        lowest -= ROUNDING * abs(price)
        if self._complete or -self._falling[-1] < lowest:
            return np.sort(self.head[: bisect_right(self._falling, -lowest)])
        return np.flatnonzero(self.density >= lowest)

    def earliest(self, positions: IntArray) -> IntArray:
        """The same choice with items of equal value and tokens exchanged for earlier ones."""
        chosen = np.sort(positions)
        ranked = self.density[self.head]
        if len(ranked) < 2 or not (ranked[1:] == ranked[:-1]).any():
            return chosen
        twins = np.flatnonzero(np.isin(self.density, self.density[chosen]))
        order = twins[np.lexsort((twins, self.tokens[twins], self.density[twins]))]
        counts: dict[tuple[float, int], int] = {}
        for row in chosen.tolist():
            key = float(self.value[row]), int(self.tokens[row])
            counts[key] = counts.get(key, 0) + 1
        kept = []
        for row in order.tolist():
            key = float(self.value[row]), int(self.tokens[row])
            if counts.get(key, 0):
                counts[key] -= 1
                kept.append(row)
        return np.sort(np.array(kept, dtype=np.int64))

    def nearest_margin(self, price: float, count: int) -> float:
        """The margin that puts about `count` items in the core."""
        reduced = np.abs(self.value[self.head] - price * self.tokens[self.head])
        if len(reduced) <= count:
            return float(reduced.max()) if len(reduced) else 0.0
        return float(np.partition(reduced, count - 1)[count - 1])


class CoreTable:
    """What the best choice is worth for every number of tokens, by dynamic programming.

    Items of reduced value above `margin` are in, below `-margin` out; the rest is the core.
    `margin` is lowered where the table would be over `max_cells`.

    Args:
        items: The items.
        price: Price of a token.
        margin: At least 0.
        room: Most tokens for the items. The items of positive reduced value fit in it.
        max_cells: Most cells of the table.
    """

    __slots__ = ("_core", "_taken", "base_tokens", "base_value", "fixed", "margin", "worth")

    def __init__(
        self, items: RankedItems, price: float, margin: float, room: int, max_cells: int = MAX_CELLS
    ) -> None:
        near = items.in_doubt(price, margin)
        reduced = items.value[near] - price * items.tokens[near]
        distance = np.abs(reduced)
        in_core, self.margin = _affordable(
            distance <= margin, distance, items.tokens[near], room, max_cells, margin
        )
        self.fixed = near[(reduced > 0) & ~in_core]
        self.base_tokens = int(items.tokens[self.fixed].sum())
        self.base_value = float(items.value[self.fixed].sum())
        core = near[in_core]
        left = room - self.base_tokens
        self._core = _useful(items, core[items.tokens[core] <= left], left)
        self._fill(items, left)

    def _fill(self, items: RankedItems, left: int) -> None:
        tokens = items.tokens[self._core]
        size = min(left, int(tokens.sum())) + 1
        worth = np.zeros(size)
        taken = np.zeros((len(tokens), size), dtype=np.bool_)
        for row, need, gain in zip(
            taken, tokens.tolist(), items.value[self._core].tolist(), strict=True
        ):
            rest = worth[need:]
            with_item = worth[: size - need] + gain
            np.greater(with_item, rest, out=row[need:])
            np.maximum(with_item, rest, out=rest)
        self.worth: FloatArray = worth
        self._taken = taken

    def steps(self) -> IntArray:
        """The numbers of core tokens at which the worth rises, with 0."""
        rises = np.empty(len(self.worth), dtype=np.bool_)
        rises[0] = True
        np.greater(self.worth[1:], self.worth[:-1], out=rises[1:])
        return np.flatnonzero(rises)

    def positions(self, items: RankedItems, core_tokens: int) -> IntArray:
        """Items of the best choice with at most `core_tokens` tokens from the core."""
        left, chosen = core_tokens, []
        for row in range(len(self._core) - 1, -1, -1):
            if self._taken[row, left]:
                chosen.append(int(self._core[row]))
                left -= int(items.tokens[self._core[row]])
        return np.concatenate([self.fixed, np.array(chosen, dtype=np.int64)])


def best_within(items: RankedItems, room: int) -> Choice:
    """The most valuable choice of at most `room` tokens.

    >>> items = RankedItems(np.array([6.0, 5.0, 4.0]), np.array([3, 2, 2]), 4)
    >>> choice = best_within(items, 4)
    >>> sorted(choice.positions.tolist()), choice.value, choice.upper_bound
    ([1, 2], 9.0, 9.0)
    """
    if room <= 0 or not len(items):
        return Choice(positions=_NONE, value=0.0, upper_bound=0.0)
    count = items.break_at(room)
    bound, price = items.bound(room)
    if count == len(items) or items.tokens_sum[count] == room:
        value = items.value_sum[count]
        return Choice(positions=items.head[:count], value=value, upper_bound=value)
    return _best_by_core(items, room, bound, price)


def _best_by_core(items: RankedItems, room: int, bound: float, price: float) -> Choice:
    margin = items.nearest_margin(price, FIRST_CORE_ITEMS)
    table = CoreTable(items, price, margin, room)
    value = table.base_value + float(table.worth[-1])
    if bound - table.margin > value:
        table = CoreTable(items, price, (bound - value) + ROUNDING * bound, room)
        value = table.base_value + float(table.worth[-1])
    return Choice(
        positions=table.positions(items, len(table.worth) - 1),
        value=value,
        upper_bound=max(value, bound - table.margin),
    )


def _top(density: FloatArray, count: int) -> IntArray:
    """Positions of the `count` highest and of all that equal the lowest of them, in input order."""
    if count * 2 >= len(density):
        return np.arange(len(density))
    lowest = np.partition(density, len(density) - count)[len(density) - count]
    return np.flatnonzero(density >= lowest)


def _affordable(
    in_core: BoolArray,
    distance: FloatArray,
    tokens: IntArray,
    room: int,
    max_cells: int,
    margin: float,
) -> tuple[BoolArray, float]:
    """The part of the core, nearest first, whose table has at most `max_cells`; its margin."""
    core = np.flatnonzero(in_core)
    if len(core) * min(room, int(tokens[core].sum())) <= max_cells:
        return in_core, margin
    core = core[np.argsort(distance[core], kind="stable")]
    width = np.minimum(np.cumsum(tokens[core]), room)
    count = int(np.searchsorted(np.arange(1, len(core) + 1) * width, max_cells, side="right"))
    if count == len(core):
        return in_core, margin
    kept = np.zeros_like(in_core)
    kept[core[:count]] = True
    return kept, float(distance[core[count]])


def _useful(items: RankedItems, core: IntArray, left: int) -> IntArray:
    """The core without items of which `left` tokens hold enough better ones of the same size."""
    if len(core) <= FIRST_CORE_ITEMS:
        return core
    tokens = items.tokens[core]
    order = np.lexsort((core, -items.value[core], tokens))
    size = tokens[order]
    first = np.flatnonzero(np.concatenate([[True], size[1:] != size[:-1]]))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    return np.sort(core[order[rank < left // size]])
