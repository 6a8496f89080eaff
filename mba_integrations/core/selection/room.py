"""`Room`: what is left for packing once pins, and what is kept of a previous prompt, have a place.

Five items and a budget of 100 tokens, 60 of them the share of the documents and 40 of the project,
one token for each character of a line and 5 for a heading:

    row  tier     tokens
    0    rag      20      pinned
    1    rag      30
    2    rag      50
    3    project  10
    4    project  85

The pin and the heading of the documents take 25 tokens, so 75 are left: 35 of the documents' share,
all 40 of the project's. Documents have a heading now and cost no other one; the first item of the
project still pays 5. Row 4 needs 90 with its heading, more than the 75 that it could have alone:
it is too large. Rows 1, 2 and 3 are left to choose from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.budget.plan import SHARE_ROUNDING
from mba_integrations.core.model import TIERS, OmissionReason
from mba_integrations.core.packing.problem import PackingProblem
from mba_integrations.core.selection.continuation import NOTHING_BEFORE, Continuation
from mba_integrations.core.selection.draft import pins_alone
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.units.price import below_price
from mba_integrations.core.selection.units.prospects import Kept
from mba_integrations.core.selection.units.units import Units

_NO_LIMIT = 2**50
"""Tokens that are as good as no limit. Shares of a larger budget, such as `sys.maxsize` for "all",
would leave what floats and integers of 64 bits hold exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left for packing.

    Attributes:
        forced: Units that have their place, ascending.
        forced_tokens: Tokens of them, their headings, and what a prompt costs besides.
        total: Tokens that are left.
        tier_tokens: What is left of each tier's share, shape (4,).
        tier_firm: What is left of the part that is kept for items of any worth, shape (4,).
        tier_cap: What is left of each tier's cap, shape (4,).
        capped: Which tiers have a cap below the budget, shape (4,).
        opening: What the first item of each tier pays besides; 0 where one has its place already.
        borrowing: Whether tiers lend each other what they cannot use.
    """

    forced: IntArray
    forced_tokens: int
    total: int
    tier_tokens: FloatArray
    tier_firm: FloatArray
    tier_cap: FloatArray
    capped: BoolArray
    opening: IntArray
    borrowing: bool

    def shares(self, extra: int) -> FloatArray:
        """What belongs to each tier with *extra* tokens, shape (4,)."""
        total = self._total(extra)
        shares = np.minimum(self.tier_tokens, self._caps(extra))
        belongs = float(shares.sum())
        return shares * (total / belongs) if belongs > total else shares

    def _total(self, extra: int) -> int:
        return min(max(0, self.total + extra), _NO_LIMIT)

    def _caps(self, extra: int) -> FloatArray:
        return np.where(self.capped, self.tier_cap, self.tier_cap + max(0, extra))

    def kept(self, extra: int, least_density: float) -> list[Kept]:
        """What is kept for each tier with *extra* tokens."""
        shares, firm = self.shares(extra).tolist(), self.tier_firm.tolist()
        return [
            Kept(
                share_tokens=share,
                opening_tokens=opening,
                firm_tokens=of_any_worth,
                least_density=least_density,
            )
            for share, of_any_worth, opening in zip(
                shares, firm, self.opening.tolist(), strict=True
            )
        ]

    def packing_problem(
        self, units: Units, chosen_from: IntArray, extra: int, least_density: float
    ) -> PackingProblem:
        """To choose from these units with *extra* tokens.

        Args:
            units: All units.
            chosen_from: Those that may come in, ascending.
            extra: Tokens besides what there is room for.
            least_density: Value per token from which a unit counts for its tier's guarantee.
        """
        tokens = units.tokens(chosen_from)
        return PackingProblem(
            value=units.value(chosen_from, tokens),
            tokens=tokens,
            tier=units.tier[chosen_from],
            total_tokens=self._total(extra),
            tier_tokens=self.shares(extra),
            tier_cap_tokens=np.minimum(self._caps(extra), _NO_LIMIT),
            opening_tokens=self.opening,
            borrowing=self.borrowing,
            least_density=least_density,
            firm_tokens=self.tier_firm,
        )

    def forced_value(self, units: Units) -> float:
        """Value of what has its place."""
        return float(units.value(self.forced, units.tokens(self.forced)).sum())


def room_of_pins(problem: SelectionProblem) -> Room:
    """The room beside the pins alone, whatever the prompt follows.

    Raises:
        PinnedOverBudgetError: If the pins do not fit, by their count as written.
        BudgetError: If there are no pins, and a prompt without items does not fit.
    """
    room = _room(problem, np.flatnonzero(problem.units.pinned), NOTHING_BEFORE)
    if room.total >= 0:
        return room
    # The sum of the lines is over; a prompt may count for less than its lines.
    pins = pins_alone(problem, problem.units.rows(room.forced), NOTHING_BEFORE)
    return _with_tokens(room, pins.needed, problem.plan.total_tokens)


def room_beside(problem: SelectionProblem, continuation: Continuation) -> Room | None:
    """The room beside pins, the newest exchange and the beginning that is kept; None where they are
    over the budget."""
    forced = problem.forced
    forced[problem.units.unit_of[list(continuation.beginning)]] = True
    room = _room(problem, np.flatnonzero(forced), continuation)
    return room if room.total >= 0 else None


def _room(problem: SelectionProblem, forced: IntArray, after: Continuation) -> Room:
    """The room beside forced units by the sum of their lines; its total may be under 0."""
    plan, units = problem.plan, problem.units
    paid = np.bincount(units.tier[forced], weights=units.tokens(forced), minlength=len(TIERS))
    headings, opened = _headings(problem, forced, after)
    paid = paid + headings * problem.opening
    forced_tokens = int(paid.sum()) + problem.fixed_tokens
    return Room(
        forced=forced,
        forced_tokens=forced_tokens,
        total=plan.total_tokens - forced_tokens,
        tier_tokens=np.maximum(plan.tier_tokens - paid, 0.0),
        tier_firm=np.maximum(plan.tier_firm_tokens - paid, 0.0),
        tier_cap=np.maximum(plan.tier_cap_tokens - paid, 0.0),
        capped=plan.tier_cap_tokens < plan.total_tokens,
        opening=np.where(opened, 0, problem.opening),
        borrowing=plan.borrowing,
    )


def _with_tokens(room: Room, forced_tokens: int, total_tokens: int) -> Room:
    return replace(room, forced_tokens=forced_tokens, total=total_tokens - forced_tokens)


def _headings(
    problem: SelectionProblem, forced: IntArray, after: Continuation
) -> tuple[IntArray, BoolArray]:
    """Headings that forced units need in each tier, and which tiers take more without one."""
    tier_of = problem.snapshot.columns.tier
    if not after.beginning:
        opened = np.bincount(problem.units.tier[forced], minlength=len(TIERS)) > 0
        return opened.astype(np.int64), opened
    tiers = tier_of[list(after.beginning)]
    headings = np.bincount(tiers[list(after.opens)], minlength=len(TIERS))
    # Pins that are not kept stand behind the beginning: each of their tiers has a heading of its
    # own there, but for the tier that the beginning ends in, which goes on.
    pins = np.setdiff1d(problem.units.rows(forced), after.beginning)
    behind = np.bincount(tier_of[pins], minlength=len(TIERS)) > 0
    opened = behind.copy()
    opened[tiers[-1]] = True
    behind[tiers[-1]] = False
    return headings + behind, opened


def omission_codes(problem: SelectionProblem, room: Room) -> IntArray:
    """Code of the reason that each unit has if it stays out, shape (m,).

    What may be chosen is outranked if it is not; the other reasons keep units out.

    Args:
        problem: What is chosen from.
        room: The room beside the pins alone, so that nothing is too large because of what is kept.
    """
    plan, units = problem.plan, problem.units
    codes = np.full(len(units), OmissionReason.OUTRANKED.code, dtype=np.int8)
    codes[_too_large(problem, room)] = OmissionReason.TOO_LARGE.code
    if problem.min_score > 0.0:
        codes[units.score < problem.min_score] = OmissionReason.BELOW_THRESHOLD.code
    excluded = (plan.tier_cap_tokens < 1) | ((plan.tier_tokens < 1) & (not plan.borrowing))
    if excluded.any():
        codes[excluded[units.tier]] = OmissionReason.TIER_EXCLUDED.code
    is_open = (codes == OmissionReason.OUTRANKED.code) & ~units.pinned
    codes[below_price(problem, is_open)] = OmissionReason.BELOW_PRICE.code
    return codes


def _too_large(problem: SelectionProblem, room: Room) -> IntArray:
    """Units that would not fit alone."""
    limit = np.minimum(room.tier_cap, room.total)
    if not room.borrowing:
        limit = np.minimum(limit, np.floor(room.tier_tokens + SHARE_ROUNDING))
    return problem.units.over(limit - room.opening)
