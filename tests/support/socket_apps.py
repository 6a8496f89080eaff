"""An ASGI app on a real socket of the test's own loop: no thread, no wait for a server's tick."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState


@asynccontextmanager
async def on_socket(app: Any) -> AsyncIterator[str]:
    """Where an app answers."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: H11Protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for protocol in list(state.connections):
            protocol.transport.abort()
        await asyncio.gather(*state.tasks, return_exceptions=True)
