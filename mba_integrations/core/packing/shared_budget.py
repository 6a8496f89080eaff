"""The most valuable items of several tiers that share one budget, and a proof.

A tier costs what it uses, or its guarantee if it uses less: what it could use is kept for it.
So a tier either stays at home, within its guarantee, and is a knapsack of its own; or it borrows
and pays for every token. With one price for a token of the shared budget the tiers fall apart,
and the sum of their best is a bound. The price that makes the bound lowest is found first (see
`shared_price`). Then each tier lists what it can be worth at which cost, as far as it stays within
the gap, and the lists are merged (see `cost_lists`). As for one knapsack there are two rounds: one
with a small core, which mostly finds the best, and one with all that the first left in doubt.

Exact unless a table or a list is over its limit; then the bound states what is left open. Linear
in the number of items, by `ranked_items`; tables and lists are limited by the constants below.

Two tiers share 11 tokens, 4 are kept for each. A holds items worth 8 (4 tokens) and 3 (3), B
holds 9 (3), 4 (4) and 1 (2). A stays at home with its first; B borrows 3 tokens for its second:

>>> from mba_integrations.core.packing.ranked_items import RankedItems
>>> def tier(value, tokens):
...     items = RankedItems(np.array(value), np.array(tokens), 11)
...     return SharingTier(items=items, guaranteed_tokens=4.0, room_tokens=11, opening_tokens=0)
>>> best = best_shared([tier([8.0, 3.0], [4, 3]), tier([9.0, 4.0, 1.0], [3, 4, 2])], 11)
>>> [sorted(positions.tolist()) for positions in best.positions], best.value, best.upper_bound
([[0], [0, 1]], 21.0, 21.0)

Source: Fisher, *The Lagrangian relaxation method for solving integer programming problems*
(Management Science 27, 1981), for the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.packing.core_table import EQUAL
from mba_integrations.core.packing.cost_lists import (
    CostList,
    all_pairs,
    best_pairs,
    shortened,
    unwound,
)
from mba_integrations.core.packing.knapsack import FIRST_CELLS, rounded_down
from mba_integrations.core.packing.ranked_items import ROUNDING
from mba_integrations.core.packing.shared_price import bound_at, lowest_bound_price
from mba_integrations.core.packing.sharing_tier import TOKEN_ROUNDING, SharingTier
from mba_integrations.core.packing.tier_states import Listed, TierStates

MAX_SHARED_CELLS = 2_000_000
"""Cells of the tables of all tiers together."""
MAX_PAIRS = 250_000
"""Pairs of states that one merge looks at."""
FIRST_PAIRS = 4_000
"""The same with the first, small core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TieredChoice:
    """Which items of each tier to take.

    Attributes:
        positions: For each tier the positions of its chosen items.
        value: Sum of their values.
        upper_bound: No choice within the budget is worth more.
        prices: For each tier the price of a token at which densities bound what it is worth.
        gaps: For each tier how far that bound is above what was found. A choice with a further
            item that is worth less than its tokens at the price, by more than this, is worth less.
    """

    positions: list[IntArray]
    value: float
    upper_bound: float
    prices: tuple[float, ...] = ()
    gaps: tuple[float, ...] = ()


def best_shared(tiers: list[SharingTier], total_tokens: int) -> TieredChoice:
    """The most valuable choice whose costs sum to `total_tokens` at most.

    The guarantees must sum to `total_tokens` at most.
    """
    if not any(tier.may_borrow for tier in tiers):
        return best_at_home(tiers)
    search = _PriceSearch(tiers, total_tokens)
    prices = tuple(tier.lowest_price(search.price) for tier in tiers)
    by_density = search.most()
    choice = search.run()
    gaps = _gaps(by_density, search.most(), search.bound(), choice)
    return replace(choice, prices=prices, gaps=gaps)


def best_at_home(tiers: list[SharingTier]) -> TieredChoice:
    """The most valuable choice in which every tier stays within its guarantee."""
    by_density = [tier.home_bound for tier in tiers]
    homes = [tier.best_home() for tier in tiers]
    choice = TieredChoice(
        positions=[home.positions for home in homes],
        value=sum(home.value for home in homes),
        upper_bound=sum(home.upper_bound for home in homes),
        prices=tuple(tier.home_price for tier in tiers),
    )
    exact = [home.upper_bound for home in homes]
    return replace(choice, gaps=_gaps(by_density, exact, choice.upper_bound, choice))


def _gaps(
    by_density: list[float], exact: list[float], bound: float, choice: TieredChoice
) -> tuple[float, ...]:
    """What each tier can lose: what its bound by densities is above a better one, and what the sum
    of the better ones is above the choice."""
    left = max(0.0, bound - choice.value)
    return tuple(
        max(0.0, high - low) + left + ROUNDING * max(1.0, bound)
        for high, low in zip(by_density, exact, strict=True)
    )


class _PriceSearch:
    """One search: the price; lists from a small core; then from all that is in doubt."""

    def __init__(self, tiers: list[SharingTier], total_tokens: int) -> None:
        self.tiers = tiers
        self.total = total_tokens
        self.price = lowest_bound_price(tiers, total_tokens)
        self.parts = [TierStates(tier, self.price) for tier in tiers]
        self._share_out()

    def _share_out(self) -> None:
        """What the bound leaves of the budget goes to items at the price itself, tier by tier."""
        left = int(self.total - bound_at(self.tiers, self.total, self.price)[1])
        for part in self.parts:
            left = part.take_tied(left)

    def most(self) -> list[float]:
        """What each tier keeps at most after its charge at the price, as far as is known now."""
        return [part.most for part in self.parts]

    def bound(self) -> float:
        """No choice is worth more."""
        return self.price * self.total + sum(self.most())

    def run(self) -> TieredChoice:
        best = self._round(None)
        if best.upper_bound <= best.value:
            return best
        # Sums of values that are whole multiples of one number are such multiples too: a bound
        # between two of them is the lower one, which often is the proof.
        millionths = [tier.items.millionths for tier in self.tiers]
        common = math.gcd(*millionths) if all(millionths) else 0
        bound = self.bound()
        if rounded_down(bound, common, best.value) <= best.value:
            return replace(best, upper_bound=best.value)
        # A state that loses more than the bound is above the best so far is in no better choice.
        second = self._round(max(0.0, bound - best.value) + ROUNDING * bound)
        better = second if second.value > best.value else best
        proven = min(best.upper_bound, second.upper_bound)
        proven = rounded_down(proven, common, better.value)
        return replace(better, upper_bound=max(better.value, proven))

    def _round(self, gap: float | None) -> TieredChoice:
        """The best by states that lose at most `gap`; None: by the nearest items."""
        reach = min(part.first_reach() for part in self.parts) if gap is None else gap
        for part in self.parts:
            part.solve_home(reach)
        lists = self._lists(reach, first=gap is None)
        lowest = min([reach, *(listed.reach for _, listed in lists)])
        core_tokens, reach = self._merged(lists, lowest, np.inf if gap is None else gap)
        best = self._choice(core_tokens)
        unproven = sum(tier.home_gap for tier in self.tiers)
        # A better choice uses listed states only, and then it is no better than what was found, but
        # for homes that are not proven; or it uses another state, and loses at least the reach.
        bound = max(best.value + unproven, self.bound() - reach)
        return replace(best, upper_bound=bound)

    def _lists(self, reach: float, *, first: bool) -> list[tuple[TierStates, Listed]]:
        """The states of each tier."""
        # Small tiers need few cells and leave theirs to the large ones.
        cells_left = FIRST_CELLS if first else MAX_SHARED_CELLS
        by_size = sorted(self.parts, key=lambda part: len(part.tier.items))
        lists = []
        for waiting, part in zip(range(len(by_size), 0, -1), by_size, strict=True):
            listed = part.listed(reach, first=first, max_cells=cells_left // waiting)
            cells_left -= listed.cells
            lists.append((part, listed))
        return lists

    def _merged(
        self, lists: list[tuple[TierStates, Listed]], reach: float, gap: float
    ) -> tuple[dict[TierStates, int] | None, float]:
        """Core tokens of each tier in the best combination, and the reach of the search.

        None where no combination fits.
        """
        by_length = sorted(lists, key=lambda entry: len(entry[1].states))
        first, *others = [listed.states for _, listed in by_length]
        if not len(first):
            return None, reach
        limit = self.total + TOKEN_ROUNDING
        most_pairs = FIRST_PAIRS if gap == np.inf else MAX_PAIRS
        merged = first
        # Each list begins with its cheapest state, which is kept free for the lists that wait.
        waiting = sum(float(states.cost[0]) for states in others)
        for index, states in enumerate(others, start=1):
            waiting -= float(states.cost[0])
            merged, shorter, reach = shortened(merged, states, reach, most_pairs)
            if index == len(others):
                merged = best_pairs(merged, shorter, limit)
            else:
                merged = all_pairs(merged, shorter, limit - waiting, gap)
        best = _best_state(merged, limit)
        if best is None:
            return None, reach
        parts = [part for part, _ in by_length]
        return dict(zip(parts, unwound(merged, best), strict=True)), reach

    def _choice(self, core_tokens: dict[TierStates, int] | None) -> TieredChoice:
        if core_tokens is None:
            return best_at_home(self.tiers)
        positions = [part.positions(core_tokens[part]) for part in self.parts]
        chosen = zip(self.tiers, positions, strict=True)
        value = sum(float(tier.items.value[of_tier].sum()) for tier, of_tier in chosen)
        return TieredChoice(positions=positions, value=value, upper_bound=value)


def _best_state(states: CostList, limit: float) -> int | None:
    """The most valuable state within `limit`; of equal ones the cheapest."""
    fitting = np.flatnonzero(states.cost <= limit)
    if not len(fitting):
        return None
    value = states.value[fitting]
    fitting = fitting[value >= value.max() * (1 - EQUAL)]
    return int(fitting[np.argmin(states.cost[fitting])])
