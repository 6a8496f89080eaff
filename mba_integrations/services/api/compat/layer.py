"""What clients of other servers do differently, before and after all other layers.

/mem0/workspaces/kate/v1/ping/   ->  /mem0/v1/ping, in the workspace kate
Authorization: Token mba_...     ->  Authorization: Bearer mba_...
application/problem+json         ->  application/json, whose `detail` they show
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mba_integrations.services.api.layers.paths import workspace_in
from mba_integrations.services.api.replies import PROBLEM_TYPE
from mba_integrations.services.contracts.problems import MOST_DETAIL, Problem

NAMED = "compat_workspace"
"""Under which the state of a request has the workspace that its URL names."""
_MEM0_SCHEME, _BEARER = b"token ", b"Bearer "


class CompatLayer:
    """Makes requests under these names fit for the server, and its problems for their clients.

    Args:
        app: What is within.
        names: First parts of paths.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        place = rf"/({'|'.join(names)})(?:/workspaces/([^/]+))?(/.*)?"
        self._place = re.compile(place, re.DOTALL)  # an id may have a line end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._place.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        name, workspace_id, rest = found.groups()
        scope["path"] = f"/{name}{(rest or '').rstrip('/')}"
        scope["state"][NAMED] = None if workspace_id is None else workspace_in(workspace_id)
        scope["headers"] = [_known(*header) for header in scope["headers"]]
        await self._app(scope, receive, _as_json(send))


def is_foreign(scope: Scope) -> bool:
    """Whether a request came to a route of another server."""
    return NAMED in scope["state"]


def spelled_out(problem: Problem) -> Problem:
    """The problem with its fields in `detail`, which is all that foreign clients show."""
    fields = "; ".join(f"{one.pointer}: {one.detail}" for one in problem.errors)
    return replace(problem, detail=f"{problem.detail} {fields}"[:MOST_DETAIL])


def _known(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    if name == b"authorization" and value[: len(_MEM0_SCHEME)].lower() == _MEM0_SCHEME:
        return name, _BEARER + value[len(_MEM0_SCHEME) :]
    return name, value


def _as_json(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type") == PROBLEM_TYPE:
                headers["content-type"] = "application/json"
        await send(message)

    return sent
