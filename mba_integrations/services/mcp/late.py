"""`LateMcpApp`: the server over MCP, made when the first request comes.

Its SDK takes a third as long to import as all else of a server, and who waits for a server to be
ready often asks over REST. So nothing of it is imported before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from anyio.abc import TaskStatus
from starlette.types import Receive, Scope, Send

from mba_integrations.services.mcp.definitions import MCP_PATH
from mba_integrations.services.memory.service import MemoryService

if TYPE_CHECKING:
    from mba_integrations.services.mcp.http import McpApp


class LateMcpApp:
    """As `McpApp`.

    Args:
        service: Whose memories.

    Attributes:
        path: Where it is to be mounted.
    """

    path = MCP_PATH

    def __init__(self, service: MemoryService) -> None:
        self._service = service
        self._app: McpApp | None = None

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """To be entered once, before the first request."""
        self._making, self._ended = anyio.Lock(), anyio.Event()
        async with anyio.create_task_group() as self._tasks:
            try:
                yield
            finally:
                self._ended.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        async with self._making:
            if self._app is None:
                self._app = await self._tasks.start(self._run)
        await self._app(scope, receive, send)

    async def _run(self, *, task_status: TaskStatus[McpApp]) -> None:
        """Have the app run to the end of this one's lifespan, in one task as it has to be."""
        app = await anyio.to_thread.run_sync(_made, self._service)
        async with app.lifespan():
            task_status.started(app)
            await self._ended.wait()


def _made(service: MemoryService) -> McpApp:
    from mba_integrations.services.mcp.http import mcp_app

    return mcp_app(service)
