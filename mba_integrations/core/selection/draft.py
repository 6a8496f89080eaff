"""A written and counted prompt on its way to the last one.

The sum of the lines is what packing works with; what a prompt costs is known when it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.arrays import BoolArray, IntArray
from mba_integrations.core.budget.plan import SHARE_ROUNDING
from mba_integrations.core.counting.bounds import bound_of
from mba_integrations.core.errors import BudgetError, PinnedOverBudgetError
from mba_integrations.core.layout.protocol import PromptTokens
from mba_integrations.core.model import TIERS, OmissionReason
from mba_integrations.core.selection.assembly import Prompt, assemble
from mba_integrations.core.selection.continuation import NOTHING_BEFORE, Continuation
from mba_integrations.core.selection.problem import SelectionProblem

MOST_ALONE = 64
"""Units that are tried alone; each is written and counted."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A written prompt with its counts.

    Attributes:
        rows: Its rows, ascending.
        prompt: The prompt.
        tokens: What it costs.
        continuation: What it follows.
    """

    rows: IntArray
    prompt: Prompt
    tokens: PromptTokens
    continuation: Continuation

    @property
    def needed(self) -> int:
        """Tokens that must be within the budget."""
        return self.tokens.needed


def write_draft(problem: SelectionProblem, rows: IntArray, continuation: Continuation) -> Draft:
    """Write the rows, ascending, and count the result.

    Items that change stand last only where the second heading that their tier may need there is
    within its limit: packing has paid for one.
    """
    prompt = _assembled(problem, rows, continuation)
    if continuation.changing and _over_a_limit(problem, prompt):
        continuation = replace(continuation, changing=frozenset())
        prompt = _assembled(problem, rows, continuation)
    tokens = problem.layout.measure(prompt.written, problem.counter)
    return Draft(rows, prompt, tokens, continuation)


def _assembled(problem: SelectionProblem, rows: IntArray, continuation: Continuation) -> Prompt:
    return assemble(
        problem.snapshot,
        rows,
        value=problem.score,
        layout=problem.layout,
        after=continuation,
        shown=problem.shown,
    )


def _over_a_limit(problem: SelectionProblem, prompt: Prompt) -> bool:
    """Whether a tier with two headings is over its cap, or over its share where none borrows."""
    opened = problem.snapshot.columns.tier[prompt.rows[prompt.opens]]
    twice = np.bincount(opened, minlength=len(TIERS)) > 1
    if not twice.any():
        return False
    plan = problem.plan
    limit = plan.tier_cap_tokens
    if not plan.borrowing:
        limit = np.minimum(limit, plan.tier_tokens + SHARE_ROUNDING)
    return bool((twice & (tier_used_tokens(problem, prompt) > limit)).any())


def drop_until_fits(problem: SelectionProblem, draft: Draft) -> tuple[Draft, int]:
    """Take out the largest unit that is not pinned until the draft fits; how many went.

    Raises:
        PinnedOverBudgetError: If only pins are left, and they do not fit.
        BudgetError: If nothing is left, and the layout measures more for it than the budget.
    """
    units, dropped = problem.units, 0
    while draft.needed > problem.plan.total_tokens:
        unit_of = units.unit_of[draft.rows]
        free = unit_of[~units.pinned[unit_of]]
        if not len(free):
            return pins_alone(problem, draft.rows, draft.continuation.cut(0)), dropped
        largest = free[np.argmax(units.tokens(free))]
        draft = write_draft(problem, draft.rows[unit_of != largest], draft.continuation)
        dropped += 1
    return draft, dropped


def or_one_alone(problem: SelectionProblem, draft: Draft, codes: IntArray) -> Draft:
    """The draft; where nothing but pins is in it, with the best unit that fits as it is written.

    Only counts that do not add up leave a draft without a unit that could come in: the sum of the
    lines says that it fits, and no packing of several did.

    Args:
        problem: What is chosen from.
        draft: A draft that fits.
        codes: Code of the reason of each unit, shape (m,).
    """
    units = problem.units
    if not units.pinned[units.unit_of[draft.rows]].all():
        return draft
    may = (codes == OmissionReason.OUTRANKED.code) | _too_large_by_the_sum(problem, codes)
    open_units = np.flatnonzero(may & ~units.pinned)
    best_first = open_units[np.argsort(-units.score[open_units], kind="stable")]
    for unit in best_first[:MOST_ALONE]:
        rows = np.union1d(draft.rows, units.rows(np.array([unit])))
        alone = write_draft(problem, rows, draft.continuation)
        if alone.needed <= problem.plan.total_tokens:
            return alone
    return draft


def _too_large_by_the_sum(problem: SelectionProblem, codes: IntArray) -> BoolArray:
    """Units that only the sum of their lines keeps out, shape (m,): neither a share nor a cap.

    In OpenAI's encodings the sum is what they count, so there are none.
    """
    plan = problem.plan
    if bound_of(problem.counter) is not None or not plan.borrowing:
        return np.zeros(len(codes), dtype=bool)
    free = plan.tier_cap_tokens >= plan.total_tokens
    too_large: BoolArray = codes == OmissionReason.TOO_LARGE.code
    return too_large & free[problem.units.tier]


def pins_alone(problem: SelectionProblem, rows: IntArray, continuation: Continuation) -> Draft:
    """The prompt of pins and nothing else, written as if nothing came before it.

    In a prompt that follows another one a tier may have more than one heading, which may be too
    much; so whether pins fit does not depend on what came before.

    Args:
        problem: What is chosen from.
        rows: The pinned rows, ascending.
        continuation: What the draft is said to follow, without a beginning.

    Raises:
        PinnedOverBudgetError: If they do not fit.
        BudgetError: If there are none, and the layout measures more for no text than the budget.
    """
    draft = write_draft(problem, rows, NOTHING_BEFORE)
    if draft.needed > problem.plan.total_tokens:
        raise _pins_over(problem, draft) if len(rows) else _nothing_over(problem, draft)
    return replace(draft, continuation=continuation)


def _nothing_over(problem: SelectionProblem, empty: Draft) -> BudgetError:
    budget, needed = problem.plan.total_tokens, empty.needed
    return BudgetError(
        f"the prompt without any item needs {needed:,} tokens by layout {problem.layout.id!r}, "
        f"budget_tokens is {budget:,} ({needed - budget:,} over). Raise budget_tokens, or have "
        "measure() give 0 for a prompt without text.",
        needed_tokens=needed,
        budget_tokens=budget,
    )


def _pins_over(problem: SelectionProblem, pins: Draft) -> PinnedOverBudgetError:
    """The error that says by how much pins are over, and which is the largest."""
    budget, needed, rows = problem.plan.total_tokens, pins.needed, pins.rows
    tokens = problem.tokens.of(rows)
    largest = int(rows[np.argmax(tokens)])
    items = "1 pinned item needs" if len(rows) == 1 else f"{len(rows)} pinned items need"
    return PinnedOverBudgetError(
        f"{items} {needed:,} tokens with their headings, budget_tokens is {budget:,} "
        f"({needed - budget:,} over). Largest: {problem.snapshot.items[largest].id!r} with "
        f"{int(tokens.max()):,} tokens. Raise budget_tokens or unpin an item.",
        needed_tokens=needed,
        budget_tokens=budget,
    )


def tier_used_tokens(problem: SelectionProblem, prompt: Prompt) -> IntArray:
    """Tokens of each tier's sections by lines and headings, shape (4,)."""
    tiers = problem.snapshot.columns.tier[prompt.rows]
    lines = np.bincount(tiers, weights=problem.tokens.of(prompt.rows), minlength=len(TIERS))
    headings = np.bincount(tiers[prompt.opens], minlength=len(TIERS))
    used: IntArray = (lines + headings * problem.opening).astype(np.int64)
    for section in np.split(prompt.rows, np.flatnonzero(prompt.opens)[1:]):
        if len(section) > 1:
            items = [problem.shown_at(row) for row in section.tolist()]
            saved = problem.layout.saved_tokens(items, problem.counter)
            used[items[0].tier.code] -= saved
    return used
