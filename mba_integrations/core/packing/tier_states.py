"""What one tier can be worth at which cost, as far as a search at a price needs to know.

The states of a tier are its best choice at home and, from a table over its items in doubt, the
best for every cost beyond. Each has a slack: what it keeps at the price, below the most that the
tier could keep. A state of a slack above the reach of the search is in no better choice, so the
list ends there; and what the list shows lowers that most, which lowers the bound of the search.

Costs a table of `core_table`, and once a knapsack for the choice at home.

A tier with 4 of 11 tokens guaranteed holds items worth 9 (3 tokens), 4 (4) and 1 (2). At a price
of 1 it could keep 6 by densities. Its list shows that it keeps 6 with 7 tokens and worth 13; home,
at a cost of 4, keeps 5, so its slack is 1:

>>> from mba_integrations.core.packing.ranked_items import RankedItems
>>> items = RankedItems(np.array([9.0, 4.0, 1.0]), np.array([3, 4, 2]), 11)
>>> tier = SharingTier(items=items, guaranteed_tokens=4.0, room_tokens=11, opening_tokens=0)
>>> listed = TierStates(tier, 1.0).listed(1.0, first=True, max_cells=1000)
>>> states = listed.states
>>> list(zip(states.cost.tolist(), states.value.tolist(), states.slack.tolist()))
[(4.0, 9.0, 1.0), (5.0, 10.0, 1.0), (7.0, 13.0, 0.0), (9.0, 14.0, 1.0)]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.packing.core_table import CoreTable
from mba_integrations.core.packing.cost_lists import AT_HOME, CostList
from mba_integrations.core.packing.knapsack import FIRST_CORE_ITEMS
from mba_integrations.core.packing.sharing_tier import SharingTier


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A tier's states.

    Attributes:
        states: The states.
        reach: What any choice that uses none of them loses at least.
        cells: Cells of the table that they came from; 0 without one.
    """

    states: CostList
    reach: float
    cells: int


class TierStates:
    """One tier in the search at a price of a token.

    Args:
        tier: The tier.
        price: Price of a token of the shared budget.

    Attributes:
        most: No choice keeps more value after its charge at the price. By densities at first,
            and lower once home or the list shows less.
        prefix_tokens: Tokens of the tier's densest items that the bound of the search takes.
    """

    def __init__(self, tier: SharingTier, price: float) -> None:
        self.tier = tier
        self.price = price
        self.most = self._net()
        self.prefix_tokens = tier.borrowing_tokens(price) if tier.may_borrow else 0
        self._table: CoreTable | None = None

    def _net(self) -> float:
        return max(self.tier.net_home(self.price), self.tier.net_borrowing(self.price))

    @property
    def _home_lag(self) -> float:
        """What home loses against the most."""
        return self.most - self.tier.net_home(self.price)

    @property
    def _borrowing_lag(self) -> float:
        """What borrowing loses against the most; infinite where the tier cannot borrow."""
        return self.most - self.tier.net_borrowing(self.price)

    def take_tied(self, left: int) -> int:
        """Add items at the price itself to the prefix; how many of the tokens *left* they leave."""
        if self._borrowing_lag != 0 or left <= 0:
            return left
        free = self.tier.room - self.prefix_tokens
        more = min(left, free, self.tier.items.tied_tokens(self.price))
        self.prefix_tokens += more
        return left - more

    def first_reach(self) -> float:
        """What a choice that the small core leaves out loses at least."""
        if not self.tier.may_borrow:
            return np.inf
        return self._borrowing_lag + self._nearest_margin()

    def _nearest_margin(self) -> float:
        return self.tier.items.nearest_margin(self.tier.item_price(self.price), FIRST_CORE_ITEMS)

    def solve_home(self, reach: float) -> None:
        """Solve the choice at home if it is within the reach."""
        if self._home_lag <= reach:
            self.tier.best_home()
            self.most = min(self.most, self._net())

    def listed(self, reach: float, *, first: bool, max_cells: int) -> Listed:
        """The states of a slack within *reach*, after `solve_home` of the same reach.

        Args:
            reach: Largest slack of interest.
            first: Whether a small core will do, and states of any slack in it.
            max_cells: Most cells of the table.
        """
        lists, outside, cells = [], np.inf, 0
        if self._home_lag <= reach:
            lists.append(self._home())
        else:
            outside = self._home_lag
        if self.tier.may_borrow and self._borrowing_lag <= reach:
            margin = self._nearest_margin() if first else reach - self._borrowing_lag
            table = self._table = self._made_table(margin, max_cells)
            outside = min(outside, self._borrowing_lag + table.margin)
            lists.append(self._borrowing(table))
            cells = table.cells
        elif self.tier.may_borrow:
            outside = min(outside, self._borrowing_lag)
        states = CostList.joined(lists)
        # Where even the best state has slack, no choice reaches the most: it falls by that.
        surplus = max(0.0, min(outside, float(states.slack.min())))
        self.most -= surplus
        states.slack -= surplus
        if not first:
            states = states.take(np.flatnonzero(states.slack <= reach))
        return Listed(states=states, reach=float(outside - surplus), cells=cells)

    def _home(self) -> CostList:
        columns = ([self.tier.guaranteed], [self.tier.best_home().value], [self._home_lag])
        cost, value, slack = (np.array(column) for column in columns)
        return CostList(cost, value, slack, np.array([AT_HOME]))

    def _made_table(self, margin: float, max_cells: int) -> CoreTable:
        return CoreTable(
            self.tier.items,
            self.tier.item_price(self.price),
            margin,
            self.tier.room,
            prefix_tokens=self.prefix_tokens,
            max_cells=max_cells,
        )

    def _borrowing(self, table: CoreTable) -> CostList:
        steps = table.steps()
        cost = self.tier.cost(steps + table.base_tokens)
        value = table.worth[steps] + table.base_value
        return CostList(cost, value, self.most - value + self.price * cost, steps)

    def positions(self, core_tokens: int) -> IntArray:
        """Positions of the items of a state, by the tokens that it has from the core."""
        if core_tokens == AT_HOME or self._table is None:
            return self.tier.best_home().positions
        return self._table.positions(self.tier.items, core_tokens)
