"""`Outcome`: what one allocation came to under some settings, in numbers alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mba_integrations.core.arguments import shown
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.log.records import check_zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an allocation came to under some settings.

    Attributes:
        allocation_id: Which one.
        workspace_id: Of which workspace.
        session_id: In which session; None for none, then it is one of its own.
        at: When, with a zone.
        needed: Weight of the memories that are known to be needed, at least 0.
        kept: Of that weight, what is in the prompt; at most *needed*.
        positives: How many memories are known to be needed.
        used_tokens: Of the prompt.
        budget_tokens: That memory could use.
        cost: Of the prompt, in any unit.
        stable_prefix_tokens: That the prompt shares with the one before it; None if there is none.
        problem: Why there is no prompt, such as pins over the budget; None where there is one.

    Raises:
        InputError: If *at* has no zone, a number is negative or not finite, or more is kept than
            needed.
    """

    allocation_id: str
    workspace_id: str
    session_id: str | None
    at: datetime
    needed: float
    kept: float
    positives: int
    used_tokens: int
    budget_tokens: int
    cost: float
    stable_prefix_tokens: int | None = None
    problem: str | None = None

    def __post_init__(self) -> None:
        check_zone("at", self.at)
        for name in _NUMBERS:
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} must be finite and at least 0, got {shown(value)}.")
        if self.kept > self.needed + 1e-9:
            raise InputError(
                f"allocation {self.allocation_id!r} keeps {self.kept:g}, and only "
                f"{self.needed:g} are needed."
            )

    @property
    def session(self) -> tuple[str, str, bool]:
        """The session over all workspaces."""
        alone = self.session_id is None
        return self.workspace_id, self.session_id or self.allocation_id, alone

    @property
    def fits(self) -> bool:
        """Whether there is a prompt, and it is within its budget."""
        return self.problem is None and self.used_tokens <= self.budget_tokens


_NUMBERS = ("needed", "kept", "positives", "used_tokens", "budget_tokens", "cost")
COLUMNS = ("needed", "kept", "used_tokens", "budget_tokens", "cost", "stable", "following", "turns")
"""What is added up for each session: `stable` tokens of the prompts that follow another one, whose
own tokens are `following`."""


def sums(outcomes: Sequence[Outcome]) -> Mapping[tuple[str, str, bool], FloatArray]:
    """Sums over each session, in the order of their first outcomes; shape (8,), as `COLUMNS`."""
    found: dict[tuple[str, str, bool], FloatArray] = {}
    for one in outcomes:
        row = found.setdefault(one.session, np.zeros(len(COLUMNS)))
        stable = one.stable_prefix_tokens
        row += (
            *(one.needed, one.kept, one.used_tokens, one.budget_tokens, one.cost),
            *((0, 0) if stable is None else (stable, one.used_tokens)),
            1,
        )
    return found
