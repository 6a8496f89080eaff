"""The items of one tier with the densest of them sorted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray, densest

ROUNDING = 1e-12
"""Relative error that sums of values may carry."""


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


def _common_millionths(value: FloatArray) -> int:
    for values in (value[:64], value):
        scaled = values * 1e6
        whole = np.rint(scaled)
        if np.abs(scaled - whole).max(initial=0.0) > 1e-6 or whole.max(initial=0.0) > 1e12:
            return 0
    return int(np.gcd.reduce(whole.astype(np.int64)))
