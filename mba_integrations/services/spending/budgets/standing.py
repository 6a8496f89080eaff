"""How the budgets of a workspace stand, and when one has room again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mba_integrations.core.config.gateway_settings import SpendBudget, SpendScope
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.periods import place_of
from mba_integrations.services.store.rows.gateway.spend import SpendPlace, SubjectBalance
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements.gateway import spend

MOST_SUBJECTS = 100
"""Keys or sessions that are shown of a budget: those that spent most."""
_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """How a budget stands, in tokens or micro-dollars.

    Attributes:
        budget: Which one.
        subject: Whose it is: a key's id, a session's, or nothing for the workspace.
        used: What was spent.
        reserved: What calls that run may spend at most.
        begins_at: When its period began; of a rolling window its far end.
        ends_at: When its period ends; None for a rolling window, which never does.
    """

    budget: SpendBudget
    subject: str
    used: int
    reserved: int
    begins_at: datetime
    ends_at: datetime | None

    @property
    def left(self) -> int:
        """What a call may still reserve."""
        return max(0, self.budget.units - self.used - self.reserved)


def budget_states(service: MemoryService, workspace_id: str) -> tuple[BudgetState, ...]:
    """How the budgets of a workspace stand; of keys and sessions those that spent something.

    Raises:
        UnknownWorkspaceError: If there is no such workspace; with those of a like name.
    """
    settings = service.workspaces.config(workspace_id).gateway
    now = service.now()
    with service.equipment.read(workspace_id) as reading:
        return tuple(state for budget in settings.spend for state in _states(reading, budget, now))


def room_at(reading: Reading, place: SpendPlace, *, missing: int, at: datetime) -> datetime:
    """When so much that is missing may be free: the period ends, or enough has left the window.

    What calls have reserved may be free any moment, so where that alone is missing it is soon.
    """
    if place.window is None:
        return place.ends_at
    freed = 0
    for leaves_at, used in spend.slices(reading, place):
        freed += used
        if freed >= missing:
            return leaves_at
    return at + _SOON


def _states(reading: Reading, budget: SpendBudget, now: datetime) -> Iterator[BudgetState]:
    place = place_of(budget, "", now)
    found = spend.standing(reading, place, now, limit=MOST_SUBJECTS)
    if budget.scope is SpendScope.WORKSPACE and not found:
        found = (SubjectBalance(subject="", used=0, reserved=0),)
    for one in found:
        yield BudgetState(
            budget=budget,
            subject=one.subject,
            used=one.used,
            reserved=one.reserved,
            begins_at=place.start if place.window is None else now - place.window,
            ends_at=place.ends_at if place.window is None else None,
        )
