"""Which model sessions are asked of, kept in the store over restarts."""

from __future__ import annotations

from mba_integrations.services.gateway.routing.choosing import SessionRoute
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.statements.log import sessions


def route_of(service: MemoryService, workspace_id: str, session_id: str) -> SessionRoute | None:
    """Which model a session is asked of; None where nothing chose one, or it has ended."""
    with service.equipment.store.read(workspace_id) as reading:
        found = sessions.find(reading, session_id)
    if found is None or found.ended_at is not None:
        return None
    return SessionRoute.from_dict(found.route)


def keep_route(
    service: MemoryService, workspace_id: str, session_id: str, route: SessionRoute
) -> None:
    """Ask a session of a model from now on.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    service.equipment.store.write(
        workspace_id, lambda writing: sessions.put_route(writing, session_id, route.to_dict())
    )
