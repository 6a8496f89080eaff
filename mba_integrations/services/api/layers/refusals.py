"""What the layers refuse on the paths of a mount, said in the form that its clients read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mba_integrations.services.api.mounts import Mount, mount_of
from mba_integrations.services.api.replies import PROBLEM_TYPE


class RefusalLayer:
    """Writes problems anew for the clients of mounts that have errors of their own.

    Args:
        app: What is within.
        mounts: The mounts.
    """

    def __init__(self, app: ASGIApp, mounts: Sequence[Mount]) -> None:
        self._app = app
        self._mounts = tuple(mounts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        mount = mount_of(self._mounts, scope["path"]) if scope["type"] == "http" else None
        if mount is not None and mount.refusal is not None:
            send = _Retold(scope, mount.refusal, send)
        await self._app(scope, receive, send)


class _Retold:
    """`send` for what a layer answers; what the mount's app says is sent as it is."""

    def __init__(
        self, scope: Scope, refusal: Callable[[str, Mapping[str, Any]], bytes], send: Send
    ) -> None:
        self._scope = scope
        self._refusal = refusal
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if "route" in self._scope:  # the request came to the mount
            await self._send(message)
        elif message["type"] == "http.response.start":
            self._start = message
        elif self._start is not None:
            await self._retell(self._start, message)

    async def _retell(self, start: Message, message: Message) -> None:
        headers = MutableHeaders(scope=start)
        if headers.get("content-type") == PROBLEM_TYPE:
            body = self._refusal(self._scope["path"], json.loads(message["body"]))
            headers["content-type"] = "application/json"
            headers["content-length"] = str(len(body))
            message = {**message, "body": body}
        await self._send(start)
        await self._send(message)
