"""A daemon that speaks MCP alone: `python -m mba_integrations.services.mcp.runner FILE`.

Holds the file for itself, answers on a port of this machine that is free, and knows its owner by
the token beside the file. With `--idle-exit` it ends after that long without a request.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.access.errors import UnknownCallerError
from mba_integrations.services.access.principal import LOCAL
from mba_integrations.services.daemon.ending import (
    IdleWatch,
    leave_at_signals,
    serve_until_idle,
)
from mba_integrations.services.daemon.place import token_beside
from mba_integrations.services.mcp.http import McpApp, mcp_app, refusal
from mba_integrations.services.mcp.tools.caller import DEFAULT_WORKSPACE
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.errors import StoreInUseError, WorkspaceExistsError

_HOSTS = ["127.0.0.1:*"]


class OwnerOnly:
    """Lets in who has the token, and refuses what a page in a browser sends.

    Args:
        app: What answers them.
        token: The token beside the file.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = f"Bearer {token}".encode()
        self._guard = TransportSecurityMiddleware(TransportSecuritySettings(allowed_hosts=_HOSTS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of the owner."""
        request = Request(scope)
        refused = await self._guard.validate_request(request)
        given = request.headers.get("authorization", "").encode()
        if refused is None and not secrets.compare_digest(given, self._token):
            refused = refusal(UnknownCallerError("the token is wrong. Read it beside the file."))
        if refused is not None:
            await refused(scope, receive, send)
            return
        state = {**scope.get("state", {}), "principal": LOCAL}
        await self._app({**scope, "state": state}, receive, send)


async def serve(app: McpApp, bound: socket.socket, token: str, *, idle_exit: float | None) -> None:
    """Answer until the process is told to end, or nothing was asked for long."""
    watch = IdleWatch(OwnerOnly(app, token))
    config = uvicorn.Config(
        watch, ws="none", log_level="warning", lifespan="off", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    async with app.lifespan():
        await serve_until_idle(server, bound, watch, idle_exit=idle_exit)


@contextmanager
def _held(database: Path, url: str) -> Iterator[tuple[MemoryService, str]]:
    """The file for this process alone, with its workspace `default` and the token beside it."""
    with MemoryService.open(database, exclusive=True, url=url) as service:
        if not service.workspaces.ids():
            with contextlib.suppress(WorkspaceExistsError):
                service.create_workspace(DEFAULT_WORKSPACE, template=DEFAULT_WORKSPACE)
        with token_beside(database) as token:
            yield service, token


def main() -> int:
    """Serve the file that the command line names; gives the exit code."""
    parser = argparse.ArgumentParser(prog="mba-mcp-daemon", description=__doc__)
    parser.add_argument("database", type=Path)
    parser.add_argument("--idle-exit", type=float, default=None, metavar="SECONDS")
    options = parser.parse_args()
    leave_at_signals()
    with socket.create_server(("127.0.0.1", 0)) as bound:
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        try:
            with _held(options.database, url) as (service, token):
                app = mcp_app(service)
                asyncio.run(serve(app, bound, token, idle_exit=options.idle_exit))
        except StoreInUseError as error:
            print(f"mba: note: {error}", file=sys.stderr)
        except MemoryBudgetError as error:
            print(f"mba: error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
