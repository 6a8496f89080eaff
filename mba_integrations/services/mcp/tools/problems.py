"""What goes wrong, in words that a model can act on: what is wrong, and the next step.

What is wrong is said as all skins say it. The step that is added is one that a model can take,
which differs from what a person at a terminal can do.
"""

from __future__ import annotations

from mba_integrations.core.errors import MemoryBudgetError, UnknownWorkspaceError
from mba_integrations.services.access.errors import MissingScopeError
from mba_integrations.services.contracts.problems import problem_of
from mba_integrations.services.store.errors import (
    IdempotencyConflictError,
    MemoryExistsError,
    StorageFullError,
    UnknownMemoryError,
)

_LATER = "Go on without memory, and try again in a few seconds."
_STEPS: tuple[tuple[type[MemoryBudgetError], str], ...] = (
    (UnknownMemoryError, "Call explain after a recall, or forget with a query, to see ids."),
    (UnknownWorkspaceError, "Tell the user to make it with `mba workspaces create`."),
    (MissingScopeError, "Tell the user; you cannot do this."),
    (IdempotencyConflictError, "Use another key, or none."),
    (MemoryExistsError, "Use another key, or none."),
    (StorageFullError, "Tell the user that the disk is full; recall goes on working."),
)


def told(error: MemoryBudgetError) -> str:
    """An error as a model reads it."""
    problem = problem_of(error)
    step = next((step for kind, step in _STEPS if isinstance(error, kind)), "")
    if not step and problem.kind.retry_after is not None:
        step = _LATER
    return f"{problem.detail} {step}".strip()
