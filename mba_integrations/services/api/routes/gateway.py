"""What calls through the gateway may spend, and what they used. Budgets are set as settings are."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from mba_integrations.services.api.asking import PROBLEMS, OwnRouter, Read
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.gateway import (
    BudgetsView,
    BudgetView,
    CalibrationView,
    GatewayUsageView,
)
from mba_integrations.services.contracts.statistics import WINDOW, hours_of
from mba_integrations.services.spending.budgets.standing import budget_states
from mba_integrations.services.spending.routing.logged import calibrate_on_log
from mba_integrations.services.spending.usage.telling import gateway_usage
from mba_integrations.services.store.rows.gateway.usage import UsageBy

router = OwnRouter(prefix="/v1/workspaces/{workspace_id}", tags=["gateway"], responses=PROBLEMS)
Window = Annotated[str | None, Query(pattern=WINDOW, examples=["24h"])]


@router.get("/budgets")
@in_thread("store")
def list_budgets(call: Read) -> BudgetsView:
    """How the budgets of a workspace stand."""
    states = budget_states(call.service, call.workspace_id)
    return BudgetsView(budgets=[BudgetView.of(one) for one in states])


@router.get("/gateway/usage")
@in_thread("store")
def usage_of_gateway(
    call: Read, window: Window = None, by: UsageBy | None = None
) -> GatewayUsageView:
    """What calls through the gateway used, and what routes saved."""
    found = gateway_usage(call.service, call.workspace_id, hours=hours_of(window, None), by=by)
    return GatewayUsageView.of(found)


@router.get("/gateway/calibration")
@in_thread("long")
def calibrate_routes(
    call: Read, share: Annotated[float, Query(ge=0, le=1)], window: Window = None
) -> CalibrationView:
    """From how many points on queries of the log go to the strong model, for a wanted share."""
    found = calibrate_on_log(call.service, call.workspace_id, share, hours=hours_of(window, None))
    return CalibrationView.of(found)
