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

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray, densest

MAX_CELLS = 1_000_000
"""Cells of one dynamic program: about 2 ms, and enough for all but contrived instances."""
FIRST_CORE_ITEMS = 16
"""Items in the first core. It usually finds the optimum; the second core proves it."""
FIRST_CELLS = 100_000
"""Cells of the first table, where many equal items would make it large."""
ROUNDING = 1e-12
"""Relative error that sums of values may carry."""
EQUAL = 1e-13
"""Relative difference below which two sums of values count as equal."""
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
        "_millionths",
        "_smallest",
        "density",
        "head",
        "head_density",
        "tokens",
        "tokens_sum",
        "value",
        "value_sum",
    )

    def __init__(self, value: FloatArray, tokens: IntArray, capacity_tokens: int) -> None:
        self.value = value
        self.tokens = tokens
        self._millionths = -1
        self.density = value / tokens
        self.head = self._densest(capacity_tokens)
        self._complete = len(self.head) == len(value)
        self._smallest = int(tokens.min()) if len(tokens) else 1
        self.head_density = self.density[self.head]
        self._falling: list[float] = (-self.head_density).tolist()
        self.tokens_sum: list[int] = [0, *np.cumsum(tokens[self.head]).tolist()]
        self.value_sum: list[float] = [0.0, *np.cumsum(value[self.head]).tolist()]

    def _densest(self, capacity_tokens: int) -> IntArray:
        count = capacity_tokens // 16 + 64
        while True:
            head, _ = densest(self.density, count)
            if len(head) == len(self.density) or self.tokens[head].sum() > capacity_tokens:
                return head[np.argsort(-self.density[head], kind="stable")]
            count *= 4

    def __len__(self) -> int:
        return len(self.value)

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

    def tied_tokens(self, price: float) -> int:
        """Tokens of the items that are worth exactly `price` a token."""
        return self.tokens_sum[bisect_right(self._falling, -price)] - self.wanted_tokens(price)

    def wanted_tokens(self, price: float) -> int:
        """Tokens of the items that are worth more than `price` a token."""
        return self.tokens_sum[bisect_left(self._falling, -price)]

    @property
    def millionths(self) -> int:
        """The most millionths of which every value is a multiple; 0 if some value is of none."""
        if self._millionths < 0:
            self._millionths = _common_millionths(self.value)
        return self._millionths

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
        ranked = self.head_density
        same = ranked[1:] == ranked[:-1]
        if not same.any():
            return chosen
        tied = np.zeros(len(ranked), dtype=np.bool_)
        tied[1:] = same
        tied[:-1] |= same
        rows = self.head[tied]
        is_chosen = np.isin(rows, chosen)
        if is_chosen.all() or not is_chosen.any():
            return chosen
        return np.sort(np.concatenate([np.setdiff1d(chosen, rows), self._first(rows, is_chosen)]))

    def _first(self, rows: IntArray, is_chosen: BoolArray) -> IntArray:
        """As many of each kind of equal items as are chosen, the earliest ones."""
        order = np.lexsort((rows, self.tokens[rows], self.value[rows]))
        rows, is_chosen = rows[order], is_chosen[order]
        value, tokens = self.value[rows], self.tokens[rows]
        starts = np.empty(len(rows), dtype=np.bool_)
        starts[0] = True
        starts[1:] = (value[1:] != value[:-1]) | (tokens[1:] != tokens[:-1])
        kind = np.cumsum(starts) - 1
        count = np.bincount(kind[is_chosen], minlength=int(kind[-1]) + 1)
        rank = np.arange(len(rows)) - np.flatnonzero(starts)[kind]
        earliest: IntArray = rows[rank < count[kind]]
        return earliest

    def nearest_margin(self, price: float, count: int) -> float:
        """The margin that puts about `count` items in the core."""
        reduced = np.abs(self.head_density - price) * self.tokens[self.head]
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
        prefix_tokens: Of items at the price itself that the core has no place for, those are in
            that belong to the densest so many tokens.
        max_cells: Most cells of the table.
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
        left = room - int(tokens[reduced > margin].sum())
        core = core[tokens[core] <= left]
        self.margin = margin
        if _cells(tokens[core], left) > max_cells:
            core = _useful(items.value[near], tokens, core, left)
        if _cells(tokens[core], left) > max_cells:
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
    first = _by_core(items, room, bound, price, margin, FIRST_CELLS)
    if first.upper_bound <= first.value:
        return first
    if rounded_down(bound, items.millionths, first.value) <= first.value:
        return Choice(positions=first.positions, value=first.value, upper_bound=first.value)
    gap = bound - first.value + ROUNDING * bound
    second = _by_core(items, room, bound, price, gap, MAX_CELLS)
    better = max(first, second, key=lambda choice: choice.value)
    if better.value < second.upper_bound:
        better = _completed(items, better, room)
    proven = rounded_down(
        min(first.upper_bound, second.upper_bound), items.millionths, better.value
    )
    return Choice(
        positions=better.positions, value=better.value, upper_bound=max(better.value, proven)
    )


def _completed(items: RankedItems, choice: Choice, room: int) -> Choice:
    """The choice with further items, the densest first, that fit beside it."""
    left = room - int(items.tokens[choice.positions].sum())
    more = []
    for row in items.head[~np.isin(items.head, choice.positions)].tolist():
        if items.tokens[row] <= left:
            left -= int(items.tokens[row])
            more.append(row)
    if not more:
        return choice
    positions = np.concatenate([choice.positions, np.array(more)])
    return replace(choice, positions=positions, value=float(items.value[positions].sum()))


def rounded_down(bound: float, millionths: int, value: float) -> float:
    """The bound as a multiple of what all values are multiples of; `value` if it is met.

    >>> rounded_down(1.2345, 50_000, 1.1), rounded_down(1.2345, 50_000, 1.2)
    (1.2, 1.2)
    >>> rounded_down(1.2345, 0, 1.2)
    1.2345
    """
    if millionths:
        bound = min(bound, math.floor(bound * 1e6 / millionths + 1e-3) * millionths / 1e6)
    return value if bound <= value * (1 + ROUNDING) else bound


def _common_millionths(value: FloatArray) -> int:
    for values in (value[:64], value):
        scaled = values * 1e6
        whole = np.rint(scaled)
        if np.abs(scaled - whole).max(initial=0.0) > 1e-6 or whole.max(initial=0.0) > 1e12:
            return 0
    return int(np.gcd.reduce(whole.astype(np.int64)))


def _by_core(
    items: RankedItems, room: int, bound: float, price: float, margin: float, max_cells: int
) -> Choice:
    table = CoreTable(items, price, margin, room, prefix_tokens=room, max_cells=max_cells)
    core_tokens = table.fewest_tokens()
    value = table.base_value + float(table.worth[core_tokens])
    return Choice(
        positions=table.positions(items, core_tokens),
        value=value,
        upper_bound=max(value, bound - table.margin),
    )


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
    """The part of the core, nearest first, whose table has at most `max_cells`; its margin."""
    order = core[np.lexsort((np.abs(rank[core]), distance[core]))]
    width = np.minimum(np.cumsum(tokens[order]), left)
    sizes = np.arange(1, len(order) + 1) * width
    count = int(np.searchsorted(sizes, max_cells, side="right"))
    return np.sort(order[:count]), float(distance[order[count]])


def _useful(value: FloatArray, tokens: IntArray, core: IntArray, left: int) -> IntArray:
    """The core without items of which `left` tokens hold enough better ones of the same size."""
    order = core[np.lexsort((core, -value[core], tokens[core]))]
    size = tokens[order]
    first = np.flatnonzero(np.concatenate([[True], size[1:] != size[:-1]]))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    return np.sort(order[rank < left // size])
