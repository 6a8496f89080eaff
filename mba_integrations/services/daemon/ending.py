"""When a server ends: it is told to, or nobody has asked it for long.

For any ASGI app and any server with uvicorn's `serve` and `should_exit`; neither is imported.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

_App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


class Stoppable(Protocol):
    """A server that looks, while it serves, whether it should end."""

    should_exit: bool

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer at these sockets."""


class IdleWatch:
    """An app, and since when it was not asked. That the server starts and ends is no request.

    Args:
        app: What answers.
    """

    def __init__(self, app: _App) -> None:
        self._app = app
        self._open = 0
        self._last = time.monotonic()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
            self._last = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """Since when nothing was asked; 0 while something is answered."""
        return 0.0 if self._open else time.monotonic() - self._last


async def serve_until_idle(
    server: Stoppable, bound: socket.socket, watch: IdleWatch, *, idle_exit: float | None
) -> None:
    """Answer until the process is told to end, or nothing was asked for so many seconds."""
    # Not the other way round: what a signal raises in a second task, asyncio prints as a mishap.
    looking = asyncio.create_task(_end_when_idle(server, watch, idle_exit))
    try:
        await server.serve(sockets=[bound])
    finally:
        looking.cancel()


async def _end_when_idle(server: Stoppable, watch: IdleWatch, idle_exit: float | None) -> None:
    if idle_exit is None:
        return
    while watch.idle_seconds < idle_exit:
        await asyncio.sleep(min(1.0, idle_exit))
    server.should_exit = True


def leave_at_signals() -> None:
    """End by an exception, so that the store is closed.

    While it serves, uvicorn catches signals, and raises them once more when it is done. Only a
    process' first thread may say what they do; who serves in another one closes the store itself.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def leave(*_: object) -> None:
        raise SystemExit(0)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, leave)
