"""`Asked`: what a call asks for, and how the settings of its workspace have it.

A request that is not understood goes on as it came, unless budgets hold for it: those would not
hold then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mba_integrations.core.config.gateway_settings import GatewaySettings, Inject
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.services.gateway.sessions.naming import session_of
from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.reading import Read, Unread, read


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
        """The most that may come back, as far as the request or the settings say.

        A chat may ask for several replies (`n`), and each may have as many.
        """
        said = self.request.max_output_tokens
        replies = self.request.value.get("n") if self.request.api == "chat" else 1
        each = self.settings.reply_tokens if said is None else said
        return each * (replies if type(replies) is int and replies > 1 else 1)

    @property
    def memory_tokens(self) -> int:
        """What memory may have, before any budget shrinks it."""
        if self.settings.inject is Inject.OFF:
            return 0
        return self.settings.memory_tokens or self.config.max_total_tokens


def understood(
    config: WorkspaceConfig,
    api: Api,
    body: bytes | str,
    *,
    headers: Iterable[tuple[bytes, bytes]],
    key_id: str,
    only_counts: bool = False,
) -> Asked | Unread:
    """What a call asks for, or why it goes on as it came.

    Args:
        config: The settings of its workspace.
        api: Its protocol.
        body: The whole request.
        headers: Of the request, as ASGI has them.
        key_id: Of the key that asks.
        only_counts: Whether no reply follows.

    Raises:
        InputError: If it is not understood, and budgets hold for it.
    """
    request = read(api, body)
    if not isinstance(request, Unread):
        name = session_of(
            headers, request.value, system=request.system, first_user=request.first_user
        )
        session_id = None if name is None else name.session_id
        return Asked(
            config=config,
            request=request,
            key_id=key_id,
            session_id=session_id,
            only_counts=only_counts,
        )
    if config.gateway.spend:
        raise InputError(
            f"the request is not understood ({request.reason}), so the budgets of this workspace "
            "cannot be kept. Send it as the provider's documentation has it."
        )
    return request
