"""`Parts`: what decides calls and notes their ends, made alike for the gateway and the callback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from mba_integrations.conversation.older import Chooser
from mba_integrations.services.gateway.desk.deciding import Deciding
from mba_integrations.services.gateway.desk.ending import Ending
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.spending import Spending
from mba_integrations.services.spending.usage.noting import UsageLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What works on calls.

    Attributes:
        spending: The budgets.
        usage: What calls used.
        deciding: What is sent on.
        ending: How calls end.
    """

    spending: Spending
    usage: UsageLog
    deciding: Deciding
    ending: Ending

    @classmethod
    def of(cls, service: MemoryService, chooser: Chooser | None = None) -> Self:
        """The parts for a service.

        Args:
            service: Whose workspaces.
            chooser: Chooses older messages of a conversation; None for the package's own.
        """
        spending, usage = Spending(service), UsageLog(service)
        return cls(
            spending=spending,
            usage=usage,
            deciding=Deciding(service, spending, usage, chooser),
            ending=Ending(service, spending, usage),
        )
