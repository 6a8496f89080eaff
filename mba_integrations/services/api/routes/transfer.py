"""Exports and imports: memories of a workspace, and its log. No argument is a path of a file."""

from __future__ import annotations

import functools
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime
from starlette.responses import FileResponse

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.api.asking import PROBLEMS, Call, ReadContent, Write
from mba_integrations.services.api.files import (
    BINARY,
    FILE_BODY,
    receive_into,
    received_file,
    sent_file,
)
from mba_integrations.services.api.work import RUNNING, in_thread
from mba_integrations.services.contracts.log import ImportView
from mba_integrations.services.memory.past.log_file import LogFormat, write_log
from mba_integrations.services.store.scopes import LONGEST_ID

router = APIRouter(prefix="/v1/workspaces/{workspace_id}", tags=["transfer"], responses=PROBLEMS)
MEDIA_TYPES = {
    LogFormat.JSONL: "application/x-ndjson",
    LogFormat.CSV: "text/csv",
    LogFormat.PARQUET: "application/vnd.apache.parquet",
}
Responses = dict[int | str, dict[str, Any]]
_LOG: Responses = {200: {"content": dict.fromkeys(MEDIA_TYPES.values(), BINARY)}}
_MEMORIES: Responses = {200: {"content": {MEDIA_TYPES[LogFormat.JSONL]: BINARY}}}


class BodyFormat(StrEnum):
    """What a body of an import is; a folder cannot be sent."""

    MBA = "mba"
    MEM0 = "mem0"
    LANGGRAPH_STORE = "langgraph_store"
    MCP_MEMORY = "mcp_memory"
    CHAT = "chat"


@router.get("/export", response_class=FileResponse, responses={**PROBLEMS, **_MEMORIES})
@in_thread("store")
def export_workspace(
    call: ReadContent, with_vectors: bool = False, with_inactive: bool = False
) -> FileResponse:
    """Memories and settings as JSON lines; the last line proves that they are whole."""
    make = functools.partial(
        call.service.transfer.export_to,
        call.workspace_id,
        with_vectors=with_vectors,
        with_inactive=with_inactive,
    )
    return sent_file(lambda path: _done(make(path)), "memories.jsonl", "application/x-ndjson")


@router.get("/export/allocations", response_class=FileResponse, responses={**PROBLEMS, **_LOG})
@in_thread("store")
def export_log(
    call: ReadContent,
    format: LogFormat = LogFormat.JSONL,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
) -> FileResponse:
    """Past recalls, the latest first; the last line, or Parquet's footer, proves them whole."""
    rows = call.service.allocations.rows(call.workspace_id, since=since, until=until)
    return sent_file(
        lambda path: write_log(path, rows, format, call.workspace_id),
        f"allocations.{format.value}",
        MEDIA_TYPES[format],
    )


@router.post("/imports", openapi_extra=FILE_BODY)
async def import_memories(
    call: Write,
    request: Request,
    format: BodyFormat = BodyFormat.MBA,
    tier: MemoryTier | None = None,
    subject: Annotated[str | None, Query(min_length=1, max_length=LONGEST_ID)] = None,
    dry_run: bool = False,
) -> ImportView:
    """Remember what the body has. What is there already stays one, so it may be sent again."""
    with received_file() as path:
        await receive_into(path, request)
        bring = functools.partial(
            _brought, call, path, format.value, tier=tier, subject=subject, dry_run=dry_run
        )
        return await RUNNING.get().run("store", bring, timed=True)


def _brought(call: Call, path: Path, format: str, **options: Any) -> ImportView:
    try:
        reply = call.service.transfer.import_from(call.workspace_id, path, format, **options)
    except InputError as error:
        raise InputError(str(error).replace(str(path), "the body")) from error
    return ImportView.of(reply)


def _done(_: object) -> None:
    """Nothing."""
