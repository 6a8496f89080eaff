"""Run an app on a port until the process is told to end, or nobody has asked for long.

The port is bound before anything else is done, so its number is known to who writes it down, and a
port that is taken is found before a database is opened. At the end no request is taken any more,
those that have begun have eight seconds, and two are left for the store.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from mba_integrations.core.errors import ConfigError

GRACE_SECONDS = 8
_BACKLOG = 2_048


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        ConfigError: If the port is taken, or the address is none of this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"cannot listen at {host} port {port}: {error}. --port 0 takes a free one.", key="port"
        ) from error
    return bound


def url_of(bound: socket.socket) -> str:
    """Where a socket answers, from this machine."""
    host, port = bound.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: ASGIApp, bound: socket.socket, *, idle_exit: float | None = None) -> None:
    """Answer until the process is told to end.

    Args:
        app: What answers.
        bound: Where.
        idle_exit: Seconds without a request after which it ends by itself; None for never.
    """
    _leave_at_signals()
    asyncio.run(_served(app, bound, idle_exit))


def _leave_at_signals() -> None:
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


async def _served(app: ASGIApp, bound: socket.socket, idle_exit: float | None) -> None:
    watch = _IdleWatch(app)
    config = uvicorn.Config(
        watch,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    while idle_exit is not None and not serving.done():
        await asyncio.wait([serving], timeout=min(1.0, idle_exit))
        server.should_exit = server.should_exit or watch.idle_seconds >= idle_exit
    await serving


class _IdleWatch:
    """An app, and since when it was not asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = 0
        self._last = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
            self._last = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """0 while something is answered."""
        return 0.0 if self._open else time.monotonic() - self._last
