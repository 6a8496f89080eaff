"""What calls through a server's gateway may spend and used; of both clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

from mba_integrations.services.client import endpoints
from mba_integrations.services.client.endpoints import of
from mba_integrations.services.client.replies import Workspace
from mba_integrations.services.client.requests import Request, got


class GatewayCalls(ABC):
    """What `MbaClient` asks about the gateway, and how it sets what that does."""

    @abstractmethod
    def send(self, request: Request) -> Any:
        """Send a request; gives the JSON of the answer."""

    def change_workspace(
        self, workspace_id: str, settings: dict[str, Any], *, etag: str = "*"
    ) -> Workspace:
        """Change settings, made from the version of that ETag; `*` takes any."""
        request = endpoints.change_workspace(workspace_id, settings, etag)
        return cast(Workspace, self.send(request))

    def budgets(self, workspace_id: str) -> dict[str, Any]:
        """How the budgets of a workspace stand."""
        return cast(dict[str, Any], self.send(got(of(workspace_id, "budgets"))))

    def gateway_usage(
        self, workspace_id: str, *, window: str | None = None, by: str | None = None
    ) -> dict[str, Any]:
        """What calls of a window such as `24h` used; by `model`, `level` or `session`."""
        request = got(of(workspace_id, "gateway/usage"), window=window, by=by)
        return cast(dict[str, Any], self.send(request))

    def calibration(
        self, workspace_id: str, share: float, *, window: str | None = None
    ) -> dict[str, Any]:
        """The threshold that sends a share of the logged queries to the strong model."""
        request = got(of(workspace_id, "gateway/calibration"), share=share, window=window)
        return cast(dict[str, Any], self.send(request))


class AsyncGatewayCalls(ABC):
    """The same of `AsyncMbaClient`."""

    @abstractmethod
    async def send(self, request: Request) -> Any:
        """Send a request; gives the JSON of the answer."""

    async def change_workspace(
        self, workspace_id: str, settings: dict[str, Any], *, etag: str = "*"
    ) -> Workspace:
        """Change settings, made from the version of that ETag; `*` takes any."""
        request = endpoints.change_workspace(workspace_id, settings, etag)
        return cast(Workspace, await self.send(request))

    async def budgets(self, workspace_id: str) -> dict[str, Any]:
        """How the budgets of a workspace stand."""
        return cast(dict[str, Any], await self.send(got(of(workspace_id, "budgets"))))

    async def gateway_usage(
        self, workspace_id: str, *, window: str | None = None, by: str | None = None
    ) -> dict[str, Any]:
        """What calls of a window such as `24h` used; by `model`, `level` or `session`."""
        request = got(of(workspace_id, "gateway/usage"), window=window, by=by)
        return cast(dict[str, Any], await self.send(request))

    async def calibration(
        self, workspace_id: str, share: float, *, window: str | None = None
    ) -> dict[str, Any]:
        """The threshold that sends a share of the logged queries to the strong model."""
        request = got(of(workspace_id, "gateway/calibration"), share=share, window=window)
        return cast(dict[str, Any], await self.send(request))
