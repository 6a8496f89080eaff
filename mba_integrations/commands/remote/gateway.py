"""How the budgets of a server's workspaces stand, and what its routes are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mba_integrations.services.contracts.gateway import (
    BudgetView,
    CalibrationView,
    GatewayUsageView,
)

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


class RemoteRoutes:
    """Routes of a server."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def usage(self, workspace_id: str, *, window: str | None, by: str | None) -> GatewayUsageView:
        """What calls used, and what routes saved."""
        told = self._client.gateway_usage(workspace_id, window=window, by=by)
        return GatewayUsageView.model_validate(told)

    def calibration(
        self, workspace_id: str, share: float, *, window: str | None
    ) -> CalibrationView:
        """The threshold for a wanted share of the logged queries."""
        told = self._client.calibration(workspace_id, share, window=window)
        return CalibrationView.model_validate(told)
