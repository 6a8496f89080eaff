"""Each call of the server as a request. Both clients send these; neither has words of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mba_integrations.services.client.requests import (
    FILE_SECONDS,
    Request,
    given,
    got,
    named_once,
    part,
    posted,
)

Named = str | Sequence[str]
_BYTES = {"Content-Type": "application/octet-stream"}


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


def history(workspace_id: str, memory_id: str) -> Request:
    """What happened to a memory."""
    return got(of(workspace_id, "history", part(memory_id)))


def memories(workspace_id: str, more: dict[str, Any]) -> Request:
    """A page of memories."""
    return posted(of(workspace_id, "memories/list"), given(more))


def revise(workspace_id: str, memory_id: str, content: str, reason: str | None) -> Request:
    """Another text in the place of a memory's."""
    body = given({"content": content, "reason": reason})
    path = of(workspace_id, "memories", part(memory_id))
    return _changed("PUT", path, body=body)


def act(workspace_id: str, what: str, body: dict[str, Any]) -> Request:
    """Move, pin, hold, expire, forget or erase."""
    return posted(of(workspace_id, what), given(body))


def create_workspace(workspace_id: str, body: dict[str, Any]) -> Request:
    """Make a workspace."""
    return posted("/v1/workspaces", {"workspace_id": workspace_id, **given(body)})


def put(workspace_id: str, what: str, body: dict[str, Any]) -> Request:
    """Set the retention or the organisation of a workspace."""
    return _changed("PUT", of(workspace_id, what), body=given(body))


def delete(path: str) -> Request:
    """Delete or end what is at a path."""
    return _changed("DELETE", path)


def review(workspace_id: str, review_id: str, what: str, body: dict[str, Any]) -> Request:
    """Apply or undo a review of tiers."""
    return posted(of(workspace_id, "tiers/reviews", part(review_id), what), given(body))


def change_workspace(workspace_id: str, settings: dict[str, Any], etag: str) -> Request:
    """Change settings made from a version."""
    headers = {"If-Match": etag}
    return Request(
        method="PATCH", path=of(workspace_id), body={"settings": settings}, headers=headers
    )


def job(workspace_id: str, job_id: str) -> str:
    """The path of a job."""
    return of(workspace_id, "jobs", part(job_id))


def export(workspace_id: str, *, with_vectors: bool, with_inactive: bool) -> Request:
    """A workspace as a file."""
    asked = {"with_vectors": with_vectors, "with_inactive": with_inactive}
    query = {name: "true" for name, wanted in asked.items() if wanted}
    return file(of(workspace_id, "export"), query)


def export_replay(workspace_id: str, *, since: datetime | None, texts: bool) -> Request:
    """Past recalls as records that are replayed elsewhere."""
    query = {"texts": "true" if texts else "false"}
    if since is not None:
        query["since"] = since.isoformat()
    return file(of(workspace_id, "export/replay"), query)


def imported(workspace_id: str, content: bytes, more: dict[str, Any]) -> Request:
    """Remember what a file has."""
    query = {name: "true" if value is True else value for name, value in more.items() if value}
    return _sent("POST", of(workspace_id, "imports"), content, query)


def document(workspace_id: str, document_id: str, what: str = "documents") -> str:
    """The path of a document, of its pieces, or of its file."""
    return of(workspace_id, what, part(document_id))


def put_document(workspace_id: str, document_id: str, more: dict[str, Any]) -> Request:
    """Keep a document."""
    path = document(workspace_id, document_id)
    return _changed("PUT", path, body=given(more))


def put_file(workspace_id: str, document_id: str, content: bytes, more: dict[str, Any]) -> Request:
    """Keep the document that a file makes."""
    return _sent("PUT", document(workspace_id, document_id, "files"), content, given(more))


def file(path: str, query: dict[str, str]) -> Request:
    """What is at a path, as a file."""
    return Request(method="GET", path=path, query=query, seconds=FILE_SECONDS)


def _changed(method: str, path: str, body: Any = None) -> Request:
    return Request(method=method, path=path, body=body, headers=named_once())


def _sent(method: str, path: str, content: bytes, query: dict[str, Any]) -> Request:
    """A request whose body is a file."""
    headers = {**_BYTES, **named_once()}
    return Request(
        method=method,
        path=path,
        content=content,
        query=query,
        headers=headers,
        seconds=FILE_SECONDS,
    )
