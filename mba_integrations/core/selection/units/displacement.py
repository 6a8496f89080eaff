"""What a token of a tier's share has to be worth: not far below what it displaces.

If no tier had a share, the units would come in by density until the budget is full. The density at
which that ends is what the last tokens are worth, the price of a token; the mean density of what
came in is what they are worth on average. A share that is held for units of lower density costs the
difference. So a unit counts for the guarantee of its tier from `MARGINAL_PART` of the price on, and
from `MEAN_PART` of the mean: where nearly all fits the price is near 0, and the mean still tells
what is needed from what is not.

Five units and a budget of 30 tokens. The first three come in, worth 0.05 a token on average; the
fourth does not fit, and is worth 0.03 a token. So a unit counts from 0.021 a token on:

    tokens    10    10    10    10    10
    value     0.7   0.5   0.3   0.3   0.1
    density   0.07  0.05  0.03  0.03  0.01

>>> density = np.array([0.07, 0.05, 0.03, 0.03, 0.01])
>>> round(_least_density(density * 10, np.full(5, 10), 30), 3)
0.021

Measured on sixty situations made by hand in four tiers, with and without vectors: both parts are at
the top of what gives the recall of no shares at all (see docs/evidence.md).
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray, densest
from mba_integrations.core.selection.units.units import Units

MARGINAL_PART = 0.7
"""Of the price of a token, from which a unit counts for its tier's guarantee."""
MEAN_PART = 0.3
"""The same of the mean worth of a token."""
FIRST_UNITS = 8
"""Units looked at beyond those that are guessed. Fewer are often asked for twice."""
GUESSED_TOKENS = 48
"""Tokens of a unit that is not counted, for a first number of units; it decides nothing."""


def least_density(
    units: Units, density: FloatArray, tiers: tuple[IntArray, ...], room_tokens: int
) -> float:
    """Value per token from which a unit counts for its tier's guarantee; 0 where all do.

    Args:
        units: All units.
        density: Value per token of each of them, or more where it is not counted, shape (m,).
        tiers: The units of each tier that may come in.
        room_tokens: Tokens that they may have together.
    """
    # A tier that is alone displaces nothing.
    if sum(len(of_tier) > 0 for of_tier in tiers) < 2 or room_tokens <= 0:
        return 0.0
    best = densest_units(units, density, np.concatenate(tiers), room_tokens + 1)
    tokens = units.tokens(best)
    return _least_density(units.value(best, tokens), tokens, room_tokens)


def _least_density(value: FloatArray, tokens: IntArray, room_tokens: int) -> float:
    """The same for units by falling density; 0 where all of them fit."""
    filled = np.cumsum(tokens)
    count = int(np.searchsorted(filled, room_tokens, side="right"))
    if count == len(tokens):
        return 0.0
    price = float(value[count] / tokens[count])
    mean = float(value[:count].sum() / filled[count - 1]) if count else price
    return max(MARGINAL_PART * price, MEAN_PART * mean)


def densest_units(
    units: Units, density: FloatArray, rows: IntArray, room_tokens: float
) -> IntArray:
    """Of the units *rows* the densest, by falling density, that fill so many tokens; or all.

    Only those that could be among them are counted. O(n), and O(k log k) for k of them.
    """
    most = density[rows]
    count = int(room_tokens / GUESSED_TOKENS) + FIRST_UNITS
    while True:
        places, above_others = densest(most, count)
        few, some = len(places) < len(rows), rows[places]
        tokens = units.tokens(some)
        by_tokens = units.value(some, tokens) / tokens
        order = np.lexsort((some, -by_tokens))
        filled = np.cumsum(tokens[order])
        # Where units are not counted, their densities are bounds: only what is above the others'
        # bound is known to come before them.
        known = int(np.count_nonzero(by_tokens >= above_others)) if few else len(some)
        if not few or (known and filled[known - 1] >= room_tokens):
            return some[order[: int(np.searchsorted(filled, room_tokens)) + 1]]
        count *= 4
