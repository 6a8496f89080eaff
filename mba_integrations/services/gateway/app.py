"""`gateway_app`: the gateway of a memory service, to be mounted at its `path`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread

from mba_integrations.core.config.gateway_settings import Provider
from mba_integrations.services.gateway import callers
from mba_integrations.services.gateway.desk.desk import Desk
from mba_integrations.services.gateway.passing.asking import Patience
from mba_integrations.services.gateway.passing.calls import Upstream
from mba_integrations.services.gateway.passing.gateway import Gateway
from mba_integrations.services.gateway.upkeep import Upkeep
from mba_integrations.services.memory.service import MemoryService

OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"


def upstreams(
    *,
    openai_url: str = OPENAI_URL,
    anthropic_url: str = ANTHROPIC_URL,
    openai_key: str | None = None,
    anthropic_key: str | None = None,
) -> dict[Provider, Upstream]:
    """The providers.

    Args:
        openai_url: Of OpenAI, or of a server that speaks its protocol, as its clients take it.
        anthropic_url: Likewise of Anthropic.
        openai_key: For clients that send none of their own; None for no key.
        anthropic_key: Likewise.

    Raises:
        ConfigError: If an address is none.
    """
    return {
        "openai": Upstream(base_url=openai_url, key=openai_key),
        "anthropic": Upstream(base_url=anthropic_url, key=anthropic_key),
    }


def gateway_app(
    service: MemoryService,
    providers: Mapping[Provider, Upstream],
    *,
    patience: Patience | None = None,
) -> ServedGateway:
    """The gateway.

    Args:
        service: Whose workspaces.
        providers: Where providers answer.
        patience: How long they are waited for.
    """
    return ServedGateway(Desk(service, providers), patience=patience)


class ServedGateway(Gateway):
    """A gateway with what must be done while it runs: leases renewed, use written down.

    Args:
        desk: Says what becomes of calls.
        patience: How long providers are waited for.

    Attributes:
        reads_bodies: For the server that it is mounted in, as the others.
        key_in: Where a request has the server's key.
        refusal: A problem in the form of the provider's errors.
    """

    reads_bodies = True
    key_in = staticmethod(callers.key_in)
    refusal = staticmethod(callers.refusal)

    def __init__(self, desk: Desk, *, patience: Patience | None = None) -> None:
        super().__init__(desk, patience=patience)
        self._desk = desk

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """To be entered once, before the first request."""
        async with super().lifespan():
            upkeep = Upkeep([self._desk.spending.renew, self._desk.usage.flush])
            try:
                yield
            finally:
                await anyio.to_thread.run_sync(upkeep.close)
