"""`AsyncMbaClient`: a server's memories, awaited; the same as `MbaClient`.

    async with AsyncMbaClient("http://127.0.0.1:8377", key="mba_...") as client:
        await client.remember("kate", "Kate moved to Lisbon in March.")
        reply = await client.recall("kate", "Where does Kate live?", budget_tokens=400)

What it may send again it sends again: a POST has a key of its own, so the server does it once. A
pause follows each attempt that failed: what the server asks for, else twice as long each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, Self, cast

import httpx2

from mba_integrations.services.client import endpoints
from mba_integrations.services.client.endpoints import Named, ids_of, of
from mba_integrations.services.client.replies import (
    Change,
    Memory,
    MemoryPage,
    Recall,
    Remembered,
    Search,
    Workspace,
)
from mba_integrations.services.client.requests import (
    LATER,
    Request,
    got,
    pause_before,
    posted,
    refused,
    unreachable,
)


class AsyncMbaClient:
    """A server's memories.

    Args:
        url: Where the server is.
        key: A key of it; None where it asks for none.
        attempts: How often a request is sent at most.
        timeout_seconds: How long an answer may take.
        transport: What carries requests, in place of the network.

    Raises:
        ServerError: From every method, if the server refuses a request or does not answer.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8377",
        *,
        key: str | None = None,
        attempts: int = 8,
        timeout_seconds: float = 30.0,
        transport: Any = None,
    ) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._url = url
        self._attempts = max(1, attempts)
        self._http = httpx2.AsyncClient(
            base_url=url, headers=headers, timeout=timeout_seconds, transport=transport
        )

    async def remember(
        self,
        workspace_id: str,
        memories: str | dict[str, Any] | Sequence[str | dict[str, Any]],
        *,
        key: str | None = None,
        **more: Any,
    ) -> Remembered:
        """Keep memories: texts, mappings with `content`, or chat messages with `role`.

        Args:
            workspace_id: Where.
            memories: They.
            key: Names the request, so that it is done once however often it is made.
            more: What holds for memories that say nothing else: `tier`, `subject`, `source`,
                `session_id`, `tags`, `expires_at`, `author`, `client`, `on_error`.
        """
        request = endpoints.remember(workspace_id, memories, key, more)
        return cast(Remembered, await self.send(request))

    async def recall(
        self,
        workspace_id: str,
        query: str,
        *,
        budget_tokens: int | None = None,
        session_id: str | None = None,
        budget_for: Literal["prompt", "reply"] = "prompt",
        **more: Any,
    ) -> Recall:
        """Memories for a question, within the budget.

        Args:
            workspace_id: Of which workspace.
            query: What is asked.
            budget_tokens: An exact total; the workspace's own ceiling by default.
            session_id: The conversation that the prompt belongs to.
            budget_for: Whether the budget is that of the prompt, or of the whole reply as JSON.
            more: `reserved_tokens`, `tiers`, `subject`, `filters`, `as_of`, `query_embedding`,
                `record_access`, `min_change_seq`, `format`.
        """
        asked = {
            "budget_tokens": budget_tokens,
            "session_id": session_id,
            "budget_for": budget_for,
            **more,
        }
        request = endpoints.ask(workspace_id, "recall", query, asked)
        return cast(Recall, await self.send(request))

    async def search(
        self, workspace_id: str, query: str, *, limit: int = 10, **more: Any
    ) -> Search:
        """Memories by how well they answer, the best first."""
        request = endpoints.ask(workspace_id, "search", query, {"limit": limit, **more})
        return cast(Search, await self.send(request))

    async def get(self, workspace_id: str, memory_id: str) -> Memory:
        """One memory."""
        return cast(Memory, await self.send(endpoints.memory(workspace_id, memory_id)))

    async def list(self, workspace_id: str, **more: Any) -> MemoryPage:
        """A page of memories: `filters`, `limit`, `cursor`, `newest_first`."""
        return cast(MemoryPage, await self.send(endpoints.memories(workspace_id, more)))

    async def revise(
        self, workspace_id: str, memory_id: str, content: str, *, reason: str | None = None
    ) -> Change:
        """Put another text in the place of a memory's."""
        request = endpoints.revise(workspace_id, memory_id, content, reason)
        return cast(Change, await self.send(request))

    async def move(self, workspace_id: str, memory_ids: Named, tier: str, **more: Any) -> Change:
        """Move memories to a tier."""
        body = {"memory_ids": ids_of(memory_ids), "tier": tier, **more}
        return cast(Change, await self.send(endpoints.act(workspace_id, "move", body)))

    async def pin(
        self, workspace_id: str, memory_ids: Named, pinned: bool = True, **more: Any
    ) -> Change:
        """Have memories in every prompt, or no longer."""
        body = {"memory_ids": ids_of(memory_ids), "value": pinned, **more}
        return cast(Change, await self.send(endpoints.act(workspace_id, "pin", body)))

    async def hold(
        self, workspace_id: str, memory_ids: Named, held: bool = True, **more: Any
    ) -> Change:
        """Keep memories from retention, or no longer."""
        body = {"memory_ids": ids_of(memory_ids), "value": held, **more}
        return cast(Change, await self.send(endpoints.act(workspace_id, "hold", body)))

    async def forget(
        self, workspace_id: str, memory_ids: Named | None = None, **more: Any
    ) -> Change:
        """Forget memories by ids, or by `filters` or `subject`; `expected` says how many."""
        named = None if memory_ids is None else ids_of(memory_ids)
        request = endpoints.act(workspace_id, "forget", {"memory_ids": named, **more})
        return cast(Change, await self.send(request))

    async def erase(self, workspace_id: str, **named: Sequence[str]) -> dict[str, Any]:
        """Erase by one of `memory_ids`, `subjects` and `sources`; gives the receipt."""
        request = endpoints.act(workspace_id, "erasures", dict(named))
        return cast(dict[str, Any], await self.send(request))

    async def create_workspace(self, workspace_id: str, **more: Any) -> Workspace:
        """Make a workspace: `template`, `settings`, `retention`, `time_zone`."""
        request = endpoints.create_workspace(workspace_id, more)
        return cast(Workspace, await self.send(request))

    async def workspace(self, workspace_id: str) -> Workspace:
        """A workspace with its settings."""
        return cast(Workspace, await self.send(got(of(workspace_id))))

    async def statistics(self, workspace_id: str, *, hours: float | None = None) -> dict[str, Any]:
        """What past recalls have in common."""
        request = got(of(workspace_id, "statistics"), hours=hours)
        return cast(dict[str, Any], await self.send(request))

    async def allocate(
        self, query: str, items: Sequence[dict[str, Any]], **more: Any
    ) -> dict[str, Any]:
        """Choose among items that the request brings."""
        request = posted("/v1/allocate", {"query": query, "items": [*items], **more})
        return cast(dict[str, Any], await self.send(request))

    async def send(self, request: Request) -> Any:
        """Send a request, again where it may be; gives the JSON of the answer.

        A request that is no POST changes nothing, or the same when it is made twice.
        """
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                reply = await self._http.request(**request.arguments())
            except httpx2.TransportError as error:
                if last:
                    raise unreachable(self._url, error) from error
                await asyncio.sleep(pause_before(attempt, None))
                continue
            if reply.is_success:
                return reply.json()
            if last or reply.status_code not in LATER:
                raise refused(reply)
            await asyncio.sleep(pause_before(attempt, reply.headers.get("retry-after")))
        raise AssertionError("the last attempt gives or raises")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
