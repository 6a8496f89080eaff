"""The most valuable items that fit one capacity, and a proof of how good the choice is.

Items are taken in order of density (value per token) up to the first that does not fit. Its
density is the price of a token; an item's reduced value is its value less its tokens at that
price. Only items whose reduced value is near zero are in doubt: leaving out a better one, or
taking a worse one, costs more than the gap between the choice and its bound. A dynamic program
over those few, the core, settles them.

Two cores at most: a small one around the break, which mostly finds the optimum, and one that holds
every item in doubt by the gap that the first left, which proves it or finds better. Exact unless
the second needs more than `MAX_CELLS` table cells; then the bound states what is left open.
Linear in the number of items: only the dense head is sorted (see `ranked_items`).

Five items, a to e, for 8 tokens. By density alone a and e come in, worth 11; the bound is 15.25.
The core finds b and c, which leave the densest item out, and that nothing is better:

>>> items = RankedItems(np.array([10.0, 7.0, 6.0, 4.0, 1.0]), np.array([5, 4, 4, 4, 2]), 8)
>>> best = best_within(items, 8)
>>> sorted(best.positions.tolist()), best.value, best.upper_bound
([1, 2], 13.0, 13.0)

Source: Martello and Toth, *Knapsack Problems* (Wiley, 1990), chapter 2; Pisinger, *A minimal
algorithm for the 0-1 knapsack problem* (Operations Research 45, 1997), for the core.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.packing.core_table import MAX_CELLS, CoreTable
from mba_integrations.core.packing.ranked_items import ROUNDING, RankedItems

FIRST_CORE_ITEMS = 16
"""Items in the first core. It usually finds the optimum; the second core proves it."""
FIRST_CELLS = 100_000
"""Cells of the first table, where many equal items would make it large."""
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
        # All fit, or the densest fill the room to the last token: the bound is met.
        value = items.value_sum[count]
        return Choice(positions=items.head[:count], value=value, upper_bound=value)
    return _best_by_core(items, room, bound, price)


def _best_by_core(items: RankedItems, room: int, bound: float, price: float) -> Choice:
    """By the small core; where that proves nothing, by the core that holds all in doubt."""
    margin = items.nearest_margin(price, FIRST_CORE_ITEMS)
    first = _by_core(items, room, bound, price, margin, FIRST_CELLS)
    if first.upper_bound <= first.value:
        return first
    # Values such as 0.05, 0.35 sum to multiples of 0.05 only, so a bound between two is met below.
    if rounded_down(bound, items.millionths, first.value) <= first.value:
        return Choice(positions=first.positions, value=first.value, upper_bound=first.value)
    gap = bound - first.value + ROUNDING * bound
    second = _by_core(items, room, bound, price, gap, MAX_CELLS)
    better = max(first, second, key=lambda choice: choice.value)
    if better.value < second.upper_bound:
        # The table had no place for some items that would have fitted beside its choice.
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
    for position in items.head[~np.isin(items.head, choice.positions)].tolist():
        if items.tokens[position] <= left:
            left -= int(items.tokens[position])
            more.append(position)
    if not more:
        return choice
    positions = np.concatenate([choice.positions, np.array(more)])
    return replace(choice, positions=positions, value=float(items.value[positions].sum()))


def rounded_down(bound: float, millionths: int, value: float) -> float:
    """The bound as a multiple of what all values are multiples of; `value` if it is met.

    Args:
        bound: No choice is worth more.
        millionths: Every value is a multiple of so many; 0 if there is no such number.
        value: Worth of a choice.

    >>> rounded_down(1.2345, 50_000, 1.1), rounded_down(1.2345, 50_000, 1.2)
    (1.2, 1.2)
    >>> rounded_down(1.2345, 0, 1.2)
    1.2345
    """
    if millionths:
        # A thousandth of a multiple more, so that a bound just below one by rounding keeps it.
        bound = min(bound, math.floor(bound * 1e6 / millionths + 1e-3) * millionths / 1e6)
    return value if bound <= value * (1 + ROUNDING) else bound


def _by_core(
    items: RankedItems, room: int, bound: float, price: float, margin: float, max_cells: int
) -> Choice:
    """The best by a table; beyond its margin, what differs loses at least the margin."""
    table = CoreTable(items, price, margin, room, prefix_tokens=room, max_cells=max_cells)
    core_tokens = table.fewest_tokens()
    value = table.base_value + float(table.worth[core_tokens])
    return Choice(
        positions=table.positions(items, core_tokens),
        value=value,
        upper_bound=max(value, bound - table.margin),
    )
