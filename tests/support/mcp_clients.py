"""What tests of the MCP server share: who may what, and what a result says."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp.client.client import Client
from mcp_types import CallToolResult, TextContent
from starlette.types import ASGIApp, Receive, Scope, Send

from mba_integrations import counter_for_model
from mba_integrations.services.access.principal import LOCAL, Principal
from mba_integrations.services.access.principal import Scope as Access
from mba_integrations.services.mcp.tools.caller import Caller
from mba_integrations.services.mcp.tools.reply import RECEIPT_KEY

BASE = "http://127.0.0.1:8377"
MODES = ["legacy", "2026-07-28"]
"""Both revisions of the protocol, as the SDK's client calls them."""
Linked = Callable[..., AbstractAsyncContextManager[Client]]

_MAY_CHANGE = frozenset({Access.READ, Access.WRITE, Access.FORGET})


def of(*workspaces: str, scopes: frozenset[Access] = _MAY_CHANGE) -> Principal:
    """A key of some workspaces."""
    return Principal(key_id="-".join(workspaces), scopes=scopes, workspaces=frozenset(workspaces))


KEYS = {
    "all": LOCAL,
    "kate": of("kate"),
    "both": of("kate", "bob"),
    "reader": of("kate", scopes=frozenset({Access.READ})),
}


class Keyed:
    """Stands for the app around the server: turns a key into a principal."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = dict(scope["headers"]).get(b"authorization", b"").decode()
        principal = KEYS.get(sent.removeprefix("Bearer "))
        await self._app({**scope, "state": {"principal": principal}}, receive, send)


def caller(key: str = "kate", workspace: str = "kate", **fields: Any) -> Caller:
    return Caller(principal=KEYS[key], workspace_id=workspace, **fields)


def text_of(result: CallToolResult) -> str:
    """The one text block of a result."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def receipt_of(result: CallToolResult) -> dict[str, Any]:
    """The receipt of a result, which is small."""
    assert result.structured_content is None
    assert result.meta is not None
    receipt: dict[str, Any] = result.meta[RECEIPT_KEY]
    assert counter_for_model("gpt-4o").count(json.dumps(receipt)) <= 150
    return receipt
