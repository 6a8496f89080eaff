"""All routes. Those with fixed ends stand before those that take a path."""

from __future__ import annotations

from importlib import import_module

from fastapi import APIRouter

from mba_integrations.services.api.routes import (
    admin,
    documents,
    events,
    gateway,
    health,
    keeping,
    log,
    memories,
    organising,
    recalls,
    transfer,
    workspaces,
)
from mba_integrations.services.api.routes.learned import tuning

ROUTERS = (
    health.router,
    recalls.router,
    log.router,
    transfer.router,
    events.router,
    keeping.router,
    gateway.router,
    organising.router,
    tuning.router,
    admin.router,
    workspaces.router,
    documents.router,
    memories.router,
)


def compat_router(name: str) -> APIRouter:
    """Routes of another server, by a name of `ServerSettings.compat`.

    Imported when they are wanted: few servers have them, and their bodies take time to make.
    """
    router: APIRouter = import_module(f"mba_integrations.services.api.compat.{name}").router
    return router
