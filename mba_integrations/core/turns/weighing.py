"""How much of the previous prompt is kept as it stood.

A prompt cache reuses the beginning that two prompts have in common. So one number decides: up to
which item the previous prompt is kept, byte for byte. All behind that item is chosen anew. Each
possible place is weighed by what the selection is worth with it, plus `stability` times the value
of a marginal token for each token that is kept: a kept item pays for only `1 - stability` of its
tokens. An item in the middle that lost its worth is kept as long as what stands behind it is worth
more; once that is no longer so, one compaction writes all from there on anew. What may come and go
stands at the end, where coming and going costs nothing.

What the selection is worth is estimated by filling the rest of the budget by density, the last item
in part. That is exact for one tier but for the last item, so at the first place it bounds the value
of every selection. The tiers' guarantees and caps hold for what is kept; a section in chronological
order stays in it, so that what is older than its last kept item is closed to choice.

Five items of one tier without headings, a budget of 60 tokens and a stability of 0.5. The previous
prompt was `a b c`; `d` and `e` are new:

    item     a     b     c     d     e
    tokens   20    20    20    20    20
    value    0.9   0.1   0.8   0.7   0.3

By density the order is a c d e b. The first token that would not come in belongs to `e`, so a
marginal token is worth 0.3 / 20 = 0.015, and a kept token gets half of that, 0.0075.

    place  kept     tokens kept   filled with   worth   bonus   weighed
    0      -        0             a c d         2.4     0.00    2.40
    1      a        20            c d           2.4     0.15    2.55
    2      a b      40            c             1.8     0.30    2.10
    3      a b c    60            -             1.8     0.45    2.25

So `a` is kept, `b` goes, and `c` and `d` follow. With a stability of 1 the bonuses are 0.3, 0.6 and
0.9, the sums 2.4, 2.7, 2.4 and 2.7, and the last of the equal ones wins: all is kept.

O(n) in the candidates, and at most `_PLACES` times the candidates that could fill the budget twice.
Only those are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.model import TIERS, MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.assembly import chronological_order
from mba_integrations.core.selection.continuation import NO_ROWS
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.units.displacement import densest_units, least_density

_PLACES = 128
"""Places that are weighed; in a longer prompt they lie evenly among its items."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """The items that began the previous prompt and could be kept, each of shape (k,).

    Attributes:
        rows: Their rows, unchanged and in their order.
        opens: Which of them have a heading before them.
        tokens: Tokens of each of them as it stands there.
        value: Value of each of them as it stands there.
    """

    rows: IntArray
    opens: BoolArray
    tokens: IntArray
    value: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How much is kept.

    Attributes:
        count: How many rows of the lead, from the first.
        upper_bound: No selection is worth more, whatever is kept.
        closed: Rows that would stand out of their chronological order.
    """

    count: int
    upper_bound: float
    closed: IntArray


def weigh_kept(problem: SelectionProblem, lead: Lead, *, stability: float) -> Kept:
    """Weigh every place of the previous prompt; of equal ones the last.

    Args:
        problem: What is chosen from.
        lead: What could be kept.
        stability: Part of its tokens that an item does not pay for if it is kept, in [0, 1].
    """
    work = _Weighing(problem, lead)
    places = work.places()
    estimate = work.estimate(places)
    weighed = estimate.worth + stability * estimate.token_value * work.kept_tokens[places]
    best = np.flatnonzero(weighed >= weighed.max() * (1 - 1e-12))[-1]
    count = int(places[best])
    return Kept(
        count=count,
        upper_bound=float(estimate.worth[0]) + work.pinned_value,
        closed=closed_rows(problem.snapshot, lead.rows[:count], work.chronological),
    )


@dataclass(frozen=True, slots=True)
class _Estimate:
    """What selections are worth.

    Attributes:
        worth: Of the selection that keeps up to each place, but for pins.
        token_value: Value of a marginal token where nothing is kept.
    """

    worth: FloatArray
    token_value: float


class _Weighing:
    """The sums that the places are weighed by; those over places have shape (k + 1,)."""

    def __init__(self, problem: SelectionProblem, lead: Lead) -> None:
        self.problem, self.lead = problem, lead
        self.chronological = frozenset(
            tier for tier in TIERS if problem.layout.order_of(tier) is ItemOrder.CHRONOLOGICAL
        )
        units = problem.units
        # Once: counting, which comes next, would change what is known of it.
        self.density = units.density
        self.forced = problem.forced
        own_units = units.unit_of[lead.rows]
        self.tier = units.tier[own_units]
        self._sum_lead(own_units)
        # The place of each unit's first item: from the next place on, the unit is kept.
        self.unit_place = np.full(len(units), len(lead.rows))
        np.minimum.at(self.unit_place, own_units, np.arange(len(lead.rows)))
        always = np.flatnonzero(self.forced)
        always_tokens = units.tokens(always)
        self.pinned_value = float(units.value(always, always_tokens).sum())
        self.pinned_tokens = np.bincount(
            units.tier[always], weights=always_tokens, minlength=len(TIERS)
        )
        self.open_units = problem.choosable() & ~self.forced
        self.tier_units = tuple(
            of_tier[self.open_units[of_tier]]
            for of_tier in units.of_tiers(problem.snapshot.tier_rows)
        )

    def _sum_lead(self, own_units: IntArray) -> None:
        """Sums over the lead up to each place.

        A group comes in as a whole with its first item, so that one stands for the tokens and the
        value of all; what its later items cost is 0. Pins are paid for in any case.
        """
        problem, lead, units = self.problem, self.lead, self.problem.units
        is_first = np.zeros(len(lead.rows), dtype=bool)
        is_first[np.unique(own_units, return_index=True)[1]] = True
        alone = ~units.are_joined(lead.rows)
        unit_tokens = units.tokens(own_units)
        tokens = np.where(alone, lead.tokens, unit_tokens)
        value = np.where(alone, lead.value, units.value(own_units, unit_tokens))
        counted = is_first & ~self.forced[own_units]
        headings = np.where(lead.opens, problem.opening[self.tier], 0)
        self.new_tokens = np.where(counted, tokens, 0) + headings
        self.kept_tokens = _running_sums(lead.tokens + headings)
        self.paid = _running_sums(self.new_tokens)
        self.value = _running_sums(np.where(counted, value, 0.0))

    def places(self) -> IntArray:
        """Places up to which the prompt could stay: 0, and those that budget and tiers allow."""
        units, rows = self.problem.units, self.lead.rows
        barred = ~(self.open_units | self.forced)[units.unit_of[rows]]
        most = int(np.argmax(barred)) if barred.any() else len(rows)
        of_tiers = [
            _running_sums(np.where(self.tier == tier.code, self.new_tokens, 0)) for tier in TIERS
        ]
        # What is kept only grows with the place, so the first place that does not fit ends the
        # search.
        fits = self._fits(np.stack(of_tiers, axis=1) + self.pinned_tokens)
        most = min(most, int(np.argmin(fits)) - 1 if not fits.all() else most)
        count = min(most + 1, _PLACES)
        return np.unique(np.linspace(0, max(0, most), max(1, count)).astype(np.int64))

    def _fits(self, used: FloatArray) -> BoolArray:
        """Whether tiers that use so much leave the others their guarantees, shape (k + 1,).

        *used* is what each tier uses at each place, shape (k + 1, 4).
        """
        plan = self.problem.plan
        room = plan.total_tokens - self.problem.fixed_tokens - int(self.pinned_tokens.sum())
        least = least_density(self.problem.units, self.density, self.tier_units, room)
        least = least if plan.borrowing else 0.0
        guaranteed = np.array([self._guaranteed(code, least) for code in range(len(TIERS))])
        limit = plan.tier_cap_tokens if plan.borrowing else plan.tier_tokens
        within = (used <= np.maximum(limit, self.pinned_tokens) + _ROUNDING).all(axis=1)
        total = np.maximum(used, guaranteed).sum(axis=1) + self.problem.fixed_tokens
        # At place 0 nothing is kept: that is always possible.
        enough: BoolArray = within & (total <= plan.total_tokens + _ROUNDING)
        enough[0] = True
        return enough

    def _guaranteed(self, tier: int, least: float) -> float:
        """What is kept for the tier, or more: whether its units fit in the share is not asked."""
        plan, units = self.problem.plan, self.problem.units
        share, firm = float(plan.tier_tokens[tier]), float(plan.tier_firm_tokens[tier])
        rows = self.tier_units[tier]
        if share <= 0.0 or not len(rows):
            return 0.0
        # The share is what counts, so units that fill it are enough, the densest first.
        best = densest_units(units, self.density, rows, share)
        tokens = units.tokens(best)
        worthy = units.value(best, tokens) >= least * tokens
        soft = min(share, float(tokens[worthy].sum()))
        return max(soft, min(firm, float(tokens.sum())))

    def estimate(self, places: IntArray) -> _Estimate:
        """What the selection is worth if the prompt is kept up to each of p places.

        Every place is filled from the same list: the densest units, the t of them that fill twice
        the room, so that as much as the room may be taken away. One row of a table for each place
        says which of them are still open there.
        """
        problem, units = self.problem, self.problem.units
        room = problem.plan.total_tokens - problem.fixed_tokens - self.pinned_tokens.sum()
        # Pins may be over: whether they are is known when they are written, in the selection.
        room = max(0.0, float(room))
        top = densest_units(units, self.density, np.flatnonzero(self.open_units), 2 * room)
        tokens = units.tokens(top)
        value = units.value(top, tokens)
        # Shape (p, t). A unit is open at a place if it is not kept there, and not closed.
        open_at = self.unit_place[top] >= places[:, None]
        open_at &= self._in_order(top, places)
        left = room - self.paid[places]
        # Units that are not open add nothing to the sums, so that the first sum over the room
        # belongs to the open unit that is taken in part; `taken` is its place in the list.
        filled = np.cumsum(open_at * tokens, axis=1)
        gained = np.cumsum(open_at * value, axis=1)
        taken = (filled <= left[:, None]).sum(axis=1)
        at = np.arange(len(places))
        before = np.maximum(taken - 1, 0)
        whole = np.where(taken > 0, gained[at, before], 0.0) if len(top) else np.zeros(len(at))
        used = np.where(taken > 0, filled[at, before], 0.0) if len(top) else np.zeros(len(at))
        # Where the whole list fits, the rest of the room stays idle: density 0 at its end.
        density = np.append(value / tokens, 0.0)[taken]
        in_part = np.maximum(left - used, 0) * density
        return _Estimate(self.value[places] + whole + in_part, float(density[0]))

    def _in_order(self, top: IntArray, places: IntArray) -> BoolArray:
        """Which of t units would not stand before what is kept in a chronological section.

        Shape (p, t). A unit may come in if its oldest item is not older than the newest kept one.
        """
        problem, lead = self.problem, self.lead
        allowed = np.ones((len(places), len(top)), dtype=bool)
        candidates = problem.units.rows(top)
        for tier in self.chronological:
            mine = lead.rows[self.tier == tier.code]
            if not len(mine):
                continue
            others = candidates[problem.snapshot.columns.tier[candidates] == tier.code]
            rank = _ranks(problem.snapshot, np.union1d(mine, others))
            oldest = np.full(len(problem.units), np.inf)
            np.minimum.at(oldest, problem.units.unit_of[others], rank[others])
            own = np.where(self.tier == tier.code, rank[lead.rows], -1.0)
            newest = np.concatenate([[-1.0], np.maximum.accumulate(own)])[places]
            allowed &= oldest[top] >= newest[:, None]
        return allowed


def closed_rows(
    snapshot: PoolSnapshot, rows: IntArray, chronological: frozenset[MemoryTier]
) -> IntArray:
    """Rows of chronological tiers that stand before the last of *rows* in their tier's order."""
    closed: list[IntArray] = []
    for tier in chronological:
        mine = rows[snapshot.columns.tier[rows] == tier.code]
        if len(mine):
            ordered, rank = _chronology(snapshot, tier.code)
            newest = int(rank[mine].max())
            stays = np.zeros(newest + 1, dtype=bool)
            stays[rank[mine]] = True
            closed.append(ordered[:newest][~stays[:newest]])
    return np.concatenate(closed) if closed else NO_ROWS


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


def _ranks(snapshot: PoolSnapshot, rows: IntArray) -> FloatArray:
    """Place of each of *rows*, ascending, in chronological order, shape (n,); -1 for others."""
    ranks = np.full(len(snapshot), -1.0)
    ranks[rows[chronological_order(snapshot, rows)]] = np.arange(len(rows))
    return ranks


def _running_sums(values: IntArray | FloatArray) -> FloatArray:
    """Sums of the first 0, 1, ... values, shape (k + 1,).

    >>> _running_sums(np.array([2, 5])).tolist()
    [0.0, 2.0, 7.0]
    """
    return np.concatenate([[0.0], np.cumsum(values)])
