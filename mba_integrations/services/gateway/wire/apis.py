"""Which protocol a path speaks."""

from __future__ import annotations

from posixpath import normpath
from typing import Literal

from mba_integrations.core.config.gateway_settings import Provider

Api = Literal["chat", "responses", "messages"]

_APIS: dict[str, Api] = {
    "/openai/v1/chat/completions": "chat",
    "/openai/v1/responses": "responses",
    "/anthropic/v1/messages": "messages",
    "/anthropic/v1/messages/count_tokens": "messages",
}


def api_of(path: str) -> Api | None:
    """The protocol of a path below the gateway's own; None for one that goes through as it is.

    >>> api_of("/openai/v1/chat/completions"), api_of("/openai/v1/models")
    ('chat', None)
    >>> api_of("/openai//v1/./responses/")
    'responses'
    """
    return _APIS.get(normpath(path))


def provider_of_api(api: Api) -> Provider:
    """Who made a protocol."""
    return "anthropic" if api == "messages" else "openai"


def only_counts(path: str) -> bool:
    """Whether a path asks how many tokens a request has, so that no reply follows it."""
    return normpath(path).endswith("/count_tokens")
