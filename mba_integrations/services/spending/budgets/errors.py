"""Why a budget refuses a call.

MemoryBudgetError
├── SpendExceededError    a budget has no room for the call
└── MissingPriceError     a budget is in dollars, and the model has no price
"""

from __future__ import annotations

import math
from datetime import datetime

from mba_integrations.core.config.gateway_settings import SpendBudget, SpendUnit
from mba_integrations.core.config.problems import nearest_hint
from mba_integrations.core.errors import MemoryBudgetError

_NAMES = {"day": "day", "week": "week", "month": "month"}


def shown_units(unit: SpendUnit, amount: int) -> str:
    """An amount as a message shows it.

    >>> shown_units(SpendUnit.USD, 2_500_000), shown_units(SpendUnit.TOKENS, 1200)
    ('2.50 USD', '1,200 tokens')
    """
    if unit is SpendUnit.TOKENS:
        return f"{amount:,} tokens"
    digits = f"{amount // 10**6:,}.{amount % 10**6:06}"
    return f"{digits[:-4]}{digits[-4:].rstrip('0')} USD"


class SpendExceededError(MemoryBudgetError):
    """A budget has no room for a call. Nothing was reserved.

    Attributes:
        budget: Which one.
        subject: Whose it is: the workspace, the key or the session.
        scope: Of the budget.
        unit: Of the budget.
        amount: Of the budget, in tokens or micro-dollars, as all that follows.
        used: What was spent.
        reserved: What calls that run may still spend.
        left: What is neither.
        needed: What this call may spend at most.
        ends_at: When there is room again, as far as that is known, as ISO 8601 text: the period
            ends, or enough has left the rolling window. None where the call never fits.
        retry_after_seconds: Whole seconds until then; None as well.
    """

    def __init__(
        self,
        budget: SpendBudget,
        *,
        subject: str,
        used: int,
        reserved: int,
        needed: int,
        ends_at: datetime | None,
        now: datetime,
    ) -> None:
        self.budget, self.subject = budget, subject
        self.scope, self.unit, self.amount = budget.scope.value, budget.unit.value, budget.units
        self.used, self.reserved, self.needed = used, reserved, needed
        self.left = max(0, self.amount - used - reserved)
        self.ends_at = None if ends_at is None else ends_at.isoformat()
        seconds = None if ends_at is None else math.ceil((ends_at - now).total_seconds())
        self.retry_after_seconds = None if seconds is None else max(1, seconds)
        super().__init__(self._message())

    def _message(self) -> str:
        budget = self.budget
        per = _NAMES.get(budget.period.value, f"{budget.rolling_seconds} seconds")
        amounts = [budget.units, self.used, self.reserved, self.needed]
        limit, used, reserved, needed = (shown_units(budget.unit, one) for one in amounts)
        until = "It never fits" if self.ends_at is None else f"Try after {self.ends_at}"
        return (
            f"{budget.scope.value} {self.subject!r} may spend {limit} in a {per}: {used} are "
            f"spent, {reserved} are reserved, this call may need {needed}. {until}; "
            "lower what the request may have as output, or raise the amount in gateway.spend."
        )


class MissingPriceError(MemoryBudgetError):
    """A budget is in dollars, and the model of a call has no price.

    Attributes:
        model: Which one.
    """

    def __init__(self, workspace_id: str, model: str, known: tuple[str, ...]) -> None:
        self.model = model
        super().__init__(
            f"workspace {workspace_id!r} has a budget in usd and no price for the model {model!r}. "
            f"Add it to gateway.prices. {nearest_hint(model, known)}".rstrip()
        )
