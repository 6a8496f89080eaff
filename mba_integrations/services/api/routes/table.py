"""All routes. Those with fixed ends stand before those that take a path."""

from __future__ import annotations

from mba_integrations.services.api.routes import (
    admin,
    health,
    keeping,
    memories,
    recalls,
    workspaces,
)

ROUTERS = (
    health.router,
    recalls.router,
    keeping.router,
    admin.router,
    workspaces.router,
    memories.router,
)
