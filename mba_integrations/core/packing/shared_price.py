"""The price of a token of a budget that tiers share.

At a price, each tier chooses on its own: to stay at home and be charged its guarantee, or to
borrow and be charged what it uses. The sum of what they keep after that charge, and the budget at
the price, bound what any choice within the budget is worth. The bound is convex and piecewise
linear in the price, with kinks at densities of items and where a tier's choice turns. A bisection
over the densities finds the two neighbours around the lowest; tangents go on between them.

O(log items) bounds, each a few bisections per tier.

Two tiers share 11 tokens, 4 are kept for each. A holds items worth 8 (4 tokens) and 3 (3), B
holds 9 (3), 4 (4) and 1 (2). At a price of 1, A keeps 8 - 4 and B 10 - 4 (9 and a quarter of 4,
less its 4), so the bound is 11 + 4 + 6, and that is the lowest:

>>> from mba_integrations.core.packing.ranked_items import RankedItems
>>> def tier(value, tokens):
...     items = RankedItems(np.array(value), np.array(tokens), 11)
...     return SharingTier(items=items, guaranteed_tokens=4.0, room_tokens=11, opening_tokens=0)
>>> tiers = [tier([8.0, 3.0], [4, 3]), tier([9.0, 4.0, 1.0], [3, 4, 2])]
>>> lowest_bound_price(tiers, 11), bound_at(tiers, 11, 1.0)
(1.0, (21.0, 8.0))
>>> bound_at(tiers, 11, 1.5)[0], bound_at(tiers, 11, 0.5)[0]
(22.5, 22.5)

Source: Fisher, *The Lagrangian relaxation method for solving integer programming problems*
(Management Science 27, 1981).
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.packing.sharing_tier import TOKEN_ROUNDING, SharingTier


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
    """The price whose bound is lowest, of those up to the highest density.

    Above all densities the bound can fall further only where a tier would borrow for the part of a
    token that its guarantee has: not worth a search, since every bound holds.
    """
    limit = total_tokens + TOKEN_ROUNDING
    heads = [tier.items.head_density for tier in tiers if tier.may_borrow]
    prices: list[float] = np.sort(np.concatenate([[0.0], *heads])).tolist()
    # The charge falls as the price rises; the bound is lowest where it meets the budget.
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
    """The lowest of the bound, which falls at `low` and does not at `high`, by its tangents.

    At a price the bound rises by budget less charge; the tangents of both ends cross at a price
    between them, which becomes the end on its side. Few steps reach a kink; after eight the lowest
    so far serves, since every bound holds.
    """
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
