"""`mcp_app`: the server over HTTP as an ASGI app, for `/mcp` and `/mcp/{workspace}`.

    app = mcp_app(service)
    async with app.lifespan():        # in the lifespan of the app that it is mounted in
        ...

No session: each request stands alone, so a restart between two of them goes unnoticed. Replies are
JSON. Who calls is found by the app around it, which puts the `Principal` into the scope's state and
checks `Host` and `Origin`; which workspace, by the path alone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.access.errors import UnknownCallerError
from mba_integrations.services.access.principal import Principal
from mba_integrations.services.contracts.problems import problem_of
from mba_integrations.services.mcp.definitions import MCP_PATH
from mba_integrations.services.mcp.server import CALLER_KEY, memory_server
from mba_integrations.services.mcp.tools.caller import Caller, workspace_for
from mba_integrations.services.memory.service import MemoryService

MOST_BODY_BYTES = 4 * 1024 * 1024
_INVALID_REQUEST = -32600


class McpApp:
    """The memory service over MCP.

    Args:
        service: Whose memories.

    Attributes:
        path: Where it is to be mounted.
    """

    path = MCP_PATH

    def __init__(self, service: MemoryService) -> None:
        self._manager = StreamableHTTPSessionManager(
            memory_server(service),
            json_response=True,
            stateless=True,
            max_request_body_size=MOST_BODY_BYTES,
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """To be entered once, before the first request."""
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            caller = _caller(scope)
        except MemoryBudgetError as error:
            await refusal(error)(scope, receive, send)
            return
        await self._manager.handle_request({**scope, CALLER_KEY: caller}, receive, send)


def mcp_app(service: MemoryService) -> McpApp:
    """The memory service over MCP, to be mounted at its `path`."""
    return McpApp(service)


def _caller(scope: Scope) -> Caller:
    principal = scope.get("state", {}).get("principal")
    if not isinstance(principal, Principal):
        raise UnknownCallerError("there is no key. Send it as Authorization: Bearer KEY.")
    headers = Headers(scope=scope)
    return Caller(
        principal=principal,
        workspace_id=workspace_for(principal, _named(scope)),
        client=headers.get("x-mba-client", "mcp"),
        request_key=headers.get("idempotency-key"),
    )


def _named(scope: Scope) -> str | None:
    """What follows /mcp/ in the path, wherever the app is mounted; None for /mcp itself."""
    raw = scope.get("raw_path") or scope["path"].encode()
    parts = raw.decode("latin-1").partition("?")[0].rstrip("/").rpartition(f"{MCP_PATH}/")
    return unquote(parts[2]) if parts[1] else None


def refusal(error: MemoryBudgetError) -> Response:
    """What is answered where no message is read, as JSON-RPC has it."""
    problem = problem_of(error)
    said = {"code": _INVALID_REQUEST, "message": problem.detail}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": said})
    headers = {"WWW-Authenticate": "Bearer"} if problem.kind.status == 401 else None
    return Response(body, problem.kind.status, headers=headers, media_type="application/json")
