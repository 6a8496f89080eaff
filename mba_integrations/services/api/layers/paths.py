"""Ids of workspaces in paths: a slash that is written `%2F` belongs to the id and parts nothing.

    /v1/workspaces/team%2Fkate/recall   ->  recall in the workspace team/kate

Servers decode a path before it is matched, so such a slash would be one of the path's. It travels
through layers and routes as a NUL, which no id can have, and is a slash again where a route, or
whoever else wants the workspace, asks for it by `workspace_in`.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_BEFORE = "/workspaces/"
_STANDS_FOR_SLASH, _NO_SIGN = "\0", "\ufffd"


class PathLayer:
    """Keeps slashes of ids apart from those of paths.

    Args:
        app: What is within.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path") if scope["type"] == "http" else None
        if raw and _BEFORE in scope["path"]:
            scope["path"] = parted(raw.decode("latin-1").partition("?")[0])
        await self._app(scope, receive, send)


def parted(raw: str) -> str:
    """A path as it was sent, decoded, with the workspace as one part of it.

    >>> parted("/v1/workspaces/team%2Fkate/memories/a%2Fb")
    '/v1/workspaces/team\\x00kate/memories/a/b'
    """
    before, found, rest = raw.partition(_BEFORE)
    name, slash, rest = rest.partition("/")
    workspace = unquote(name).replace(_STANDS_FOR_SLASH, _NO_SIGN)
    kept = workspace.replace("/", _STANDS_FOR_SLASH)
    return f"{unquote(before)}{found}{kept}{slash}{unquote(rest)}"


def workspace_in(part: str) -> str:
    """The id of a workspace, from its part of a path.

    >>> workspace_in("team\\0kate")
    'team/kate'
    """
    return part.replace(_STANDS_FOR_SLASH, "/")
