"""How much of the previous prompt stays as it stood.

A prompt cache reuses the beginning that two prompts have in common. So one number decides: up to
which item the previous prompt stays, byte for byte. All behind that item is chosen anew. Each
possible place is weighed by what the selection is worth with it, plus `stability` times the value
of a marginal token for each token that stays: an item that stays pays for only `1 - stability` of
its tokens. An item in the middle that lost its worth stays as long as what stands behind it is
worth more; once that is no longer so, one compaction writes all from there on anew. What may come
and go stands at the end, where coming and going costs nothing.

What the selection is worth is estimated by filling the rest of the budget by density, the last item
in part. That is exact for one tier but for the last item, so at the first place it bounds the value
of every selection. The tiers' guarantees and caps hold for what stays; a section in chronological
order stays in it, so that what is older than its last item that stays is closed to choice.

O(n) in the candidates, and at most `_PLACES` times the candidates that could fill the budget twice.
Only those are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray, densest
from mba_integrations.core.budget.plan import BudgetPlan
from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.assembly import chronological_order
from mba_integrations.core.selection.prospects import FIRST_UNITS, GUESSED_TOKENS
from mba_integrations.core.selection.units import Units

_TIERS = tuple(MemoryTier)
_PLACES = 128
"""Places that are weighed; in a longer prompt they lie evenly among its items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingProblem:
    """What is known before it is decided how much stays.

    Attributes:
        snapshot: The candidates.
        units: The candidates with groups joined.
        density: Value per token of every unit, or more where it is not counted, shape (m,).
        rows: Rows that began the previous prompt, unchanged, in their order, shape (k,).
        opens: Which of them have a heading before them, shape (k,).
        tokens: Tokens of each of them as it stands there, shape (k,).
        value: Value of each of them as it stands there, shape (k,).
        min_score: Units with a lower score stay out.
        plan: The budget.
        opening: Tokens of each tier's heading, shape (4,).
        fixed_tokens: What a prompt costs besides.
        chronological: Tiers whose sections are in chronological order.
        stability: Part of its tokens that an item does not pay for if it stays, in [0, 1].
    """

    snapshot: PoolSnapshot
    units: Units
    density: FloatArray
    rows: IntArray
    opens: BoolArray
    tokens: IntArray
    value: FloatArray
    min_score: float
    plan: BudgetPlan
    opening: IntArray
    fixed_tokens: int
    chronological: frozenset[MemoryTier]
    stability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How much stays.

    Attributes:
        count: How many of the problem's rows, from the first.
        upper_bound: No selection is worth more, whatever stays.
        closed: Rows that would stand out of their chronological order.
    """

    count: int
    upper_bound: float
    closed: IntArray


def hold(problem: HoldingProblem) -> Holding:
    """Weigh every place of the previous prompt; of equal ones the last."""
    work = _Weighing(problem)
    places = work.places()
    worth, rate = work.worth(places)
    weighed = worth + problem.stability * rate * work.standing[places]
    best = np.flatnonzero(weighed >= weighed.max() * (1 - 1e-12))[-1]
    count = int(places[best])
    return Holding(
        count=count,
        upper_bound=float(worth[0]) + work.pinned_value,
        closed=closed_rows(problem.snapshot, problem.rows[:count], problem.chronological),
    )


class _Weighing:
    """The sums that the places are weighed by; those over places have shape (k + 1,)."""

    def __init__(self, problem: HoldingProblem) -> None:
        self.problem = problem
        units = problem.units
        own_units = units.unit_of[problem.rows]
        pinned = units.pinned[own_units]
        first = np.zeros(len(problem.rows), dtype=bool)
        first[np.unique(own_units, return_index=True)[1]] = True
        alone = problem.snapshot.columns.group[problem.rows] < 0
        unit_tokens = units.tokens(own_units)
        tokens = np.where(alone, problem.tokens, unit_tokens)
        value = np.where(alone, problem.value, units.value(own_units, unit_tokens))
        counted = first & ~pinned
        self.tier = units.tier[own_units]
        headings = np.where(problem.opens, problem.opening[self.tier], 0)
        self.new_tokens = np.where(counted, tokens, 0) + headings
        self.standing = _sums(problem.tokens + headings)
        self.paid = _sums(self.new_tokens)
        self.value = _sums(np.where(counted, value, 0.0))
        self.unit_place = np.full(len(units), len(problem.rows))
        np.minimum.at(self.unit_place, own_units, np.arange(len(problem.rows)))
        always = np.flatnonzero(units.pinned)
        always_tokens = units.tokens(always)
        self.pinned_value = float(units.value(always, always_tokens).sum())
        self.pinned_tokens = np.bincount(
            units.tier[always], weights=always_tokens, minlength=len(_TIERS)
        )
        self.open_units = (units.score >= problem.min_score) & ~units.pinned
        self.open_units &= problem.plan.tier_cap_tokens[units.tier] >= 1

    def places(self) -> IntArray:
        """Places up to which the prompt could stay: 0, and those that budget and tiers allow."""
        problem = self.problem
        barred = ~(self.open_units | problem.units.pinned)[problem.units.unit_of[problem.rows]]
        most = int(np.argmax(barred)) if barred.any() else len(problem.rows)
        used = np.stack(
            [_sums(np.where(self.tier == code, self.new_tokens, 0)) for code in range(len(_TIERS))],
            axis=1,
        )
        fits = self._fits(used + self.pinned_tokens)
        most = min(most, int(np.argmin(fits)) - 1 if not fits.all() else most)
        count = min(most + 1, _PLACES)
        return np.unique(np.linspace(0, max(0, most), max(1, count)).astype(np.int64))

    def _fits(self, used: FloatArray) -> BoolArray:
        """Whether tiers that use so much leave the others their guarantees, shape (k + 1,)."""
        plan = self.problem.plan
        guaranteed = np.array([self._guaranteed(code) for code in range(len(_TIERS))])
        limit = plan.tier_cap_tokens if plan.borrowing else plan.tier_tokens
        within = (used <= np.maximum(limit, self.pinned_tokens) + 1e-9).all(axis=1)
        total = np.maximum(used, guaranteed).sum(axis=1) + self.problem.fixed_tokens
        enough: BoolArray = within & (total <= plan.total_tokens + 1e-9)
        enough[0] = True
        return enough

    def _guaranteed(self, tier: int) -> float:
        """The tier's share, or what its open units need if that is less."""
        problem = self.problem
        share = float(problem.plan.tier_tokens[tier])
        rows = problem.units.of_tiers(problem.snapshot.tier_rows)[tier]
        rows = rows[self.open_units[rows]]
        if share <= 0.0 or not len(rows):
            return 0.0
        count = int(share / GUESSED_TOKENS) + FIRST_UNITS
        while True:
            places, _ = densest(problem.density[rows], count)
            needed = float(problem.units.tokens(rows[places]).sum())
            if needed >= share or len(places) == len(rows):
                return min(share, needed)
            count *= 4

    def worth(self, places: IntArray) -> tuple[FloatArray, float]:
        """What the selection is worth if the prompt stays up to each place; value of a token."""
        problem, units = self.problem, self.problem.units
        room = problem.plan.total_tokens - problem.fixed_tokens - self.pinned_tokens.sum()
        top = _densest(problem, np.flatnonzero(self.open_units), 2 * room)
        tokens = units.tokens(top)
        value = units.value(top, tokens)
        open_at = self.unit_place[top] >= places[:, None]
        open_at &= self._in_order(top, places)
        left = room - self.paid[places]
        filled = np.cumsum(open_at * tokens, axis=1)
        gained = np.cumsum(open_at * value, axis=1)
        taken = (filled <= left[:, None]).sum(axis=1)
        at = np.arange(len(places))
        before = np.maximum(taken - 1, 0)
        whole = np.where(taken > 0, gained[at, before], 0.0) if len(top) else np.zeros(len(at))
        used = np.where(taken > 0, filled[at, before], 0.0) if len(top) else np.zeros(len(at))
        density = np.append(value / tokens, 0.0)[taken]
        return self.value[places] + whole + np.maximum(left - used, 0) * density, float(density[0])

    def _in_order(self, top: IntArray, places: IntArray) -> BoolArray:
        """Which units would not stand before what stays in a chronological section."""
        problem = self.problem
        allowed = np.ones((len(places), len(top)), dtype=bool)
        candidates = problem.units.rows(top)
        for tier in problem.chronological:
            code = _TIERS.index(tier)
            mine = problem.rows[self.tier == code]
            if not len(mine):
                continue
            others = candidates[problem.snapshot.columns.tier[candidates] == code]
            rank = _ranks(problem.snapshot, np.union1d(mine, others))
            oldest = np.full(len(problem.units), np.inf)
            np.minimum.at(oldest, problem.units.unit_of[others], rank[others])
            own = np.where(self.tier == code, rank[problem.rows], -1.0)
            newest = np.concatenate([[-1.0], np.maximum.accumulate(own)])[places]
            allowed &= oldest[top] >= newest[:, None]
        return allowed


def closed_rows(
    snapshot: PoolSnapshot, rows: IntArray, chronological: frozenset[MemoryTier]
) -> IntArray:
    """Rows of chronological tiers that stand before the last of *rows* in their tier's order."""
    closed: list[IntArray] = []
    for tier in chronological:
        code = _TIERS.index(tier)
        mine = rows[snapshot.columns.tier[rows] == code]
        if len(mine):
            ordered, rank = _chronology(snapshot, code)
            newest = int(rank[mine].max())
            stays = np.zeros(newest + 1, dtype=bool)
            stays[rank[mine]] = True
            closed.append(ordered[:newest][~stays[:newest]])
    return np.concatenate(closed) if closed else np.zeros(0, dtype=np.int64)


def _chronology(snapshot: PoolSnapshot, code: int) -> tuple[IntArray, IntArray]:
    """Rows of a tier in chronological order, and the place of each row in it, shape (n,)."""
    known: tuple[IntArray, IntArray] | None = snapshot.derived.get(("chronology", code))
    if known is None:
        every = snapshot.tier_rows[code]
        ordered = every[chronological_order(snapshot, every)]
        rank = np.full(len(snapshot), -1, dtype=np.int64)
        rank[ordered] = np.arange(len(ordered))
        known = snapshot.derived[("chronology", code)] = (ordered, rank)
    return known


def chronological_tiers(orders: dict[MemoryTier, ItemOrder]) -> frozenset[MemoryTier]:
    """Tiers whose sections are in chronological order."""
    return frozenset(tier for tier, order in orders.items() if order is ItemOrder.CHRONOLOGICAL)


def _ranks(snapshot: PoolSnapshot, rows: IntArray) -> FloatArray:
    """Place of each of *rows*, ascending, in chronological order, shape (n,); -1 for others."""
    ranks = np.full(len(snapshot), -1.0)
    ranks[rows[chronological_order(snapshot, rows)]] = np.arange(len(rows))
    return ranks


def _densest(problem: HoldingProblem, rows: IntArray, tokens: float) -> IntArray:
    """Of the units *rows* the densest, by falling density, that fill *tokens*; or all."""
    units, most = problem.units, problem.density[rows]
    count = int(tokens / GUESSED_TOKENS) + FIRST_UNITS
    while True:
        places, above_others = densest(most, count)
        few, some = len(places) < len(rows), rows[places]
        counted = units.tokens(some)
        density = units.value(some, counted) / counted
        order = np.lexsort((some, -density))
        filled = np.cumsum(counted[order])
        if not few:
            return some[order[: int(np.searchsorted(filled, tokens)) + 1]]
        known = int(np.count_nonzero(density >= above_others))
        if known and filled[known - 1] >= tokens:
            return some[order[: int(np.searchsorted(filled, tokens)) + 1]]
        count *= 4


def _sums(values: IntArray | FloatArray) -> FloatArray:
    """Sums of the first 0, 1, ... values, shape (k + 1,)."""
    return np.concatenate([[0.0], np.cumsum(values)])
