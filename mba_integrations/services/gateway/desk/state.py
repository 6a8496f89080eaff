"""`SessionState`: what the gateway keeps of a conversation from call to call, over restarts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from mba_integrations.services.gateway.rewriting.held import Held
from mba_integrations.services.gateway.rewriting.prefix import Sent
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.routing.choosing import SessionRoute
from mba_integrations.services.store.statements.log import sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """What is kept of a conversation; no text.

    Attributes:
        route: The model that it is asked of; None where nothing chose one.
        held: Where its memories stand; None where it had none.
        sent: What was sent of it last; None where nothing was counted.
    """

    route: SessionRoute | None = None
    held: Held | None = None
    sent: Sent | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; what is None is left out."""
        parts = {"route": self.route, "held": self.held, "sent": self.sent}
        return {name: part.to_dict() for name, part in parts.items() if part is not None}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """What `to_dict` wrote.

        >>> SessionState.from_dict(SessionState(sent=Sent(digests=("1f",))).to_dict()).sent.digests
        ('1f',)
        """
        held, sent = kept.get("held"), kept.get("sent")
        return cls(
            route=SessionRoute.from_dict(kept.get("route")),
            held=None if held is None else Held.from_dict(held),
            sent=None if sent is None else Sent.from_dict(sent),
        )


NEW = SessionState()


def state_of(service: MemoryService, workspace_id: str, session_id: str) -> SessionState:
    """What is kept of a session; that of a new one where it is not known, or has ended."""
    with service.equipment.read(workspace_id) as reading:
        found = sessions.find(reading, session_id)
    if found is None or found.ended_at is not None or found.gateway is None:
        return NEW
    return SessionState.from_dict(found.gateway)


def keep_state(
    service: MemoryService, workspace_id: str, session_id: str, state: SessionState
) -> None:
    """Keep what the session's next call needs.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    service.equipment.put(
        workspace_id, lambda writing: sessions.put_gateway(writing, session_id, state.to_dict())
    )
