"""Host and Origin of every request: a page of another site must not reach a server at home.

A name that somebody else's DNS points at 127.0.0.1 makes a browser send that page's requests here;
they bring the foreign name as Host, and the page's own address as Origin.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mba_integrations.services.api.replies import (
    WRONG_HOST,
    WRONG_ORIGIN,
    ProblemError,
    response_to,
)
from mba_integrations.services.api.settings import ServerSettings, lowered


class HostLayer:
    """Refuses names and origins that are not the server's own, or allowed.

    Args:
        app: What is within.
        settings: Which are allowed.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._hosts = settings.hosts()
        self._any_host = "*" in settings.allowed_hosts
        self._origins = lowered(settings.allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            refused = self._refused(headers.get("host", ""), headers.get("origin"))
            if refused is not None:
                await response_to(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refused(self, host: str, origin: str | None) -> ProblemError | None:
        if not self._any_host and _name_of(f"//{host}") not in self._hosts:
            detail = "The Host header names another server. Allow the name with --allow-host NAME."
            return ProblemError(WRONG_HOST, detail)
        if origin is not None and not self._is_own(origin):
            detail = "Allow the origin with --allow-origin ORIGIN."
            return ProblemError(WRONG_ORIGIN, detail)
        return None

    def _is_own(self, origin: str) -> bool:
        return origin.lower() in self._origins or _name_of(origin) in self._hosts


def _name_of(address: str) -> str | None:
    """The host of an address, without a port; None where there is none."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
