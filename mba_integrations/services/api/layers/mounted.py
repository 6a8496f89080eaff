"""Apps that the server brings along, under paths of their own; the innermost layer.

Not Starlette's `Mount`, which sends a request for `/mcp` to `/mcp/` and takes the path away.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from mba_integrations.services.api.mounts import Mount, mount_of


class MountLayer:
    """Hands requests under the path of a mount to its app, with their whole path.

    Args:
        app: What answers the others.
        mounts: The apps.
    """

    def __init__(self, app: ASGIApp, mounts: Sequence[Mount]) -> None:
        self._app = app
        self._mounts = tuple(mounts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            mount = mount_of(self._mounts, scope["path"])
            if mount is not None:
                scope["route"] = mount
                await mount.app(scope, receive, send)
                return
        await self._app(scope, receive, send)
