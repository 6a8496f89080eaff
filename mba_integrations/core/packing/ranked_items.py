"""The items of one tier by density, value per token, as far down as a budget can reach.

Answers at once what a knapsack asks of the dense head: which item is the first that does not fit,
what the bound by linear relaxation is, how many tokens are worth more than a price. It holds the
items themselves in input order; a position is a place in that order.

Linear in the number of items, since only the head is sorted, with prefix sums of its tokens and
values; a question then costs one bisection.

Five items, a to e, for 8 tokens. The densest, a, fits; b is the first that does not. The bound
takes 3 of the 4 tokens of b, so the price of a token is the density of b:

>>> items = RankedItems(np.array([10.0, 7.0, 6.0, 4.0, 1.0]), np.array([5, 4, 4, 4, 2]), 8)
>>> items.density.tolist()
[2.0, 1.75, 1.5, 1.0, 0.5]
>>> items.break_at(8), items.bound(8)
(1, (15.25, 1.75))

An item's reduced value is its value less its tokens at that price: 1.25, 0, -1, -3 and -2.5. Once
a choice worth 13 is known, taking d would cost 3, which is more than the 2.25 between 13 and the
bound; so only a, b and c can be in a better one. The cheap test by density alone keeps d as well:

>>> items.in_doubt(1.75, margin=15.25 - 13).tolist()
[0, 1, 2, 3]

Source: Martello and Toth, *Knapsack Problems* (Wiley, 1990), chapter 2, for break item and bound.
"""

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
        capacity_tokens: The sorted head holds more than this many tokens, or all items.

    Attributes:
        density: Value per token of each item, shape (n,).
        head: Positions of the densest items, densest first, equal ones in input order, shape (h,).
        head_density: Their densities, shape (h,).
        tokens_sum: Tokens of the first 0, 1, ... h items of the head.
        value_sum: Their values.
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
        # Lists, since a bisection of one is ten times as fast as a search in a small array. Of the
        # negated densities, since bisect wants them to rise.
        self._falling: list[float] = (-self.head_density).tolist()
        self.tokens_sum: list[int] = [0, *np.cumsum(tokens[self.head]).tolist()]
        self.value_sum: list[float] = [0.0, *np.cumsum(value[self.head]).tolist()]

    def _densest(self, capacity_tokens: int) -> IntArray:
        count = capacity_tokens // 16 + 64  # items of 16 tokens would fill the capacity
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
        """Worth of the densest `room` tokens, the last item in part; and the price of a token.

        No choice of at most `room` tokens is worth more. The price is 0 where all items fit.
        """
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
        """Positions of all items of reduced value above `-margin`, in input order, and some more.

        A reduced value above `-margin` means a density above `price - margin / tokens`. The
        smallest item makes that lowest, so one threshold serves for all, and finds them in the
        sorted head by bisection.
        """
        lowest = price - margin / self._smallest
        lowest -= ROUNDING * abs(price)
        if self._complete or -self._falling[-1] < lowest:
            return np.sort(self.head[: bisect_right(self._falling, -lowest)])
        return np.flatnonzero(self.density >= lowest)

    def earliest(self, positions: IntArray) -> IntArray:
        """The same choice with items of equal value and tokens exchanged for earlier ones.

        >>> items = RankedItems(np.array([5.0, 9.0, 5.0]), np.array([5, 3, 5]), 8)
        >>> items.earliest(np.array([2, 1])).tolist()
        [0, 1]
        """
        chosen = np.sort(positions)
        # Items that are equal in both have equal density, so they are neighbours in the head. Where
        # no neighbours are, as mostly, there is nothing to exchange.
        same = self.head_density[1:] == self.head_density[:-1]
        if not same.any():
            return chosen
        tied = np.zeros(len(self.head), dtype=np.bool_)
        tied[1:] = same
        tied[:-1] |= same
        candidates = self.head[tied]
        is_chosen = np.isin(candidates, chosen)
        if is_chosen.all() or not is_chosen.any():
            return chosen
        others = np.setdiff1d(chosen, candidates)
        return np.sort(np.concatenate([others, self._first(candidates, is_chosen)]))

    def _first(self, candidates: IntArray, is_chosen: BoolArray) -> IntArray:
        """As many of each kind of equal items as are chosen, the earliest ones."""
        order = np.lexsort((candidates, self.tokens[candidates], self.value[candidates]))
        candidates, is_chosen = candidates[order], is_chosen[order]
        value, tokens = self.value[candidates], self.tokens[candidates]
        # Sorted so, a kind is a run, and the earliest of it stand first.
        starts = np.empty(len(candidates), dtype=np.bool_)
        starts[0] = True
        starts[1:] = (value[1:] != value[:-1]) | (tokens[1:] != tokens[:-1])
        kind = np.cumsum(starts) - 1
        count = np.bincount(kind[is_chosen], minlength=int(kind[-1]) + 1)
        number = np.arange(len(candidates)) - np.flatnonzero(starts)[kind]  # within its kind
        earliest: IntArray = candidates[number < count[kind]]
        return earliest

    def nearest_margin(self, price: float, count: int) -> float:
        """The margin that puts about `count` items of the head in the core."""
        reduced = np.abs(self.head_density - price) * self.tokens[self.head]
        if len(reduced) <= count:
            return float(reduced.max()) if len(reduced) else 0.0
        return float(np.partition(reduced, count - 1)[count - 1])


def _common_millionths(value: FloatArray) -> int:
    # The first few give most columns away; beyond 1e12 millionths a float has no exact ones left.
    for values in (value[:64], value):
        scaled = values * 1e6
        whole = np.rint(scaled)
        if np.abs(scaled - whole).max(initial=0.0) > 1e-6 or whole.max(initial=0.0) > 1e12:
            return 0
    return int(np.gcd.reduce(whole.astype(np.int64)))
