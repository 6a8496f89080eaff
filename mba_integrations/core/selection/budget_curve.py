"""What another budget would buy: the value at other budgets, and what comes in or goes.

Packs again at each budget with the tiers' shares scaled to it; nothing is rendered, so the used
tokens are the sum over lines and headings. O(budgets) packings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arguments import checked_iterable, checked_tokens
from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.budget.plan import BudgetPlan
from mba_integrations.core.errors import PinnedOverBudgetError
from mba_integrations.core.model import TIERS, MemoryTier
from mba_integrations.core.selection.continuation import NO_ROWS, Continuation
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.select import packed

TOKENS_OF_MARGINAL_VALUE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPoint:
    """One budget and what it would buy.

    Attributes:
        budget_tokens: The budget.
        used_tokens: Tokens of the selection, summed over lines and headings.
        value: Value of the best selection with at most this budget among those of the curve;
            never falls along the curve. 0 where the pinned items do not fit.
        entering: Ids that come in, compared with the allocation.
        leaving: Ids that go.
    """

    budget_tokens: int
    used_tokens: int
    value: float
    entering: tuple[str, ...]
    leaving: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierGain:
    """What more tokens for a tier would buy.

    Attributes:
        value: By how much the best selection would be worth more; never below 0.
        entering: Ids that would come in, of any tier, the most valuable first.
    """

    value: float
    entering: tuple[str, ...]


def budget_curve(
    problem: SelectionProblem, continuation: Continuation, rows: IntArray, budgets: Iterable[int]
) -> tuple[BudgetPoint, ...]:
    """The curve at the given budgets, in ascending order.

    Args:
        problem: What the allocation was chosen from.
        continuation: What it follows.
        rows: Its selected rows.
        budgets: Budgets in tokens, >= 1; doubles are joined.

    Raises:
        InputError: If a budget is not a positive integer.
    """
    checked_iterable("budgets", budgets, "a sequence of numbers of tokens")
    points: list[BudgetPoint] = []
    for budget in sorted({checked_tokens("a budget", budget) for budget in budgets}):
        point = _point(problem, continuation, rows, budget)
        if points and point.value < points[-1].value:
            point = replace(points[-1], budget_tokens=budget)
        points.append(point)
    return tuple(points)


def marginal_value(problem: SelectionProblem, rows: IntArray) -> dict[MemoryTier, float]:
    """Value per 100 tokens of the densest omitted candidate of each tier; 0 where none is left.

    Counts every candidate. In a tier that is not in the prompt the heading counts as well.
    """
    units = problem.units
    left = problem.choosable()
    left[np.unique(units.unit_of[rows])] = False
    omitted = np.flatnonzero(left)
    tiers = units.tier[omitted]
    opened = np.bincount(problem.snapshot.columns.tier[rows], minlength=len(TIERS)) > 0
    tokens = units.tokens(omitted)
    density = units.value(omitted, tokens) / (tokens + np.where(opened, 0, problem.opening)[tiers])
    best = np.zeros(len(TIERS))
    np.maximum.at(best, tiers, density)
    return {
        tier: float(value * TOKENS_OF_MARGINAL_VALUE)
        for tier, value in zip(TIERS, best, strict=True)
    }


def larger_tiers(
    problem: SelectionProblem, continuation: Continuation, tokens: int
) -> dict[MemoryTier, TierGain]:
    """What more tokens would buy if they were spent in one tier alone, for each tier.

    Each tier is one packing, beside one as things are. The other tiers keep what they use: where
    tiers borrow, more tokens for one would flow to whichever has the best use for them, and all
    would seem to lack the same.

    Args:
        problem: What the allocation was chosen from.
        continuation: What it follows.
        tokens: How many more, >= 1.

    Raises:
        InputError: If the tokens are not a positive integer.
    """
    checked_tokens("tokens", tokens)
    before = packed(problem, continuation).rows
    used = _tokens_by_tier(problem, before)
    gains = {}
    for code, tier in enumerate(TIERS):
        larger = problem.with_plan(_with_more(problem.plan, code, tokens, used))
        after = packed(larger, continuation).rows
        gain = _value(problem, after) - _value(problem, before)
        gains[tier] = TierGain(
            value=max(0.0, gain), entering=_ids(problem, np.setdiff1d(after, before))
        )
    return gains


def _with_more(plan: BudgetPlan, code: int, tokens: int, used: FloatArray) -> BudgetPlan:
    """More for a tier, with what no tier uses; the others have what they use."""
    total = plan.total_tokens + tokens
    tiers = used.copy()
    tiers[code] = max(0.0, total - (used.sum() - used[code]))
    return replace(
        plan,
        total_tokens=total,
        tier_tokens=tiers,
        tier_firm_tokens=np.minimum(plan.tier_firm_tokens, tiers),
        tier_cap_tokens=tiers,
    )


def _tokens_by_tier(problem: SelectionProblem, rows: IntArray) -> FloatArray:
    """Tokens of lines and headings, shape (4,)."""
    tiers = problem.snapshot.columns.tier[rows]
    lines = np.bincount(tiers, weights=problem.tokens.of(rows), minlength=len(TIERS))
    opened = np.bincount(tiers, minlength=len(TIERS)) > 0
    return np.where(opened, lines + problem.opening, 0.0)


def _point(
    problem: SelectionProblem, continuation: Continuation, rows: IntArray, budget: int
) -> BudgetPoint:
    scaled = problem.with_plan(_scaled(problem.plan, budget))
    try:
        found = packed(scaled, continuation)
        chosen, used = found.rows, found.summed_tokens
    except PinnedOverBudgetError:
        chosen, used = NO_ROWS, 0
    if budget >= problem.plan.total_tokens and _value(problem, rows) > _value(problem, chosen):
        # The written prompt was smaller than the sum of its lines, so that more came in.
        chosen, used = rows, min(budget, _summed_tokens(problem, rows))
    return BudgetPoint(
        budget_tokens=budget,
        used_tokens=used,
        value=_value(problem, chosen),
        entering=_ids(problem, np.setdiff1d(chosen, rows)),
        leaving=_ids(problem, np.setdiff1d(rows, chosen)),
    )


def _value(problem: SelectionProblem, rows: IntArray) -> float:
    return float(problem.values(rows).sum())


def _summed_tokens(problem: SelectionProblem, rows: IntArray) -> int:
    return int(_tokens_by_tier(problem, rows).sum())


def _scaled(plan: BudgetPlan, budget: int) -> BudgetPlan:
    uncapped = plan.tier_cap_tokens >= plan.total_tokens
    caps = np.where(uncapped, budget, np.minimum(plan.tier_cap_tokens, budget))
    tiers = np.minimum(plan.tier_tokens * (budget / plan.total_tokens), caps)
    return replace(
        plan,
        total_tokens=budget,
        tier_tokens=tiers,
        tier_firm_tokens=np.minimum(plan.tier_firm_tokens, tiers),
        tier_cap_tokens=caps.astype(np.float64),
    )


def _ids(problem: SelectionProblem, rows: Sequence[int] | IntArray) -> tuple[str, ...]:
    """Most valuable first."""
    rows = np.asarray(rows, dtype=np.int64)
    ranked = rows[np.argsort(-problem.values(rows), kind="stable")]
    return tuple(problem.snapshot.items[row].id for row in ranked.tolist())
