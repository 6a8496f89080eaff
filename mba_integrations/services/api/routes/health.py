"""Whether the server lives, whether it can work, and its figures."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends
from starlette.responses import Response

from mba_integrations.services.api.asking import (
    PROBLEMS,
    AdminAnywhere,
    Ground,
    OwnRouter,
    ground_of,
)
from mba_integrations.services.api.metrics.registry import CONTENT_TYPE
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.body import View

router = OwnRouter(tags=["health"], responses=PROBLEMS)
OnGround = Annotated[Ground, Depends(ground_of)]


class HealthView(View):
    """How the server is."""

    status: Literal["ok"]


@router.get("/livez")
async def livez() -> HealthView:
    """The process answers. Nothing else is looked at."""
    return HealthView(status="ok")


@router.get("/readyz")
@in_thread("store")
def readyz(ground: OnGround) -> HealthView:
    """The store can be read."""
    ground.service.check()
    return HealthView(status="ok")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
@in_thread("store")
def metrics(call: AdminAnywhere) -> Response:
    """Figures, as Prometheus reads them."""
    return Response(call.ground.metrics.text(), media_type=CONTENT_TYPE)
