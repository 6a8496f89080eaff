"""All routes. Those with fixed ends stand before those that take a path."""

from __future__ import annotations

from mba_integrations.services.api.routes import (
    admin,
    events,
    health,
    keeping,
    log,
    memories,
    organising,
    recalls,
    transfer,
    workspaces,
)

ROUTERS = (
    health.router,
    recalls.router,
    log.router,
    transfer.router,
    events.router,
    keeping.router,
    organising.router,
    admin.router,
    workspaces.router,
    memories.router,
)
