"""Each call of the server as a request. Both clients send these; neither has words of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mba_integrations.services.client.requests import Request, given, got, part, posted

Named = str | Sequence[str]


def ids_of(memory_ids: Named) -> list[str]:
    """Ids as a list; one alone is a list of one."""
    return [memory_ids] if isinstance(memory_ids, str) else list(memory_ids)


def of(workspace_id: str, *parts: str) -> str:
    """A path below a workspace."""
    return "/".join(("/v1/workspaces", part(workspace_id), *parts))


def remember(workspace_id: str, memories: Any, key: str | None, more: dict[str, Any]) -> Request:
    """Keep memories."""
    listed = [memories] if isinstance(memories, str | dict) else list(memories)
    return posted(of(workspace_id, "memories"), {"memories": listed, **given(more)}, key=key)


def ask(workspace_id: str, how: str, query: str, more: dict[str, Any]) -> Request:
    """Recall or search."""
    return posted(of(workspace_id, how), {"query": query, **given(more)})


def memory(workspace_id: str, memory_id: str) -> Request:
    """One memory."""
    return got(of(workspace_id, "memories", part(memory_id)))


def memories(workspace_id: str, more: dict[str, Any]) -> Request:
    """A page of memories."""
    return posted(of(workspace_id, "memories/list"), given(more))


def revise(workspace_id: str, memory_id: str, content: str, reason: str | None) -> Request:
    """Another text in the place of a memory's."""
    body = given({"content": content, "reason": reason})
    path = of(workspace_id, "memories", part(memory_id))
    return replace(posted(path, body), method="PUT")


def act(workspace_id: str, what: str, body: dict[str, Any]) -> Request:
    """Move, pin, hold, forget or erase."""
    return posted(of(workspace_id, what), given(body))


def create_workspace(workspace_id: str, body: dict[str, Any]) -> Request:
    """Make a workspace."""
    return posted("/v1/workspaces", {"workspace_id": workspace_id, **given(body)})
