"""Run an app on a port until the process is told to end, or nobody has asked for long.

The port is bound before anything else is done, so its number is known to who writes it down, and a
port that is taken is found before a database is opened. At the end no request is taken any more,
those that have begun have eight seconds, and two are left for the store.
"""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from starlette.types import ASGIApp

from mba_integrations.core.errors import ConfigError
from mba_integrations.services.daemon.ending import (
    IdleWatch,
    leave_at_signals,
    serve_until_idle,
)

GRACE_SECONDS = 8
_BACKLOG = 2_048


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    What it accepts sends small packets at once. asyncio sees to that only for sockets made with the
    number of TCP, which `create_server` does not give; a reply of two packets, its head and its
    body, would then wait for the client's delayed acknowledgement, 40 ms on Linux.

    Raises:
        ConfigError: If the port is taken, or the address is none of this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
    leave_at_signals()
    asyncio.run(_served(app, bound, idle_exit))


async def _served(app: ASGIApp, bound: socket.socket, idle_exit: float | None) -> None:
    watch = IdleWatch(app)
    config = uvicorn.Config(
        watch,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    await serve_until_idle(server, bound, watch, idle_exit=idle_exit)
