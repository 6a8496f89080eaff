"""The most valuable items of several tiers that share one budget, and a proof.

A tier costs what it uses, or its guarantee if it uses less: what it could use is kept for it.
So a tier either stays at home, within its guarantee, and is a knapsack of its own; or it borrows
and pays for every token. With one price for a token of the shared budget the tiers fall apart,
and the sum of their best is a bound. The price that makes the bound lowest is found first. Then
each tier lists what it can be worth at which cost, as far as it stays within the gap, and the
lists are merged.

Exact unless a table or a list is over its limit; then the bound states what is left open.

Source: Fisher, *The Lagrangian relaxation method for solving integer programming problems*
(Management Science 27, 1981), for the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.packing.core_table import EQUAL, CoreTable
from mba_integrations.core.packing.cost_lists import (
    AT_HOME,
    CostList,
    all_pairs,
    best_pairs,
    shortened,
    unwound,
)
from mba_integrations.core.packing.knapsack import FIRST_CELLS, FIRST_CORE_ITEMS, rounded_down
from mba_integrations.core.packing.ranked_items import ROUNDING
from mba_integrations.core.packing.sharing_tier import (
    TOKEN_ROUNDING,
    SharingTier,
    bound_at,
    lowest_bound_price,
)

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
    search = _Search(tiers, total_tokens)
    prices = tuple(tier.lowest_price(search.price) for tier in tiers)
    by_density = list(search.most)
    choice = search.run()
    return replace(
        choice, prices=prices, gaps=_gaps(by_density, search.most, search.bound(), choice)
    )


def best_at_home(tiers: list[SharingTier]) -> TieredChoice:
    """The most valuable choice in which every tier stays within its guarantee."""
    by_density = [tier.home_bound for tier in tiers]
    homes = [tier.home for tier in tiers]
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


class _Search:
    """One search: the price; lists from a small core; then from all that is in doubt.

    `most` holds for each tier what its value less its cost is at most. It begins with the bounds
    by densities and falls to what the tier's list shows; the bound of the search falls with it.
    """

    def __init__(self, tiers: list[SharingTier], total_tokens: int) -> None:
        self.tiers = tiers
        self.total = total_tokens
        self.price = lowest_bound_price(tiers, total_tokens)
        self.most = [self._net(tier) for tier in tiers]
        self.prefix_tokens = self._shared_out()
        self.by_size = sorted(range(len(tiers)), key=lambda row: len(tiers[row].items))
        self.tables: dict[int, CoreTable] = {}

    def run(self) -> TieredChoice:
        best = self._round(None)
        if best.upper_bound <= best.value:
            return best
        millionths = [tier.items.millionths for tier in self.tiers]
        common = math.gcd(*millionths) if all(millionths) else 0
        bound = self.bound()
        if rounded_down(bound, common, best.value) <= best.value:
            return replace(best, upper_bound=best.value)
        second = self._round(max(0.0, bound - best.value) + ROUNDING * bound)
        better = second if second.value > best.value else best
        proven = min(best.upper_bound, second.upper_bound)
        proven = rounded_down(proven, common, better.value)
        return replace(better, upper_bound=max(better.value, proven))

    def _net(self, tier: SharingTier) -> float:
        return max(tier.net_home(self.price), tier.net_borrowing(self.price))

    def bound(self) -> float:
        """No choice is worth more."""
        return self.price * self.total + sum(self.most)

    def _shared_out(self) -> list[int]:
        """Tokens of each tier's densest items; those at the price itself share what is left."""
        left = int(self.total - bound_at(self.tiers, self.total, self.price)[1])
        shared_out = []
        for tier, most in zip(self.tiers, self.most, strict=True):
            tokens = tier.borrowing_tokens(self.price) if tier.may_borrow else 0
            if tier.net_borrowing(self.price) == most and left > 0:
                more = min(left, tier.room - tokens, tier.items.tied_tokens(self.price))
                tokens, left = tokens + more, left - more
            shared_out.append(tokens)
        return shared_out

    def _round(self, gap: float | None) -> TieredChoice:
        """The best by states that lose at most `gap`; None: by the nearest items."""
        reach = self._first_reach() if gap is None else gap
        for row, tier in enumerate(self.tiers):
            if self.most[row] - tier.net_home(self.price) <= reach:
                _ = tier.home
                self.most[row] = min(self.most[row], self._net(tier))
        lists, reaches = [], [reach]
        self._cells_left = FIRST_CELLS if gap is None else MAX_SHARED_CELLS
        # Small tiers need few cells and leave theirs to the large ones.
        for waiting, row in zip(range(len(self.tiers), 0, -1), self.by_size, strict=True):
            tier = self.tiers[row]
            states, tier_reach = self._states(
                row, tier, reach, first=gap is None, max_cells=self._cells_left // waiting
            )
            lists.append((row, states))
            reaches.append(tier_reach)
        merged, reach = self._merged(lists, min(reaches), np.inf if gap is None else gap)
        best = self._choice(merged)
        unproven = sum(t.home.upper_bound - t.home.value for t in self.tiers if t.is_home_known)
        bound = max(best.value + unproven, self.bound() - reach)
        return TieredChoice(positions=best.positions, value=best.value, upper_bound=bound)

    def _first_reach(self) -> float:
        return min(
            most - tier.net_borrowing(self.price) + self._nearest_margin(tier)
            for tier, most in zip(self.tiers, self.most, strict=True)
            if tier.may_borrow
        )

    def _nearest_margin(self, tier: SharingTier) -> float:
        return tier.items.nearest_margin(tier.item_price(self.price), FIRST_CORE_ITEMS)

    def _states(
        self, row: int, tier: SharingTier, reach: float, *, first: bool, max_cells: int
    ) -> tuple[CostList, float]:
        """The tier's list, and what any choice that is not in it loses at least."""
        most = self.most[row]
        home_lag = most - tier.net_home(self.price)
        lag = most - tier.net_borrowing(self.price)
        lists, tier_reach = [], np.inf
        if home_lag <= reach:
            lists.append(self._home_state(tier, home_lag))
        else:
            tier_reach = home_lag
        if tier.may_borrow and lag <= reach:
            margin = self._nearest_margin(tier) if first else reach - lag
            table = self._table(row, tier, margin, max_cells)
            tier_reach = min(tier_reach, lag + table.margin)
            lists.append(self._borrowing_states(tier, table, most))
        elif tier.may_borrow:
            tier_reach = min(tier_reach, lag)
        states = CostList.joined(lists)
        surplus = max(0.0, min(tier_reach, float(states.slack.min())))
        self.most[row] = most - surplus
        states.slack -= surplus
        if not first:
            states = states.take(np.flatnonzero(states.slack <= reach))
        return states, float(tier_reach - surplus)

    def _home_state(self, tier: SharingTier, lag: float) -> CostList:
        columns = ([tier.guaranteed], [tier.home.value], [lag])
        cost, value, slack = (np.array(column) for column in columns)
        return CostList(cost, value, slack, np.array([AT_HOME]))

    def _borrowing_states(self, tier: SharingTier, table: CoreTable, most: float) -> CostList:
        steps = table.steps()
        cost = tier.cost(steps + table.base_tokens)
        value = table.worth[steps] + table.base_value
        return CostList(cost, value, most - value + self.price * cost, steps)

    def _table(self, row: int, tier: SharingTier, margin: float, max_cells: int) -> CoreTable:
        table = CoreTable(
            tier.items,
            tier.item_price(self.price),
            margin,
            tier.room,
            prefix_tokens=self.prefix_tokens[row],
            max_cells=max_cells,
        )
        self.tables[row] = table
        self._cells_left -= table.cells
        return table

    def _merged(
        self, lists: list[tuple[int, CostList]], reach: float, gap: float
    ) -> tuple[list[tuple[int, int]] | None, float]:
        """Row and core tokens of each tier in the best combination, and the reach of the search."""
        if not all(len(states) for _, states in lists):
            return None, reach
        lists = sorted(lists, key=lambda entry: len(entry[1]))
        limit = self.total + TOKEN_ROUNDING
        most = FIRST_PAIRS if gap == np.inf else MAX_PAIRS
        merged = lists[0][1]
        waiting = sum(float(states.cost[0]) for _, states in lists[1:])
        for index, (_, states) in enumerate(lists[1:], start=2):
            waiting -= float(states.cost[0])
            merged, shorter, reach = shortened(merged, states, reach, most)
            if index == len(lists):
                merged = best_pairs(merged, shorter, limit)
            else:
                merged = all_pairs(merged, shorter, limit - waiting, gap)
        row = _best_row(merged, limit)
        if row is None:
            return None, reach
        return list(zip([r for r, _ in lists], unwound(merged, row), strict=True)), reach

    def _choice(self, merged: list[tuple[int, int]] | None) -> TieredChoice:
        if merged is None:
            return best_at_home(self.tiers)
        positions = [tier.items.head[:0] for tier in self.tiers]
        for row, core_tokens in merged:
            tier = self.tiers[row]
            if core_tokens == AT_HOME:
                positions[row] = tier.home.positions
            else:
                positions[row] = self.tables[row].positions(tier.items, core_tokens)
        chosen = zip(self.tiers, positions, strict=True)
        value = sum(float(tier.items.value[rows].sum()) for tier, rows in chosen)
        return TieredChoice(positions=positions, value=value, upper_bound=value)


def _best_row(states: CostList, limit: float) -> int | None:
    """The most valuable state within `limit`; of equal ones the cheapest."""
    fitting = np.flatnonzero(states.cost <= limit)
    if not len(fitting):
        return None
    value = states.value[fitting]
    fitting = fitting[value >= value.max() * (1 - EQUAL)]
    return int(fitting[np.argmin(states.cost[fitting])])
