"""How the budgets of a server's workspaces stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mba_integrations.services.contracts.gateway import BudgetView

if TYPE_CHECKING:
    from mba_integrations.services.client.client import MbaClient


class RemoteBudgets:
    """Budgets of a server."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def views(self, workspace_id: str) -> list[BudgetView]:
        """How they stand."""
        told = self._client.budgets(workspace_id)["budgets"]
        return [BudgetView.model_validate(one) for one in told]
