"""Pack the units that can come in, and show that no other could have.

Of each tier the densest units are taken, somewhat more than its share holds. They are packed, and
the packing says which other units could change its outcome: those that fit and whose density is
near the price of a token. Those are added, and packing runs again, until there are none. So the
result is that of packing all units, at the cost of a few, and only those few need to be counted.

One tier, a budget of 60 tokens and units by falling density, were the first three taken:

    unit      a     b     c     d     e     f
    tokens    20    20    30    25    10    25
    value     0.8   0.6   0.6   0.4   0.02  0.025
    density   .04   .03   .02   .016  .002  .001

Worth the most are a and b, or a and c, with 1.4. The bound takes 20 tokens of c at its price of
0.02: 1.8, so 0.4 are open. A selection with d loses (0.02 - 0.016) * 25 = 0.1 of the bound, one
with e 0.18: both could be worth more and are added. One with f loses 0.475 and could not, so f is
not counted. Packed again, e comes in beside a and b: 1.42.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray, densest
from mba_integrations.core.packing.doubt import Doubt
from mba_integrations.core.packing.pack import Packing, pack
from mba_integrations.core.packing.problem import PackingProblem
from mba_integrations.core.selection.units.displacement import FIRST_UNITS, GUESSED_TOKENS
from mba_integrations.core.selection.units.units import Units

SHARE_HELD = 1.25
"""Tokens of the first prospects of a tier, as a multiple of its share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept for a tier; see `packing.guarantee`.

    Attributes:
        share_tokens: The tier's share.
        opening_tokens: What its first item pays besides.
        firm_tokens: The part of the share that is kept for items of any worth.
        least_density: Value per token from which an item counts for the rest.
    """

    share_tokens: float
    opening_tokens: int
    firm_tokens: float = 0.0
    least_density: float = 0.0


class TierProspects:
    """The prospects of one tier.

    Args:
        rows: Its units, ascending.
        density: Value per token of every unit, or more, shape (m,).
        units: All units.
    """

    def __init__(self, rows: IntArray, density: FloatArray, units: Units) -> None:
        self._rows, self._density, self._units = rows, density[rows], units
        self._is_in: BoolArray = np.zeros(len(rows), dtype=np.bool_)
        self._above_outside = np.inf

    def begin(self, kept: Kept) -> None:
        """Take the densest units, so many that the guarantee of the tier is known."""
        wanted = SHARE_HELD * kept.share_tokens
        count = int(wanted / GUESSED_TOKENS) + FIRST_UNITS
        while True:
            self._take_densest(count)
            if self.is_complete:
                return
            tokens = self._units.tokens(self.units)
            if tokens.sum() >= wanted and self._is_guarantee_known(tokens, kept):
                return
            # What is in may be more than was asked for: equal densities come in together.
            count = 2 * max(count, int(np.count_nonzero(self._is_in)))

    @property
    def is_complete(self) -> bool:
        """Whether every unit of the tier is a prospect."""
        return bool(self._is_in.all())

    @property
    def units(self) -> IntArray:
        """The prospects, ascending."""
        return self._rows[self._is_in]

    def _take_densest(self, count: int) -> None:
        """Take about so many; all, if those are in already, so that a search ends."""
        places, self._above_outside = densest(self._density, count)
        if self._is_in[places].all():
            self._is_in[:] = True
        self._is_in[places] = True

    def _is_guarantee_known(self, tokens: IntArray, kept: Kept) -> bool:
        """Whether no other unit could change what `guarantee` keeps for the tier.

        All of the share is kept if the units that count fill it and pay for the opening: others
        that count only add to both. Else every unit that counts has to be a prospect, and every
        unit that fits as long as they do not fill the firm part.
        """
        room = kept.share_tokens - kept.opening_tokens
        fits = tokens <= room
        value = self._units.value(self.units, tokens)
        counts = fits & (value >= kept.least_density * tokens)
        filled = int(tokens[counts].sum())
        pays = value[counts].sum() >= kept.least_density * (filled + kept.opening_tokens)
        if filled >= room and pays:
            return True
        lowest = kept.least_density if tokens[fits].sum() >= kept.firm_tokens else 0.0
        concerned = ~self._is_in & (self._density > 0) & (self._density >= lowest * (1 - 1e-9))
        outside = self._rows[concerned]
        return not (self._units.at_least(outside, np.full(len(outside), room + 1)) <= room).any()

    def add_concerned(self, tier: int, doubts: tuple[Doubt, ...]) -> bool:
        """Take the units that could have changed the outcome; whether there were any."""
        if self.is_complete:
            return False
        if doubts[0].price[tier] <= 0.0 and doubts[0].room[tier] > 0:
            # Not even the prospects cost each other anything: there is room for many more.
            self._take_densest(4 * int(np.count_nonzero(self._is_in)) + FIRST_UNITS)
            return True
        smallest = self._units.column.smallest
        open_doubts = [d for d in doubts if d.may_concern(tier, self._above_outside, smallest)]
        if not open_doubts:
            return False
        lowest = min(doubt.lowest_density(tier, smallest) for doubt in open_doubts)
        outside = np.flatnonzero((self._density >= lowest) & ~self._is_in)
        density = self._density[outside]
        beyond = np.max([doubt.tokens_beyond(tier, density) for doubt in open_doubts], axis=0)
        places = outside[self._units.at_least(self._rows[outside], beyond) < beyond]
        self._is_in[places] = True
        return len(places) > 0


def pack_prospects(
    tiers: Sequence[IntArray],
    units: Units,
    density: FloatArray,
    problem_of: Callable[[IntArray], PackingProblem],
    kept: Sequence[Kept],
) -> Packing:
    """The packing of all units of the tiers.

    Args:
        tiers: Units of each tier that may be chosen, ascending.
        units: All units.
        density: Value per token of every unit, or more where it is not counted, shape (m,).
        problem_of: The problem with only these units, ascending.
        kept: What is kept for each tier in that problem.

    Returns:
        The packing; `chosen` are units.
    """
    prospects = [TierProspects(rows, density, units) for rows in tiers]
    for tier, of_tier in zip(prospects, kept, strict=True):
        tier.begin(of_tier)
    while True:
        chosen_from = np.sort(np.concatenate([tier.units for tier in prospects]))
        packing = pack(problem_of(chosen_from))
        more = [tier.add_concerned(code, packing.doubts) for code, tier in enumerate(prospects)]
        if not any(more):
            return replace(packing, chosen=chosen_from[packing.chosen])
