"""All routes. Those with fixed ends stand before those that take a path."""

from __future__ import annotations

from mba_integrations.services.api.compat import langgraph, mem0
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

ROUTERS = (
    health.router,
    recalls.router,
    log.router,
    transfer.router,
    events.router,
    keeping.router,
    gateway.router,
    organising.router,
    admin.router,
    workspaces.router,
    documents.router,
    memories.router,
)
COMPAT_ROUTERS = {"langgraph": langgraph.router, "mem0": mem0.router}
"""Routes of other servers, by the names of `ServerSettings.compat`."""
