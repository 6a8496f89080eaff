"""Whether settings that hold do worse than those before them: a test on two windows.

The moment of the change is known, so the recalls on both sides of it are compared. Page-Hinkley and
the like look for a moment that nobody knows: they need a drift and a threshold to be set, and find
a loss of the same size later.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray

LEAST_TURNS = 30
"""On each side: with fewer, one prompt in a hundred looks like a loss."""
_Z = 3.0
"""One in 740 by chance. The window is looked at a few times, so 2 would trip on nothing."""
_LEAST_LOSS = 0.1
"""Of the mean before: with many recalls a smaller one is certain, and not worth a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What was seen of one recall.

    Attributes:
        utilisation: Of its budget, what was used, in [0, 1].
        useful: Weight of the memories that were of use; None where nobody said anything.
        liked: Whether a person liked the whole prompt; None where nobody said.
    """

    utilisation: float
    useful: float | None = None
    liked: bool | None = None


def tripped(before: Sequence[Turn], after: Sequence[Turn], *, beside: str = "before") -> str | None:
    """What became worse; None while nothing did, or too little was seen.

    Worse is less weight of useful memories in a prompt, fewer prompts that a person liked, and more
    of the budget used, by a tenth and beyond chance.

    Args:
        before: What was seen before the change, or without it.
        after: With it.
        beside: What the first ones are called.
    """
    for what, sign, old, new in (
        ("useful memories in a prompt", -1.0, _useful(before), _useful(after)),
        ("prompts that a person liked", -1.0, _liked(before), _liked(after)),
        ("use of the budget", 1.0, _used(before), _used(after)),
    ):
        if min(len(old), len(new)) >= LEAST_TURNS and _is_worse(sign, old, new):
            return f"{what}: {new.mean():.3f} in {len(new):,} recalls, {old.mean():.3f} {beside}."
    return None


def _is_worse(sign: float, old: FloatArray, new: FloatArray) -> bool:
    loss = sign * float(new.mean() - old.mean())
    spread = math.sqrt(old.var(ddof=1) / len(old) + new.var(ddof=1) / len(new))
    return loss > _LEAST_LOSS * abs(float(old.mean())) and loss > _Z * spread


def _useful(turns: Sequence[Turn]) -> FloatArray:
    return np.array([one.useful for one in turns if one.useful is not None], dtype=float)


def _liked(turns: Sequence[Turn]) -> FloatArray:
    return np.array([one.liked for one in turns if one.liked is not None], dtype=float)


def _used(turns: Sequence[Turn]) -> FloatArray:
    return np.array([one.utilisation for one in turns], dtype=float)
