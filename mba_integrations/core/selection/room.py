"""What is left for packing once pins have their place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.packing.problem import PackingProblem
from mba_integrations.core.selection.units import Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left for packing once pins, and what stays of a previous prompt, have their place."""

    forced: IntArray
    forced_tokens: int
    total: int
    tier_tokens: FloatArray
    tier_cap: FloatArray
    capped: BoolArray
    opening: IntArray
    borrowing: bool

    def shares(self, extra: int) -> FloatArray:
        """What belongs to each tier with *extra* tokens, shape (4,)."""
        total = max(0, self.total + extra)
        shares = np.minimum(self.tier_tokens, self._caps(extra))
        belongs = float(shares.sum())
        return shares * (total / belongs) if belongs > total else shares

    def _caps(self, extra: int) -> FloatArray:
        return np.where(self.capped, self.tier_cap, self.tier_cap + max(0, extra))

    def problem(self, units: Units, chosen_from: IntArray, extra: int) -> PackingProblem:
        """To choose from these units with *extra* tokens."""
        tokens = units.tokens(chosen_from)
        return PackingProblem(
            value=units.value(chosen_from, tokens),
            tokens=tokens,
            tier=units.tier[chosen_from],
            total_tokens=max(0, self.total + extra),
            tier_tokens=self.shares(extra),
            tier_cap_tokens=self._caps(extra),
            opening_tokens=self.opening,
            borrowing=self.borrowing,
        )
