"""What is to be packed: items as columns, a budget, and the rules of each tier.

Checked when it is made, in O(n), so that packing can rely on it: an unusable number is refused here
by the name of its field, and nothing after it checks again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.errors import InputError

_NO_TOKENS: FloatArray = np.zeros(0)
_NO_TOKENS.flags.writeable = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PackingProblem:
    """Items, budget and tiers; checked when made.

    Attributes:
        value: Worth of each item, shape (n,), finite and at least 0. Items of value 0 come in
            only if there is room left.
        tokens: Tokens of each item, shape (n,), at least 1.
        tier: Tier of each item, shape (n,), in [0, k).
        total_tokens: Budget of everything together, opening tokens included; at least 0.
        tier_tokens: Share of each tier, shape (k,). Real numbers, since rounding them would take
            tokens from a tier at some larger budgets. Their sum is at most `total_tokens`.
        tier_cap_tokens: What a tier never exceeds, shape (k,). May be infinite.
        opening_tokens: Charged once to a tier with a chosen item (its heading), shape (k,).
        borrowing: Whether a tier may use what others cannot use of their shares, up to its cap.
        least_density: Value per token from which an item counts for its tier's guarantee; at least
            0, where all count. See `guarantee`.
        firm_tokens: The part of each share that is guaranteed to items of any worth, shape (k,),
            at most the share; empty for none.

    Raises:
        InputError: If a shape or a range is violated; the message names the field and the value.
    """

    value: FloatArray
    tokens: IntArray
    tier: IntArray
    total_tokens: int
    tier_tokens: FloatArray
    tier_cap_tokens: FloatArray
    opening_tokens: IntArray
    borrowing: bool
    least_density: float = 0.0
    firm_tokens: FloatArray = field(default_factory=lambda: _NO_TOKENS)

    def __post_init__(self) -> None:
        _check_shapes(self)
        _check_items(self)
        _check_budget(self)


def _check_shapes(problem: PackingProblem) -> None:
    count, tiers = len(problem.value), len(problem.tier_tokens)
    lengths = dict.fromkeys(("value", "tokens", "tier"), count)
    lengths |= dict.fromkeys(("tier_tokens", "tier_cap_tokens", "opening_tokens"), tiers)
    if len(problem.firm_tokens):
        lengths["firm_tokens"] = tiers
    for name, length in lengths.items():
        shape = getattr(problem, name).shape
        if shape != (length,):
            raise InputError(f"{name} must have shape ({length},), got {shape}.")
    for name in ("tokens", "tier", "opening_tokens"):
        if getattr(problem, name).dtype.kind not in "iu":
            raise InputError(f"{name} must hold integers, got {getattr(problem, name).dtype}.")
    if not tiers:
        raise InputError("tier_tokens must name at least one tier, got none.")


def _check_items(problem: PackingProblem) -> None:
    if not len(problem.value):
        return
    low, high = problem.value.min(), problem.value.max()
    if not (low >= 0 and high < np.inf):
        raise InputError(f"value must be finite and >= 0, got {low} to {high}.")
    if problem.tokens.min() < 1:
        raise InputError(f"tokens must be >= 1, got {problem.tokens.min()}.")
    last = len(problem.tier_tokens) - 1
    if problem.tier.min() < 0 or problem.tier.max() > last:
        raise InputError(
            f"tier must be in [0, {last}], got {problem.tier.min()} to {problem.tier.max()}."
        )


def _check_budget(problem: PackingProblem) -> None:
    if problem.total_tokens < 0:
        raise InputError(f"total_tokens must be >= 0, got {problem.total_tokens}.")
    shares = problem.tier_tokens
    if not (np.isfinite(shares).all() and shares.min() >= 0):
        raise InputError(f"tier_tokens must be finite and >= 0, got {shares.tolist()}.")
    # Up to half a token over is taken for rounding; packing scales it away.
    if shares.sum() > problem.total_tokens + 0.5:
        raise InputError(
            f"tier_tokens must sum to total_tokens ({problem.total_tokens:,}) or less, "
            f"got {shares.sum():,.1f}."
        )
    if not 0.0 <= problem.least_density < np.inf:
        raise InputError(f"least_density must be finite and >= 0, got {problem.least_density}.")
    for name in ("tier_cap_tokens", "opening_tokens", "firm_tokens"):
        limits = getattr(problem, name)
        if not (limits >= 0).all():
            raise InputError(f"{name} must be >= 0, got {limits.tolist()}.")
