"""Which units are not worth their tokens.

A token has a price, in value; a unit that is worth less than its tokens at that price stays out,
whatever room there is. So the budget is a ceiling, and a prompt may be shorter. Where it is doubted
that anything is needed the price is high, and the densest units of up to `SPARED_TOKENS` come in
all the same: a question whose words no item has may be about one of them. Only units whose tokens
decide are counted. The newest exchange, which comes in before others, takes its tokens off theirs.
O(n).
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import BoolArray, IntArray
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.units.displacement import densest_units

SPARED_TOKENS = 48
"""About two messages of a chat."""


def below_price(problem: SelectionProblem, is_open: BoolArray) -> IntArray:
    """Open units that are worth less than their tokens, ascending.

    Args:
        problem: What is chosen from.
        is_open: The units that could come in, shape (m,).
    """
    if problem.token_price <= 0.0:
        return np.zeros(0, dtype=np.int64)
    is_below = np.zeros(len(problem.units), dtype=np.bool_)
    is_below[problem.units.worth_less(problem.token_price)] = True
    is_below &= is_open
    if problem.spares:
        is_below[_spared(problem, is_below)] = False
    return np.flatnonzero(is_below)


def _spared(problem: SelectionProblem, is_below: BoolArray) -> IntArray:
    """The densest of the units, as many as fit in `SPARED_TOKENS`, headings not counted."""
    units = problem.units
    spared = SPARED_TOKENS - int(units.tokens(problem.recent).sum())
    may_be = is_below.copy()
    may_be[problem.recent] = False
    below = np.flatnonzero(may_be)
    best = densest_units(units, units.density, below, spared + 1) if spared > 0 else below[:0]
    filled = np.cumsum(units.tokens(best))
    return best[: int(np.searchsorted(filled, spared, side="right"))]
