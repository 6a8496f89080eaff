"""Recalls of made-up experiments, with a known difference between both arms."""

from __future__ import annotations

from typing import Any

import numpy as np

from mba_integrations.learning.gate.arms import Sent


def sent(number: int = 0, **changes: Any) -> Sent:
    """What was seen of the recall of that number, five in a session."""
    values: dict[str, Any] = {
        "session": f"s{number // 5}",
        "used_tokens": 400,
        "budget_tokens": 1000,
        "cost": 100.0,
        "stable_prefix_tokens": 300,
        "useful": 1.0,
        "positives": 1,
        "is_judged": True,
    }
    return Sent(**{**values, **changes})


def many(count: int = 200, **changes: Any) -> list[Sent]:
    """As many, alike."""
    return [sent(number, **changes) for number in range(count)]


def drawn(
    random: np.random.Generator, sessions: int = 50, *, useful: float = 0.5, tokens: float = 800.0
) -> list[Sent]:
    """Sessions of one to nine recalls that differ in use and in tokens, some without feedback.

    Args:
        random: Of the draws.
        sessions: How many.
        useful: Useful memories of a prompt, in the mean.
        tokens: Of a prompt, in the mean.
    """
    found = []
    for name in range(sessions):
        skill, size = 2.0 * random.beta(4, 4), random.normal(1.0, 0.2)
        for _ in range(random.integers(1, 10)):
            memories = int(random.poisson(useful * skill))
            used = int(max(50.0, tokens * size + random.normal(0, 100)))
            found.append(
                sent(
                    session=f"s{name}",
                    used_tokens=used,
                    budget_tokens=4_000,
                    stable_prefix_tokens=int(used * random.uniform(0.4, 1.0)),
                    cost=used * random.uniform(0.2, 0.6),
                    useful=float(memories),
                    positives=memories,
                    is_judged=bool(random.random() < 0.9),
                )
            )
    return found
