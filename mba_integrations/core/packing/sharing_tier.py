"""One tier among several under one budget: what it is worth at a price of a token."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.packing.knapsack import Choice, best_within
from mba_integrations.core.packing.ranked_items import RankedItems

TOKEN_ROUNDING = 1e-6
"""Guarantees are sums of real shares; differences below this many tokens are rounding."""


class SharingTier:
    """One tier of the shared budget.

    Args:
        items: Its items, each of which fits in its cap with the opening tokens.
        guaranteed_tokens: What is kept for the tier, at most its cap.
        room_tokens: The most the tier may use, opening tokens included.
        opening_tokens: Charged once if an item is chosen.
    """

    def __init__(
        self,
        *,
        items: RankedItems,
        guaranteed_tokens: float,
        room_tokens: int,
        opening_tokens: int,
    ) -> None:
        self.items = items
        self.guaranteed = guaranteed_tokens
        self.opening = opening_tokens
        self.room = room_tokens - opening_tokens
        self.home_room = min(self.room, int(guaranteed_tokens + TOKEN_ROUNDING) - opening_tokens)
        self.home_bound = items.bound(self.home_room)[0] if self.home_room > 0 else 0.0

    @cached_property
    def home(self) -> Choice:
        """The best choice within the guarantee."""
        choice = best_within(self.items, self.home_room)
        self.home_bound = choice.upper_bound
        return choice

    @property
    def is_home_known(self) -> bool:
        """Whether `home` has been solved."""
        return "home" in self.__dict__

    @property
    def may_borrow(self) -> bool:
        """Whether the tier can use more than its guarantee."""
        return self.room > max(0, self.home_room) and len(self.items) > 0

    def cost(self, item_tokens: IntArray) -> FloatArray:
        """What the shared budget is charged for items of so many tokens."""
        charged: FloatArray = np.maximum(item_tokens + float(self.opening), self.guaranteed)
        return charged

    def borrowing_tokens(self, price: float) -> int:
        """Tokens of items at which value less cost is highest, if the tier borrows."""
        least = max(0, self.home_room + 1)
        return min(max(self.items.wanted_tokens(price), least), self.room)

    def net_home(self, price: float) -> float:
        """Bound on value less cost within the guarantee."""
        return self.home_bound - price * self.guaranteed

    def net_borrowing(self, price: float) -> float:
        """Bound on value less cost beyond the guarantee."""
        if not self.may_borrow:
            return -np.inf
        tokens = self.borrowing_tokens(price)
        return self.items.bound(tokens)[0] - price * (tokens + self.opening)

    def item_price(self, price: float) -> float:
        """Price of a token within the tier when it borrows at `price`."""
        tokens = self.borrowing_tokens(price)
        if tokens == self.items.wanted_tokens(price):
            return price
        return self.items.bound(tokens)[1]

    @property
    def home_price(self) -> float:
        """Price of a token within the guarantee; infinite where nothing can be in it."""
        return self.items.bound(self.home_room)[1] if self.home_room > 0 else math.inf

    def lowest_price(self, price: float) -> float:
        """What a token of the tier costs at least, at home or when it borrows at `price`."""
        return min(self.home_price, self.item_price(price)) if self.may_borrow else self.home_price


def bound_at(tiers: list[SharingTier], total_tokens: int, price: float) -> tuple[float, float]:
    """The bound at a price of a token, and the tokens that its choice is charged."""
    bound, charged = price * total_tokens, 0.0
    for tier in tiers:
        home, borrowing = tier.net_home(price), tier.net_borrowing(price)
        if borrowing > home:
            bound += borrowing
            charged += tier.borrowing_tokens(price) + tier.opening
        else:
            bound += home
            charged += tier.guaranteed
    return bound, charged


def lowest_bound_price(tiers: list[SharingTier], total_tokens: int) -> float:
    """The price whose bound is lowest; the bound is convex and piecewise linear in it."""
    limit = total_tokens + TOKEN_ROUNDING
    heads = [tier.items.head_density for tier in tiers if tier.may_borrow]
    prices: list[float] = np.sort(np.concatenate([[0.0], *heads])).tolist()
    low, high = 0, len(prices) - 1
    while low < high:
        middle = (low + high) // 2
        if bound_at(tiers, total_tokens, prices[middle])[1] <= limit:
            high = middle
        else:
            low = middle + 1
    if low == 0:
        return prices[0]
    return _lowest_between(tiers, total_tokens, prices[low - 1], prices[low])


def _lowest_between(tiers: list[SharingTier], total: int, low: float, high: float) -> float:
    """The lowest of the bound, which falls at `low` and does not at `high`, by its tangents."""
    low_bound, low_charged = bound_at(tiers, total, low)
    high_bound, high_charged = bound_at(tiers, total, high)
    best = min((low_bound, low), (high_bound, high), key=lambda pair: pair[0])
    for _ in range(8):
        if low_charged <= high_charged:
            break
        rise = low_bound - high_bound + (total - high_charged) * high - (total - low_charged) * low
        crossing = rise / (low_charged - high_charged)
        if not low < crossing < high:
            break
        bound, charged = bound_at(tiers, total, crossing)
        best = min(best, (bound, crossing), key=lambda pair: pair[0])
        if charged <= total:
            high, high_bound, high_charged = crossing, bound, charged
        else:
            low, low_bound, low_charged = crossing, bound, charged
    return best[1]
