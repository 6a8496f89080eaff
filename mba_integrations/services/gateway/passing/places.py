"""Paths of the gateway: which provider is meant, and what is asked of it.

    /gateway/openai/v1/files/a%2Fb  ->  openai, /files/a%2Fb behind https://api.openai.com/v1
    /gateway/anthropic/v1/messages  ->  anthropic, /v1/messages behind https://api.anthropic.com

What stands behind the provider is sent with the escapes that the client wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mba_integrations.core.config.gateway_settings import Provider
from mba_integrations.services.gateway.wire.apis import Api, api_of

ROOT = "/gateway"
_PREFIXES: dict[Provider, bytes] = {
    "openai": b"/gateway/openai/v1",  # its clients take an address with the version
    "anthropic": b"/gateway/anthropic",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a path means.

    Attributes:
        provider: Who is asked.
        api: Which request whose body is read; None for any other.
        path: Behind `/gateway`, decoded.
        rest: What is asked of the provider, behind its address.
    """

    provider: Provider
    api: Api | None
    path: str
    rest: bytes


def place_of(scope: Mapping[str, Any]) -> Place | None:
    """What the path of a request means; None if it is none of the gateway's."""
    raw = scope.get("raw_path") or scope["path"].encode()
    raw = raw.partition(b"?")[0]  # some servers leave the query in it
    for provider, prefix in _PREFIXES.items():
        rest = raw[len(prefix) :]
        if raw.startswith(prefix) and rest[:1] in (b"", b"/"):
            path = scope["path"][len(ROOT) :]
            api = api_of(path) if scope["method"] == "POST" else None
            return Place(provider=provider, api=api, path=path, rest=rest)
    return None


def provider_of(path: str) -> Provider:
    """Whose form an error on this path has."""
    return "anthropic" if path.startswith(f"{ROOT}/anthropic") else "openai"
