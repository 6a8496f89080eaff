"""Why one item is in the prompt or not: its rank, its rivals, the budget that decides.

The budget is searched by doubling and bisection, at most about 40 allocations. A larger budget
may drop an item again, so what is stated is what was tried: the budget found and the one below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mba_integrations.core.errors import BudgetError
from mba_integrations.core.model import OmissionReason
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Candidate, Omitted, Selected

_RIVALS = 5
_LARGEST_BUDGET_TOKENS = 2**24
_NO_BUDGET_HELPS = (
    OmissionReason.BELOW_THRESHOLD,
    OmissionReason.BELOW_PRICE,
    OmissionReason.TIER_EXCLUDED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What decided on one item.

    Attributes:
        decision: The item with its signals and the outcome.
        rank: Place of its score within its tier, from 1; equal scores have the same one.
        density_rank: Place of its score per token within its tier, from 1.
        tier_count: Items of its tier.
        rivals: For an omitted item those that are in, the weakest first; for a selected one
            those that stayed out, the strongest first. Of its tier, or of any if that has none.
        deciding_budget_tokens: The least budget found with which it is in; None if none was.
    """

    decision: Selected | Omitted
    rank: int
    density_rank: int
    tier_count: int
    rivals: tuple[Candidate, ...]
    deciding_budget_tokens: int | None


def why(item_id: str, allocation: Allocation, allocate: Callable[[int], Allocation]) -> Why:
    """What decided on the item.

    Args:
        item_id: The item.
        allocation: The allocation in question.
        allocate: The same call with another budget in tokens.

    Raises:
        InputError: If there is no such item.
    """
    decision = allocation.decision(item_id)
    of_tier: list[Candidate] = [
        one for one in (*allocation.selected, *allocation.omitted) if one.tier is decision.tier
    ]

    def is_in(budget_tokens: int) -> bool:
        try:
            return isinstance(allocate(budget_tokens).decision(item_id), Selected)
        except BudgetError:
            return False

    return Why(
        decision=decision,
        rank=1 + sum(one.score > decision.score for one in of_tier),
        density_rank=1 + sum(_density(one) > _density(decision) for one in of_tier),
        tier_count=len(of_tier),
        rivals=_rivals(decision, allocation),
        deciding_budget_tokens=_deciding_budget(decision, allocation.budget_tokens, is_in),
    )


def least_budget(is_in: Callable[[int], bool], known_out: int) -> int | None:
    """A budget with which it is in while it is out with one token less, above *known_out*.

    None if it is out with every budget that doubling reaches.

    >>> least_budget(lambda tokens: tokens >= 700, 100)
    700
    """
    low, high = known_out, max(1, 2 * known_out)
    while not is_in(high):
        if high >= _LARGEST_BUDGET_TOKENS:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_in(middle) else (middle, high)
    return high


def _deciding_budget(
    decision: Selected | Omitted, budget_tokens: int, is_in: Callable[[int], bool]
) -> int | None:
    if isinstance(decision, Omitted):
        helpless = decision.reason in _NO_BUDGET_HELPS
        return None if helpless else least_budget(is_in, budget_tokens)
    low, high = 0, budget_tokens
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_in(middle) else (middle, high)
    return high


def _rivals(decision: Selected | Omitted, allocation: Allocation) -> tuple[Candidate, ...]:
    """Those with the other outcome, of its tier; of any tier where its own has none."""
    if isinstance(decision, Omitted):
        others: list[Candidate] = sorted(allocation.selected, key=lambda one: one.score)
    else:
        others = sorted(allocation.omitted, key=lambda one: -one.score)
    same = [one for one in others if one.tier is decision.tier]
    return tuple((same or others)[:_RIVALS])


def _density(one: Candidate) -> float:
    return one.score / max(one.tokens, 1)
