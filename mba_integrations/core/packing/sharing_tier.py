"""One tier among several under one budget: what it is worth at a price of a token.

A tier is charged what it uses, or its guarantee if it uses less. So it has two ways: at home,
within the guarantee, where the charge is the same whatever it takes; or borrowing, where every
token is paid. Each question here is asked for both, and answered from the prefix sums of
`RankedItems` in a few bisections; only `best_home` solves a knapsack, once.

Five items for 4 guaranteed tokens of at most 11. At a price of 1 the tier keeps 6 at home: 9 for
the first item and 1 for a quarter of the second, less 4. Solved, home is the first item alone, so
it keeps 5. If it borrows it wants all that is worth more than 1 a token, but at least 5 tokens:

>>> items = RankedItems(
...     np.array([9.0, 4.0, 1.0, 1.0, 1.0]), np.array([3, 4, 2, 4, 8]), capacity_tokens=11)
>>> tier = SharingTier(items=items, guaranteed_tokens=4.0, room_tokens=11, opening_tokens=0)
>>> tier.net_home(1.0), tier.borrowing_tokens(1.0), tier.net_borrowing(1.0)
(6.0, 5, 6.0)
>>> tier.best_home().value, tier.net_home(1.0)
(9.0, 5.0)
"""

from __future__ import annotations

import math

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

    Attributes:
        room: The most tokens that its items may use.
        home_room: The same within the guarantee; 0 or less where not even the opening fits.
        home_bound: No choice within the guarantee is worth more. By densities at first, and what
            `best_home` proves once that is solved.
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
        self._best_home: Choice | None = None

    def best_home(self) -> Choice:
        """The best choice within the guarantee; the first call solves it and lowers the bound."""
        if self._best_home is None:
            self._best_home = best_within(self.items, self.home_room)
            self.home_bound = self._best_home.upper_bound
        return self._best_home

    @property
    def home_gap(self) -> float:
        """How far `best_home` is from its bound; 0 while it is not solved."""
        home = self._best_home
        return 0.0 if home is None else home.upper_bound - home.value

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
        """Price of a token within the tier when it borrows at `price`.

        Where the tier may not take all that it wants, or must take more to be borrowing at all, a
        token is worth something else to it than to the others.
        """
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
