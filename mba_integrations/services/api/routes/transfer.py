"""Exports and imports: memories of a workspace, and its log. No argument is a path of a file."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import AwareDatetime
from starlette.responses import Response

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.learning.replay.files.writing import ReplayFormat, record_pieces
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.api.asking import (
    PROBLEMS,
    Call,
    OwnRouter,
    Read,
    ReadContent,
    Write,
)
from mba_integrations.services.api.files import BINARY, FILE_BODY, receive_into, received_file
from mba_integrations.services.api.streams import StreamedFile
from mba_integrations.services.api.work import RUNNING
from mba_integrations.services.contracts.keeping import JobView
from mba_integrations.services.contracts.log import ImportView
from mba_integrations.services.memory.past.exports.log_file import LogFormat, log_pieces
from mba_integrations.services.store.errors import IdempotencyConflictError
from mba_integrations.services.store.scopes import LONGEST_ID

router = OwnRouter(prefix="/v1/workspaces/{workspace_id}", tags=["transfer"], responses=PROBLEMS)
MEDIA_TYPES = {
    LogFormat.JSONL: "application/x-ndjson",
    LogFormat.CSV: "text/csv",
    LogFormat.PARQUET: "application/vnd.apache.parquet",
}
Responses = dict[int | str, dict[str, Any]]
_LOG: Responses = {200: {"content": dict.fromkeys(MEDIA_TYPES.values(), BINARY)}}
_REPLAY_TYPES = {
    ReplayFormat.JSONL: MEDIA_TYPES[LogFormat.JSONL],
    ReplayFormat.PARQUET: MEDIA_TYPES[LogFormat.PARQUET],
}
_REPLAY: Responses = {200: {"content": dict.fromkeys(_REPLAY_TYPES.values(), BINARY)}}
_MEMORIES: Responses = {200: {"content": {MEDIA_TYPES[LogFormat.JSONL]: BINARY}}}


class BodyFormat(StrEnum):
    """What a body of an import is; a folder cannot be sent."""

    MBA = "mba"
    MEM0 = "mem0"
    LANGGRAPH_STORE = "langgraph_store"
    MCP_MEMORY = "mcp_memory"
    CHAT = "chat"


@router.get("/export", response_class=Response, responses={**PROBLEMS, **_MEMORIES})
async def export_workspace(
    call: ReadContent, with_vectors: bool = False, with_inactive: bool = False
) -> StreamedFile:
    """Memories and settings as JSON lines; the last line proves that they are whole."""
    lines = functools.partial(
        call.service.transfer.export_lines,
        call.workspace_id,
        with_vectors=with_vectors,
        with_inactive=with_inactive,
    )
    return StreamedFile(lines, "memories.jsonl", MEDIA_TYPES[LogFormat.JSONL])


@router.get("/export/allocations", response_class=Response, responses={**PROBLEMS, **_LOG})
async def export_log(
    call: ReadContent,
    format: LogFormat = LogFormat.JSONL,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
) -> StreamedFile:
    """Past recalls with feedback, the latest first.

    The last line, or Parquet's footer, proves them whole.
    """

    def pieces() -> Iterator[bytes]:
        allocations = call.service.allocations
        rows = allocations.rows_with_feedback(call.workspace_id, since=since, until=until)
        return log_pieces(rows, format, call.workspace_id)

    return StreamedFile(pieces, f"allocations.{format.value}", MEDIA_TYPES[format])


@router.get("/export/replay", response_class=Response, responses={**PROBLEMS, **_REPLAY})
async def export_replay_records(
    call: Read,
    format: ReplayFormat = ReplayFormat.JSONL,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
    texts: bool = True,
) -> StreamedFile:
    """Past recalls that can be decided again without the server, the oldest first.

    With *texts* it needs the scope `read:content`; without, the file has numbers alone.
    """
    if texts:
        call.principal.check(Scope.READ_CONTENT, call.workspace_id)

    def pieces() -> Iterator[bytes]:
        allocations = call.service.allocations
        records = allocations.replay_records(
            call.workspace_id, since=since, until=until, texts=texts
        )
        return record_pieces(records, format)

    return StreamedFile(pieces, f"replay.{format.value}", _REPLAY_TYPES[format])


@router.post("/imports", openapi_extra=FILE_BODY, responses={**PROBLEMS, 202: {"model": JobView}})
async def import_memories(
    call: Write,
    request: Request,
    response: Response,
    format: BodyFormat = BodyFormat.MBA,
    tier: MemoryTier | None = None,
    subject: Annotated[str | None, Query(min_length=1, max_length=LONGEST_ID)] = None,
    name: Annotated[str | None, Query(min_length=1, max_length=LONGEST_ID)] = None,
    dry_run: bool = False,
    background: bool = False,
) -> ImportView | JobView:
    """Remember what the body has. What is there already stays one, so it may be sent again.

    *name* is what the file is called: messages of a chat have it as their source and in their ids.
    Without it they are named after the hash of the body.

    With *background* the answer is 202 and a job, whose progress and counts `jobs/{job_id}` has; it
    goes on after a restart.
    """
    if "path" in request.query_params:
        raise InputError("path is not read: send the file as the body. No file here is opened.")
    with received_file() as path:
        await receive_into(path, request)
        bring = functools.partial(_begun if background else _brought, call, path, format.value)
        act = functools.partial(bring, tier=tier, subject=subject, name=name, dry_run=dry_run)
        view: ImportView | JobView = await RUNNING.get().run("store", act, timed=True)
    if background:
        response.status_code = 202
    return view


def _brought(call: Call, path: Path, format: str, *, name: str | None, **more: Any) -> ImportView:
    with _named(path, format, name) as called:
        reply = call.service.transfer.import_from(
            call.workspace_id, path, format, name=called, request=call.own_key, **more
        )
    return ImportView.of(reply)


def _begun(call: Call, path: Path, format: str, *, name: str | None, **more: Any) -> JobView:
    with _named(path, format, name) as called:
        row = call.service.transfer.begin_import(
            call.workspace_id, path, format, name=called, request=call.own_key, **more
        )
    return JobView.of(row)


@contextmanager
def _named(path: Path, format: str, name: str | None) -> Iterator[str]:
    """What a body is called, also in errors: its file here is none that the caller knows."""
    called = name or (_by_hash(path) if format == BodyFormat.CHAT else "the body")
    try:
        yield called
    except InputError as error:
        if isinstance(error, IdempotencyConflictError):
            raise
        raise InputError(str(error).replace(str(path), called)) from error


def _by_hash(path: Path) -> str:
    with path.open("rb") as file:
        return f"chat-{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"
