"""Packing against brute force, and the rules that hold for every instance."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.errors import InputError
from mba_integrations.core.packing import (
    PackingProblem,
    marginal_density,
    next_in,
    pack,
)


def problem(
    items: list[tuple[int, float, int]],
    total: int,
    *,
    shares: list[float] | None = None,
    caps: list[float] | None = None,
    opening: list[int] | None = None,
    borrowing: bool = True,
) -> PackingProblem:
    """Items as (tokens, value, tier)."""
    shares = [float(total)] if shares is None else shares
    return PackingProblem(
        value=np.array([item[1] for item in items], dtype=np.float64),
        tokens=np.array([item[0] for item in items], dtype=np.int64),
        tier=np.array([item[2] for item in items], dtype=np.int64),
        total_tokens=total,
        tier_tokens=np.array(shares),
        tier_cap_tokens=np.array([np.inf] * len(shares) if caps is None else caps),
        opening_tokens=np.array([0] * len(shares) if opening is None else opening),
        borrowing=borrowing,
    )


@st.composite
def problems(draw: st.DrawFn, *, max_items: int = 10, borrowing: bool | None = None) -> Any:
    tiers = draw(st.integers(1, 3))
    total = draw(st.integers(0, 60))
    worth = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0.0, 1.0)
    item = st.tuples(st.integers(1, 25), worth, st.integers(0, tiers - 1))
    weights = draw(st.lists(st.integers(0, 5), min_size=tiers, max_size=tiers))
    left_free = draw(st.integers(0, 3))
    cap = st.just(np.inf) | st.floats(0.0, 60.0)
    return problem(
        draw(st.lists(item, max_size=max_items)),
        total,
        shares=[total * weight / max(1, sum(weights) + left_free) for weight in weights],
        caps=draw(st.lists(cap, min_size=tiers, max_size=tiers)),
        opening=draw(st.lists(st.integers(0, 6), min_size=tiers, max_size=tiers)),
        borrowing=draw(st.booleans()) if borrowing is None else borrowing,
    )


class Oracle:
    """All subsets of a small instance, by the rules as the module states them."""

    def __init__(self, p: PackingProblem) -> None:
        self.p, n, k = p, len(p.value), len(p.tier_tokens)
        self.members = (np.arange(2**n)[:, None] >> np.arange(n)) % 2 == 1
        self.value = self.members @ p.value
        one_tier = p.tier[:, None] == np.arange(k)
        self.used = self.members @ (p.tokens[:, None] * one_tier)
        self.used = self.used + np.where(self.members @ one_tier, p.opening_tokens, 0)
        self.caps = np.minimum(p.tier_cap_tokens, p.total_tokens)
        self.share = np.minimum(p.tier_tokens, self.caps)

    def guaranteed(self) -> np.ndarray:
        p = self.p
        fits = p.tokens + p.opening_tokens[p.tier] <= self.share[p.tier] + 1e-6
        fits &= p.value > 0
        needs = np.bincount(p.tier[fits], weights=p.tokens[fits], minlength=len(self.share))
        needs = np.where(needs > 0, needs + p.opening_tokens, 0)
        return np.minimum(self.share, needs)

    def worths(self) -> list[float]:
        """What a correct packing may be worth: one number, unless the first step has ties."""
        p = self.p
        if not p.borrowing:
            return [float(self.value[(self.used <= self.share + 1e-6).all(axis=1)].max())]
        allowed = (self.used <= self.caps + 1e-6).all(axis=1)
        charged = np.maximum(self.used, self.guaranteed()).sum(axis=1)
        first = np.where(allowed & (charged <= p.total_tokens + 1e-6), self.value, -1.0)
        whole = allowed & (self.used.sum(axis=1) <= p.total_tokens)
        best = np.flatnonzero(first >= first.max() - 1e-9)
        return [self._filled(row, whole) for row in best]

    def _filled(self, row: int, whole: np.ndarray) -> float:
        return float(self.value[whole & ((np.arange(len(whole)) & row) == row)].max())


@settings(max_examples=600, deadline=None)
@given(problems())
def test_packing_is_worth_what_brute_force_finds(p: PackingProblem) -> None:
    packing = pack(p)
    worths = Oracle(p).worths()
    assert any(packing.value == pytest.approx(worth, abs=1e-9) for worth in worths)
    assert packing.proven_optimal
