"""The outermost layer: each request gets an id, its time, its headers and one line in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mba_integrations.services.api.errand import CURRENT, Errand, request_id_from
from mba_integrations.services.api.metrics.registry import Metrics
from mba_integrations.services.api.replies import response_to
from mba_integrations.services.api.work import RUNNING, Work

log = logging.getLogger("mba.server")


class OuterLayer:
    """Ids, times, headers, metrics; and an answer to every error.

    Args:
        app: What is within.
        work: The server's threads.
        metrics: What counts.
    """

    def __init__(self, app: ASGIApp, work: Work, metrics: Metrics) -> None:
        self._app = app
        self._work = work
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        errand = Errand(request_id=request_id_from(Headers(scope=scope).get("x-request-id")))
        scope.setdefault("state", {})["request_id"] = errand.request_id
        CURRENT.set(errand)
        RUNNING.set(self._work)
        seen = _Seen(send, errand)
        try:
            await self._app(scope, receive, seen)
        except Exception as error:
            if seen.status is not None:
                raise
            log.error("request %s failed", errand.request_id, exc_info=error)
            await response_to(error)(scope, receive, seen)
        finally:
            self._note(scope, errand, seen.status)

    def _note(self, scope: Scope, errand: Errand, status: int | None) -> None:
        self._metrics.note(scope, errand, status)
        log.info(
            "%s %s %s %.1f ms %s",
            scope["method"],
            self._metrics.route_of(scope),
            status or "gone",
            errand.seconds * 1000,
            errand.request_id,
        )


class _Seen:
    """`send` with the headers of the errand, which remembers the status."""

    def __init__(self, send: Send, errand: Errand) -> None:
        self._send = send
        self._errand = errand
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._say(MutableHeaders(scope=message))
        await self._send(message)

    def _say(self, headers: MutableHeaders) -> None:
        errand = self._errand
        # A provider's own id is what its clients show, and its times stand beside ours.
        headers.setdefault("X-Request-Id", errand.request_id)
        headers["X-Mba-Duration-Ms"] = f"{errand.seconds * 1000:.2f}"
        headers.append("Server-Timing", errand.server_timing())
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "no-store")
        for name, value in errand.headers.items():
            headers[name] = value


Wrapped = Callable[[ASGIApp], ASGIApp]
