"""How many tokens a prompt may have, and how many of them belong to each tier.

The ceiling less the reserve, times the multiplier of the query's complexity, is split by the
tiers' shares; floors lift a tier, caps bound it. Shares stay real numbers for packing, so that a
larger budget never takes a token away from a tier; `whole_tokens` rounds them for reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arguments import checked_tokens, checked_whole
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import TIERS, QueryComplexity

SHARE_ROUNDING = 1e-9
"""Sums of shares in binary may fall short of a whole number by this much per token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPlan:
    """Tokens for one prompt.

    Attributes:
        total_tokens: All that memory may use, headings included.
        tier_tokens: What belongs to each tier, shape (4,) in the order of `MemoryTier`; real
            numbers that sum to `total_tokens` or less.
        tier_firm_tokens: The part of it that is kept for the tier's items whatever they are worth,
            by the workspace's floors, shape (4,).
        tier_cap_tokens: What each tier may use at most, shape (4,).
        borrowing: Whether tokens that a tier cannot use flow to others.
    """

    total_tokens: int
    tier_tokens: FloatArray
    tier_firm_tokens: FloatArray
    tier_cap_tokens: FloatArray
    borrowing: bool


def plan_budget(
    config: WorkspaceConfig,
    complexity: QueryComplexity,
    *,
    budget_tokens: int | None = None,
    reserved_tokens: int | None = None,
) -> BudgetPlan:
    """Tokens in all and for each tier.

    Args:
        config: The workspace.
        complexity: The query's complexity; it scales the ceiling.
        budget_tokens: An exact total that replaces the scaled one. At least 1.
        reserved_tokens: Tokens that the caller needs for itself, in place of the workspace's
            reserve. They come off the ceiling, not off `budget_tokens`.

    Raises:
        InputError: If a number is not whole, `budget_tokens` is not positive, or the reserve leaves
            nothing.
    """
    shares = np.array([config.share(tier) for tier in TIERS])
    if budget_tokens is None:
        available = _available_tokens(config, reserved_tokens)
        scaled = shares * available * [config.multiplier(complexity, tier) for tier in TIERS]
        total = max(1, int(scaled.sum() + SHARE_ROUNDING))
    else:
        total = checked_tokens("budget_tokens", budget_tokens)
        scaled = shares * total
    caps = np.array([float(config.tier_cap_tokens.get(tier, total)) for tier in TIERS])
    floors = np.array([float(config.tier_floor_tokens.get(tier, 0)) for tier in TIERS])
    tier_tokens = np.minimum(_with_floors(scaled, floors, total), caps)
    return BudgetPlan(
        total_tokens=total,
        tier_tokens=tier_tokens,
        tier_firm_tokens=np.minimum(floors, tier_tokens),
        tier_cap_tokens=np.minimum(caps, total),
        borrowing=config.borrowing,
    )


def whole_tokens(tokens: FloatArray) -> tuple[int, ...]:
    """Round to integers with the same sum, rounded down; the largest remainders go up first.

    >>> whole_tokens(np.array([2.5, 2.5, 0.0, 5.0]))
    (3, 2, 0, 5)
    """
    whole = np.floor(tokens + SHARE_ROUNDING).astype(np.int64)
    missing = int(tokens.sum() + SHARE_ROUNDING) - int(whole.sum())
    for tier in np.argsort(whole - tokens, kind="stable")[:missing]:
        whole[tier] += 1
    return tuple(int(count) for count in whole)


def borrowed_tokens(share_tokens: Sequence[int], used_tokens: Sequence[int]) -> tuple[int, ...]:
    """What each tier has borrowed (positive) or lent (negative).

    Tiers with the most to spare lend first. Tokens that belong to no tier cover the rest, so the
    sum may be positive.

    >>> borrowed_tokens([10, 10, 0, 0], [4, 13, 0, 0])
    (-3, 3, 0, 0)
    """
    spare = [share - used for share, used in zip(share_tokens, used_tokens, strict=True)]
    flow = [max(0, -tokens) for tokens in spare]
    wanted = sum(flow)
    for tier in sorted(range(len(flow)), key=lambda index: -spare[index]):
        lent = min(wanted, max(0, spare[tier]))
        flow[tier] -= lent
        wanted -= lent
    return tuple(flow)


def _available_tokens(config: WorkspaceConfig, reserved_tokens: int | None) -> int:
    reserved = config.reserved_tokens
    if reserved_tokens is not None:
        reserved = checked_whole("reserved_tokens", reserved_tokens)
    available = config.max_total_tokens - reserved
    if available < 1:
        raise InputError(
            f"workspace {config.workspace_id!r}: reserved_tokens ({reserved:,}) leave nothing of "
            f"max_total_tokens ({config.max_total_tokens:,}). Lower the reserve or raise the "
            "ceiling."
        )
    return available


def _with_floors(tokens: FloatArray, floors: FloatArray, total: int) -> FloatArray:
    """Lift tiers to their floors and take the difference from the others in proportion."""
    if not floors.any():
        return tokens
    if floors.sum() >= total:
        lowered: FloatArray = floors * (total / floors.sum())
        return lowered
    at_floor = np.zeros(len(tokens), dtype=bool)
    while True:
        free = total - floors[at_floor].sum()
        open_sum = tokens[~at_floor].sum()
        scale = min(1.0, free / open_sum) if open_sum > 0 else 0.0
        lifted = np.where(at_floor, floors, tokens * scale)
        short = ~at_floor & (lifted < floors)
        if not short.any():
            return lifted
        at_floor |= short
