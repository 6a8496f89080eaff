"""Memories: remember, list, get, revise, move, pin, hold, forget, and their history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from mba_integrations.core.errors import InputError
from mba_integrations.services.api.asking import PROBLEMS, Call, Forget, OwnRouter, Read, Write
from mba_integrations.services.api.layers.answers import REPLAYED
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.memories import (
    ChangeView,
    ExpireBody,
    ForgetBody,
    HistoryView,
    ListBody,
    MarkBody,
    MemoryPageView,
    MemoryView,
    MoveBody,
    RememberBody,
    RememberView,
    ReviseBody,
)
from mba_integrations.services.memory.remembering.results import ChangeReply
from mba_integrations.services.store.scopes import LONGEST_ID

router = OwnRouter(prefix="/v1/workspaces/{workspace_id}", tags=["memories"], responses=PROBLEMS)
MemoryId = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]


@router.post("/memories")
@in_thread("store")
def remember(call: Write, body: RememberBody, response: Response) -> RememberView:
    """Keep memories. They are durable when the answer comes."""
    service = call.service
    reply = service.remember(
        call.workspace_id,
        body.to_memories(service.now(), call.own_key),
        key=call.own_key,
        actor=call.principal.actor,
        **body.defaults(),
    )
    if reply.replayed:
        response.headers[REPLAYED] = "true"
    return RememberView.of(reply)


@router.post("/memories/list")
@in_thread("store")
def list_memories(call: Read, body: ListBody) -> MemoryPageView:
    """A page of memories, in the order in which they were added."""
    if None not in (body.cursor, body.after):
        raise InputError("give cursor or after, not both.")
    of = (call.workspace_id, body.filters, body.newest_first)
    cursors = call.ground.cursors
    page = call.service.list(
        call.workspace_id,
        body.filters.to_filter(),
        after=body.after if body.cursor is None else cursors.place(body.cursor, *of),
        limit=body.limit,
        newest_first=body.newest_first,
    )
    following = None if page.after is None else cursors.make(page.after, *of)
    return MemoryPageView.of(page, following)


@router.get("/memories/{memory_id:rest}")
@in_thread("store")
def get_memory(call: Read, memory_id: MemoryId) -> MemoryView:
    """One memory, also one that is superseded or forgotten."""
    return MemoryView.of(call.service.get(call.workspace_id, memory_id))


@router.put("/memories/{memory_id:rest}")
@in_thread("store")
def revise(call: Write, memory_id: MemoryId, body: ReviseBody) -> ChangeView:
    """Put a memory with another text in the place of one."""
    reply = call.service.revise(
        call.workspace_id,
        memory_id,
        body.content,
        reason=body.reason,
        actor=call.principal.actor,
        once=call.once(ChangeView.of),
    )
    return ChangeView.of(reply)


@router.get("/history/{memory_id:rest}")
@in_thread("store")
def history(call: Read, memory_id: MemoryId) -> HistoryView:
    """What happened to a memory, and to those before and after it."""
    return HistoryView.of(call.service.history(call.workspace_id, memory_id))


@router.post("/move")
@in_thread("store")
def move(call: Write, body: MoveBody) -> ChangeView:
    """Move memories to a tier."""
    reply = call.service.move(
        call.workspace_id,
        body.memory_ids,
        body.tier,
        reason=body.reason,
        actor=call.principal.actor,
        once=call.once(ChangeView.of),
    )
    return ChangeView.of(reply)


@router.post("/pin")
@in_thread("store")
def pin(call: Write, body: MarkBody) -> ChangeView:
    """Have memories in every prompt, or no longer."""
    return _marked(call.service.pin, call, body)


@router.post("/hold")
@in_thread("store")
def hold(call: Write, body: MarkBody) -> ChangeView:
    """Keep memories from retention, or no longer."""
    return _marked(call.service.hold, call, body)


@router.post("/expire")
@in_thread("store")
def expire(call: Write, body: ExpireBody) -> ChangeView:
    """Say from when memories are recalled no longer."""
    reply = call.service.expire(
        call.workspace_id,
        body.memory_ids,
        body.expires_at,
        reason=body.reason,
        actor=call.principal.actor,
        once=call.once(ChangeView.of),
    )
    return ChangeView.of(reply)


def _marked(mark: Callable[..., ChangeReply], call: Call, body: MarkBody) -> ChangeView:
    reply = mark(
        call.workspace_id,
        body.memory_ids,
        body.value,
        reason=body.reason,
        actor=call.principal.actor,
        once=call.once(ChangeView.of),
    )
    return ChangeView.of(reply)


@router.post("/forget")
@in_thread("store")
def forget(call: Forget, body: ForgetBody) -> ChangeView:
    """Forget memories: no recall sees them any more. What must be nowhere is erased."""
    reply = call.service.forget(
        call.workspace_id,
        body.memory_ids,
        filters=None if body.filters is None else body.filters.to_filter(),
        subject=body.subject,
        expected=body.expected,
        reason=body.reason,
        actor=call.principal.actor,
        once=call.once(ChangeView.of),
    )
    return ChangeView.of(reply)
