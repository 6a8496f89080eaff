"""Which items that were kept out of a problem could have changed its packing.

Of many items only the densest need to be packed, if it can be told afterwards that the others do
not matter. Packing leaves that test behind: prices of a token, how far the bound at these prices
is above what was found, and the room. An item that costs more at the price than it is worth, by
more than that gap, is in no better choice.

One tier, a price of 1.5 and a gap of 2.25. An item of density 1 and 4 tokens would lose 2, so it
could matter; one of 5 tokens would lose 2.5, so it could not, nor could a larger one of density 1:

>>> doubt = Doubt(price=np.array([1.5]), gap=np.array([2.25]), room=np.array([8]))
>>> doubt.may_concern(0, 1.0, 4), doubt.may_concern(0, 1.0, 5)
(True, False)
>>> doubt.tokens_beyond(0, np.array([1.0, 1.25, 1.5]))
array([5., 9., 9.])

The second would matter up to 9 tokens, but more than 8 do not fit; the third costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Which items could change the outcome of a step if they were added to the problem.

    An item of tier t, of density d and of w tokens cannot if it needs more than `room[t]` tokens,
    or if `(price[t] - d) * w` is more than `gap[t]`: it would lose more than a choice can gain.

    Attributes:
        price: Price of a token in each tier, shape (k,).
        gap: How far what the tier is worth by these prices is above what was found, shape (k,).
        room: Tokens that an item of each tier may need, shape (k,).
    """

    price: FloatArray
    gap: FloatArray
    room: IntArray

    def may_concern(self, tier: int, density: float, tokens: int) -> bool:
        """Whether an item of a tier with this density or less, and these tokens or more, could."""
        return tokens <= int(self.room[tier]) and density >= self.lowest_density(tier, tokens)

    def lowest_density(self, tier: int, tokens: int) -> float:
        """The density below which no item of a tier with these tokens or more could."""
        return float(self.price[tier]) - float(self.gap[tier]) / tokens

    def tokens_beyond(self, tier: int, density: FloatArray) -> FloatArray:
        """The number of tokens from which on items of a tier cannot change the outcome.

        Args:
            tier: Their tier.
            density: Their density, or more, shape (m,).
        """
        loss = np.maximum(self.price[tier] - density, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            by_price = np.floor(self.gap[tier] / loss) + 1.0
        by_price[loss == 0.0] = np.inf
        return np.asarray(np.minimum(by_price, max(0, int(self.room[tier])) + 1.0))
