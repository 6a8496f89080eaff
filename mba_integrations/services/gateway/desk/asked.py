"""`Asked`: what a call asks for, and how the settings of its workspace have it."""

from __future__ import annotations

from dataclasses import dataclass

from mba_integrations.core.config.gateway_settings import GatewaySettings
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.services.gateway.wire.reading import Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call that is understood.

    Attributes:
        config: The settings of its workspace.
        request: What it says.
        key_id: Of the key that asks.
        session_id: The conversation that it belongs to; None where nothing tells.
        only_counts: Whether it asks how many tokens the request has, and no reply follows.
    """

    config: WorkspaceConfig
    request: Read
    key_id: str
    session_id: str | None
    only_counts: bool

    @property
    def workspace_id(self) -> str:
        """Of which workspace."""
        return self.config.workspace_id

    @property
    def settings(self) -> GatewaySettings:
        """What the gateway does for it."""
        return self.config.gateway

    @property
    def output_tokens(self) -> int:
        """The most that may come back, as far as the request or the settings say."""
        said = self.request.max_output_tokens
        return self.settings.reply_tokens if said is None else said

    @property
    def memory_tokens(self) -> int:
        """What memory may have, before any budget shrinks it."""
        if self.settings.inject == "off":
            return 0
        return self.settings.memory_tokens or self.config.max_total_tokens
