"""Answers that are the same for every client and every file: the proxy gives them by itself.

So a client that starts is answered while the daemon is still starting. A test holds each against
the answer of the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mba_integrations.services.mcp.definitions import (
    INSTRUCTIONS,
    LISTS_TTL_MS,
    NAME,
    PROMPTS,
    RESOURCE_TEMPLATES,
    TITLE,
    TOOLS,
)

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Revisions that begin with `initialize`."""
MODERN_VERSION = "2026-07-28"
"""The revision whose requests stand alone: each says its version in `_meta`."""
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CLIENT_KEY = "io.modelcontextprotocol/clientInfo"
_SERVER_KEY = "io.modelcontextprotocol/serverInfo"

_CAPABILITIES = {
    "prompts": {"listChanged": False},
    "resources": {"listChanged": False, "subscribe": False},
    "tools": {"listChanged": False},
}
_LISTS = {
    "tools/list": {"tools": TOOLS},
    "prompts/list": {"prompts": PROMPTS},
    "resources/templates/list": {"resourceTemplates": RESOURCE_TEMPLATES},
}


def answer(method: str, params: Mapping[str, Any], era: str) -> dict[str, Any] | None:
    """The result of a request; None where the daemon has to be asked.

    Args:
        method: What is asked.
        params: With what.
        era: The revision that the request is made in.
    """
    if era == MODERN_VERSION:
        return _modern(method)
    if method == "initialize":
        wanted = params.get("protocolVersion")
        return {
            "protocolVersion": wanted if wanted in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1],
            "capabilities": _CAPABILITIES,
            "serverInfo": server_info(),
            "instructions": INSTRUCTIONS,
        }
    return {} if method == "ping" else _LISTS.get(method)


def _modern(method: str) -> dict[str, Any] | None:
    discovered = {
        "supportedVersions": [MODERN_VERSION],
        "capabilities": _CAPABILITIES,
        "instructions": INSTRUCTIONS,
    }
    found = discovered if method == "server/discover" else _LISTS.get(method)
    if found is None:
        return None
    return {
        **found,
        "resultType": "complete",
        "ttlMs": LISTS_TTL_MS,
        "cacheScope": "public",
        "_meta": {_SERVER_KEY: server_info()},
    }


def server_info() -> dict[str, str]:
    """Who answers."""
    try:
        release = version("mba-integrations")
    except PackageNotFoundError:
        release = "unknown"
    return {"name": NAME, "title": TITLE, "version": release}
