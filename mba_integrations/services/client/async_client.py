"""`AsyncMbaClient`: a server's memories, awaited; the same as `MbaClient`.

    async with AsyncMbaClient("http://127.0.0.1:8377", key="mba_...") as client:
        await client.remember("kate", "Kate moved to Lisbon in March.")
        reply = await client.recall("kate", "Where does Kate live?", budget_tokens=400)

What it may send again it sends again: what changes something has a key of its own, so the server
does it once. A pause follows each attempt that failed: what the server asks for, else twice as long
each time.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, cast

import httpx2

from mba_integrations.services.client import endpoints
from mba_integrations.services.client.documents import AsyncDocumentCalls
from mba_integrations.services.client.endpoints import Named, ids_of, of
from mba_integrations.services.client.gateway import AsyncGatewayCalls
from mba_integrations.services.client.past import AsyncPastCalls
from mba_integrations.services.client.replies import (
    Change,
    Memory,
    MemoryPage,
    Recall,
    Remembered,
    Search,
    Workspace,
    WorkspacePage,
)
from mba_integrations.services.client.requests import (
    LATER,
    MANIFEST,
    Request,
    given,
    got,
    is_on_this_machine,
    part,
    pause_before,
    posted,
    refused,
    settings_of,
    unreachable,
    written_beside,
)
from mba_integrations.services.client.tuning import AsyncTuningCalls


class AsyncMbaClient(AsyncDocumentCalls, AsyncGatewayCalls, AsyncPastCalls, AsyncTuningCalls):
    """A server's memories.

    Args:
        url: Where the server is.
        key: A key of it; None where it asks for none.
        attempts: How often a request is sent at most.
        timeout_seconds: How long an answer may take.
        transport: What carries requests, in place of the network.

    Raises:
        InputError: If the URL or the key is none.
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
        if transport is None and is_on_this_machine(url):
            transport = (
                httpx2.AsyncHTTPTransport()
            )  # else a proxy of the environment would be asked
        self._url = url
        self._attempts = max(1, attempts)
        self._http = httpx2.AsyncClient(
            transport=transport, **settings_of(url, key, timeout_seconds)
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
        """Make a workspace: `template`, `settings`, `retention`, `time_zone`, `exist_ok`."""
        request = endpoints.create_workspace(workspace_id, more)
        return cast(Workspace, await self.send(request))

    async def workspace(self, workspace_id: str) -> Workspace:
        """A workspace with its settings."""
        return cast(Workspace, await self.send(got(of(workspace_id))))

    async def statistics(self, workspace_id: str, *, hours: float | None = None) -> dict[str, Any]:
        """What past recalls have in common."""
        request = got(of(workspace_id, "statistics"), hours=hours)
        return cast(dict[str, Any], await self.send(request))

    async def expire(
        self, workspace_id: str, memory_ids: Named, at: str | None, **more: Any
    ) -> Change:
        """Have memories recalled no longer from a time on, ISO 8601 with a zone; None for ever."""
        body = {"memory_ids": ids_of(memory_ids), "expires_at": at, **more}
        return cast(Change, await self.send(endpoints.act(workspace_id, "expire", body)))

    async def history(self, workspace_id: str, memory_id: str) -> dict[str, Any]:
        """What happened to a memory, and to those before and after it."""
        return cast(dict[str, Any], await self.send(endpoints.history(workspace_id, memory_id)))

    async def workspaces(self, *, limit: int = 100, cursor: str | None = None) -> WorkspacePage:
        """A page of the workspaces that the key may reach."""
        request = got("/v1/workspaces", limit=limit, cursor=cursor)
        return cast(WorkspacePage, await self.send(request))

    async def delete_workspace(self, workspace_id: str) -> dict[str, Any]:
        """Delete a workspace with all that belongs to it."""
        return cast(dict[str, Any], await self.send(endpoints.delete(of(workspace_id))))

    async def counts(self, workspace_id: str) -> dict[str, Any]:
        """Active memories by tier."""
        return cast(dict[str, Any], await self.send(got(of(workspace_id, "counts"))))

    async def retention(self, workspace_id: str) -> dict[str, Any]:
        """How long memories are kept."""
        return cast(dict[str, Any], await self.send(got(of(workspace_id, "retention"))))

    async def set_retention(self, workspace_id: str, policy: dict[str, Any]) -> dict[str, Any]:
        """Set how long memories are kept."""
        request = endpoints.put(workspace_id, "retention", {"policy": policy})
        return cast(dict[str, Any], await self.send(request))

    async def preview_retention(self, workspace_id: str, **more: Any) -> dict[str, Any]:
        """What would go now, and why; under another `policy` where one is given."""
        request = endpoints.act(workspace_id, "retention/preview", more)
        return cast(dict[str, Any], await self.send(request))

    async def apply_retention(self, workspace_id: str) -> dict[str, Any]:
        """Let go what the policy does not keep, and what has expired."""
        request = endpoints.act(workspace_id, "retention/apply", {})
        return cast(dict[str, Any], await self.send(request))

    async def review_tiers(self, workspace_id: str) -> dict[str, Any]:
        """Which memories should move, and why."""
        request = endpoints.act(workspace_id, "tiers/review", {})
        return cast(dict[str, Any], await self.send(request))

    async def apply_review(self, workspace_id: str, review_id: str, **more: Any) -> Change:
        """Move what a review recommended; `only` names the ids that may move."""
        request = endpoints.review(workspace_id, review_id, "apply", more)
        return cast(Change, await self.send(request))

    async def undo_review(self, workspace_id: str, review_id: str) -> Change:
        """Move back what a review moved."""
        request = endpoints.review(workspace_id, review_id, "undo", {})
        return cast(Change, await self.send(request))

    async def organisation(self, workspace_id: str) -> dict[str, Any]:
        """By which plan a workspace is kept in order, and what the last run did."""
        return cast(dict[str, Any], await self.send(got(of(workspace_id, "organisation"))))

    async def start_organisation(self, workspace_id: str, **plan: Any) -> dict[str, Any]:
        """Keep a workspace in order from now on."""
        request = endpoints.put(workspace_id, "organisation", {"plan": plan})
        return cast(dict[str, Any], await self.send(request))

    async def stop_organisation(self, workspace_id: str) -> dict[str, Any]:
        """Keep a workspace in order no longer."""
        request = endpoints.delete(of(workspace_id, "organisation"))
        return cast(dict[str, Any], await self.send(request))

    async def merges(self, workspace_id: str) -> dict[str, Any]:
        """Merges that were proposed in the last week."""
        return cast(dict[str, Any], await self.send(got(of(workspace_id, "merges"))))

    async def accept_merge(self, workspace_id: str, proposal_id: str) -> Change:
        """Put one memory in the place of those that a proposal names."""
        path = of(workspace_id, "merges", part(proposal_id), "accept")
        return cast(Change, await self.send(posted(path)))

    async def embeddings(self, workspace_id: str) -> dict[str, Any]:
        """Which part of the memories has a vector, by model."""
        return cast(dict[str, Any], await self.send(got(of(workspace_id, "embeddings"))))

    async def jobs(
        self, workspace_id: str, *, states: Sequence[str] = (), limit: int = 100
    ) -> dict[str, Any]:
        """Jobs of a workspace in these states, the latest first, and how many there are in all."""
        request = got(of(workspace_id, "jobs"), state=[*states], limit=limit)
        return cast(dict[str, Any], await self.send(request))

    async def job(self, workspace_id: str, job_id: str) -> dict[str, Any]:
        """One job."""
        return cast(dict[str, Any], await self.send(got(endpoints.job(workspace_id, job_id))))

    async def retry_job(self, workspace_id: str, job_id: str) -> dict[str, Any]:
        """Try a job again that failed or was cancelled."""
        path = endpoints.job(workspace_id, job_id) + "/retry"
        return cast(dict[str, Any], await self.send(posted(path)))

    async def cancel_job(self, workspace_id: str, job_id: str) -> dict[str, Any]:
        """Cancel a job that is not done."""
        path = endpoints.job(workspace_id, job_id) + "/cancel"
        return cast(dict[str, Any], await self.send(posted(path)))

    async def keys(self) -> dict[str, Any]:
        """Keys that reach no farther than this client's."""
        return cast(dict[str, Any], await self.send(got("/v1/keys")))

    async def create_key(self, name: str, **more: Any) -> dict[str, Any]:
        """Make a key: `scopes`, `workspaces`, `expires_at`. It is shown this once."""
        return cast(
            dict[str, Any], await self.send(posted("/v1/keys", {"name": name, **given(more)}))
        )

    async def revoke_key(self, key_id: str) -> dict[str, Any]:
        """Refuse a key from now on."""
        return cast(dict[str, Any], await self.send(endpoints.delete(f"/v1/keys/{part(key_id)}")))

    async def status(self) -> dict[str, Any]:
        """How the store is."""
        return cast(dict[str, Any], await self.send(got("/v1/status")))

    async def export(
        self,
        workspace_id: str,
        path: str | os.PathLike[str],
        *,
        with_vectors: bool = False,
        with_inactive: bool = False,
    ) -> None:
        """Write a workspace to a file, as JSON lines that end with a count and a hash."""
        request = endpoints.export(
            workspace_id, with_vectors=with_vectors, with_inactive=with_inactive
        )
        await self.download(request, path)

    async def export_replay(
        self,
        workspace_id: str,
        path: str | os.PathLike[str],
        *,
        since: datetime | None = None,
        texts: bool = True,
    ) -> None:
        """Write past recalls to a file of JSON lines that `read_records` reads; without *texts*
        numbers alone, for which the scope `read:content` is not needed."""
        await self.download(endpoints.export_replay(workspace_id, since=since, texts=texts), path)

    async def import_file(self, workspace_id: str, content: bytes, **more: Any) -> dict[str, Any]:
        """Remember what a file has: `format`, `tier`, `subject`, `name`, `dry_run`.

        With `background=True` it gives the job that does it, which `job` tells of.
        """
        request = endpoints.imported(workspace_id, content, more)
        return cast(dict[str, Any], await self.send(request))

    async def backup(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Write a copy of the store to a file; gives what the copy says of itself."""
        reply = await self.download(endpoints.file("/v1/backup", {}), path)
        return cast(dict[str, Any], json.loads(reply.headers[MANIFEST]))

    async def allocate(
        self, query: str, items: Sequence[dict[str, Any]], **more: Any
    ) -> dict[str, Any]:
        """Choose among items that the request brings."""
        request = posted("/v1/allocate", {"query": query, "items": [*items], **more})
        return cast(dict[str, Any], await self.send(request))

    async def send(self, request: Request) -> Any:
        """Send a request, again where it may be; gives the JSON of the answer.

        What changes something brings a key, so it is not done twice.
        """
        return (await self._answered(request, None)).json()

    async def download(self, request: Request, path: str | os.PathLike[str]) -> httpx2.Response:
        """Write what a request gives to a file, which takes its name once it is whole."""
        with written_beside(path) as file:
            return await self._answered(request, file)

    async def _answered(self, request: Request, into: BinaryIO | None) -> httpx2.Response:
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                reply = await self._asked(request, into)
            except httpx2.TransportError as error:
                if last:
                    raise unreachable(self._url, error) from error
                await asyncio.sleep(pause_before(attempt, None))
                continue
            if reply.is_success:
                return reply
            if last or reply.status_code not in LATER:
                raise refused(reply)
            await asyncio.sleep(pause_before(attempt, reply.headers.get("retry-after")))
        raise AssertionError("the last attempt gives or raises")

    async def _asked(self, request: Request, into: BinaryIO | None) -> httpx2.Response:
        async with self._http.stream(**request.arguments()) as reply:
            if into is None or not reply.is_success:
                await reply.aread()
                return reply
            into.seek(0)
            into.truncate()  # an attempt before may have left a part
            async for chunk in reply.aiter_bytes():
                into.write(chunk)
        return reply

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
