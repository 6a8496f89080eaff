"""What past recalls tell, taken apart and tried otherwise; of both clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

from mba_integrations.services.client.endpoints import of
from mba_integrations.services.client.requests import Request, given, got, part, posted

Reply = dict[str, Any]


def _apart(workspace_id: str, allocation_id: str, query: str | None) -> Request:
    path = of(workspace_id, "allocations", part(allocation_id), "apart")
    return got(path) if query is None else posted(path, given({"query": query}))


def _beside(workspace_id: str, first: str, second: str) -> Request:
    return got(of(workspace_id, "allocations", part(first), "beside", part(second)))


def _starving(workspace_id: str, latest: int) -> Request:
    return got(of(workspace_id, "tiers/starving"), allocations=latest)


def _effect(workspace_id: str, settings: Reply, latest: int) -> Request:
    body = {"settings": settings, "allocations": latest}
    return posted(of(workspace_id, "settings/effect"), body)


def _feedback(workspace_id: str, allocation_id: str) -> Request:
    return got(of(workspace_id, "allocations", part(allocation_id), "feedback"))


def _said(workspace_id: str, allocation_id: str, more: Reply, key: str | None) -> Request:
    path = of(workspace_id, "allocations", part(allocation_id), "feedback")
    return posted(path, given(more), key=key)


class PastCalls(ABC):
    """What `MbaClient` asks about past recalls."""

    @abstractmethod
    def send(self, request: Request) -> Any:
        """Send a request; gives the JSON of the answer."""

    def take_apart(
        self, workspace_id: str, allocation_id: str, *, query: str | None = None
    ) -> Reply:
        """A past recall: each memory in or out, and the prompt; the question if not logged."""
        return cast(Reply, self.send(_apart(workspace_id, allocation_id, query)))

    def side_by_side(self, workspace_id: str, first: str, second: str) -> Reply:
        """Two past recalls with what their prompts begin with alike."""
        return cast(Reply, self.send(_beside(workspace_id, first, second)))

    def starving_tiers(self, workspace_id: str, *, latest: int = 20) -> Reply:
        """What 100 more tokens would buy for each tier in the latest recalls."""
        return cast(Reply, self.send(_starving(workspace_id, latest)))

    def try_settings(self, workspace_id: str, settings: Reply, *, latest: int = 200) -> Reply:
        """What other settings would have done to the latest recalls. Nothing changes."""
        return cast(Reply, self.send(_effect(workspace_id, settings, latest)))

    def feedback(
        self, workspace_id: str, allocation_id: str, *, key: str | None = None, **more: Any
    ) -> Reply:
        """Say what the answer to a past recall used, or what a person thinks of it.

        Args:
            workspace_id: Of which workspace.
            allocation_id: Of which recall.
            key: Names this request; one of its own by default.
            more: `cited`, `answer`, `query`, `seen`, `thumb`, `thumbs`, as the service takes them.
        """
        return cast(Reply, self.send(_said(workspace_id, allocation_id, more, key)))

    def feedback_on(self, workspace_id: str, allocation_id: str) -> Reply:
        """What was said of a past recall."""
        return cast(Reply, self.send(_feedback(workspace_id, allocation_id)))


class AsyncPastCalls(ABC):
    """The same of `AsyncMbaClient`."""

    @abstractmethod
    async def send(self, request: Request) -> Any:
        """Send a request; gives the JSON of the answer."""

    async def take_apart(
        self, workspace_id: str, allocation_id: str, *, query: str | None = None
    ) -> Reply:
        """A past recall: each memory in or out, and the prompt; the question if not logged."""
        return cast(Reply, await self.send(_apart(workspace_id, allocation_id, query)))

    async def side_by_side(self, workspace_id: str, first: str, second: str) -> Reply:
        """Two past recalls with what their prompts begin with alike."""
        return cast(Reply, await self.send(_beside(workspace_id, first, second)))

    async def starving_tiers(self, workspace_id: str, *, latest: int = 20) -> Reply:
        """What 100 more tokens would buy for each tier in the latest recalls."""
        return cast(Reply, await self.send(_starving(workspace_id, latest)))

    async def try_settings(self, workspace_id: str, settings: Reply, *, latest: int = 200) -> Reply:
        """What other settings would have done to the latest recalls. Nothing changes."""
        return cast(Reply, await self.send(_effect(workspace_id, settings, latest)))

    async def feedback(
        self, workspace_id: str, allocation_id: str, *, key: str | None = None, **more: Any
    ) -> Reply:
        """Say what the answer to a past recall used, or what a person thinks of it.

        Args:
            workspace_id: Of which workspace.
            allocation_id: Of which recall.
            key: Names this request; one of its own by default.
            more: `cited`, `answer`, `query`, `seen`, `thumb`, `thumbs`, as the service takes them.
        """
        return cast(Reply, await self.send(_said(workspace_id, allocation_id, more, key)))

    async def feedback_on(self, workspace_id: str, allocation_id: str) -> Reply:
        """What was said of a past recall."""
        return cast(Reply, await self.send(_feedback(workspace_id, allocation_id)))
