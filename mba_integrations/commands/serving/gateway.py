"""The gateway beside a server: its providers, from options and the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mba_integrations.services.api.mounts import Mount
    from mba_integrations.services.memory.service import MemoryService


@dataclass(frozen=True, slots=True, kw_only=True)
class Providers:
    """Where the providers answer.

    Attributes:
        openai_url: None for OpenAI's own address.
        anthropic_url: None for Anthropic's own.
    """

    openai_url: str | None = None
    anthropic_url: str | None = None


def gateway_beside(service: MemoryService, providers: Providers) -> Mount:
    """The gateway, whose keys for providers come from OPENAI_API_KEY and ANTHROPIC_API_KEY."""
    from mba_integrations.services.api.mounts import Mount
    from mba_integrations.services.gateway.app import (
        ANTHROPIC_URL,
        OPENAI_URL,
        gateway_app,
        upstreams,
    )

    places = upstreams(
        openai_url=providers.openai_url or OPENAI_URL,
        anthropic_url=providers.anthropic_url or ANTHROPIC_URL,
        openai_key=os.environ.get("OPENAI_API_KEY") or None,
        anthropic_key=os.environ.get("ANTHROPIC_API_KEY") or None,
    )
    return Mount.of(gateway_app(service, places))
