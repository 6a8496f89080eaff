"""Outcomes of made-up allocations, with a known difference between two choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.learning.gate.outcomes import Outcome

START = datetime(2026, 1, 1, tzinfo=UTC)


def outcome(number: int = 0, **changes: Any) -> Outcome:
    """An outcome of the allocation of that number, one a minute, ten in a session."""
    values: dict[str, Any] = {
        "allocation_id": f"a{number}",
        "workspace_id": "kate",
        "session_id": f"s{number // 10}",
        "at": START + timedelta(minutes=number),
        "needed": 1.0,
        "kept": 1.0,
        "positives": 1,
        "used_tokens": 500,
        "budget_tokens": 1000,
        "cost": 500.0,
        "stable_prefix_tokens": 400,
    }
    return Outcome(**{**values, **changes})


def outcomes(count: int = 400, **changes: Any) -> list[Outcome]:
    """As many, alike."""
    return [outcome(number, **changes) for number in range(count)]


class Traffic:
    """Allocations with labelled candidates, and the choices of two settings.

    Both choose 10 of 30 candidates. Each candidate is needed with a chance that the candidate
    settings see better, by *skill* in [0, 1], than those of now.
    """

    def __init__(self, seed: int, *, skill: float, count: int = 400) -> None:
        random = np.random.default_rng(seed)
        shape = (count, 30)
        self.truth = random.normal(size=shape)
        self.needed = random.random(shape) < 1.0 / (1.0 + np.exp(4.0 - 2.0 * self.truth))
        self.tokens = random.integers(30, 80, shape)
        self.now = _best(self.truth + 2.0 * random.normal(size=shape))
        noise = 2.0 * (1.0 - skill)
        self.tried = _best(self.truth + noise * random.normal(size=shape))

    def with_shuffled_labels(self, seed: int) -> None:
        """Deal the labels out again, over all candidates of all allocations."""
        random = np.random.default_rng(seed)
        self.needed = random.permutation(self.needed.ravel()).reshape(self.needed.shape)

    def outcomes(self, chosen: FloatArray) -> list[Outcome]:
        """What the choice of one of the two came to."""
        found = []
        for number, (needed, taken, tokens) in enumerate(
            zip(self.needed, chosen, self.tokens, strict=True)
        ):
            used = int(tokens[taken].sum())
            found.append(
                outcome(
                    number,
                    needed=float(needed.sum()),
                    kept=float((needed & taken).sum()),
                    positives=int(needed.sum()),
                    used_tokens=used,
                    cost=float(used),
                    stable_prefix_tokens=None,
                )
            )
        return found


def _best(seen: FloatArray) -> FloatArray:
    order = np.argsort(-seen, axis=1)[:, :10]
    chosen = np.zeros(seen.shape, dtype=bool)
    np.put_along_axis(chosen, order, True, axis=1)
    return chosen


def with_changes(found: Sequence[Outcome], **changes: Any) -> list[Outcome]:
    """The same with other values."""
    return [replace(one, **changes) for one in found]
