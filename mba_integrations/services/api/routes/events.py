"""Events: what changes in a workspace, as it happens, without texts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import anyio
from fastapi import Header, Query
from starlette.responses import StreamingResponse

from mba_integrations.services.api.asking import PROBLEMS, Call, OwnRouter, Read
from mba_integrations.services.api.work import RUNNING
from mba_integrations.services.contracts.memories import ChangeEventView
from mba_integrations.services.memory.past.arrivals import Arrivals

router = OwnRouter(prefix="/v1/workspaces/{workspace_id}", tags=["events"], responses=PROBLEMS)
PAUSE_SECONDS = 0.5
QUIET_SECONDS = 15.0
MOST_AT_ONCE = 500
_EVENT: dict[str, Any] = {
    "description": "One event of the stream; its data is JSON.",
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("event", "id", "data")},
    "required": ["event", "data"],
}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": _EVENT}}}
}


@router.get("/events", response_class=StreamingResponse, responses={**PROBLEMS, **_EVENTS})
async def events(
    call: Read,
    after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,16}$")] = None,
    follow: bool = True,
    allocations: bool = False,
) -> StreamingResponse:
    """Changes after a place of the sequence, one event each; its id is its place.

    A reader that comes back with `Last-Event-ID` misses nothing. An event `reload` says that the
    feed does not reach back so far: read the memories anew. Without *follow* the stream ends where
    the sequence stands. With *allocations* there is an event `allocation` for each recall that is
    logged meanwhile, with its id and time; it has no place, and who was away asks for the list.
    """
    place = after if last_event_id is None else int(last_event_id)
    find = partial(call.service.workspaces.row, call.workspace_id)
    stands_at = (await RUNNING.get().run("store", find)).change_seq
    place = stands_at if place is None else place
    arrivals = None
    if allocations:
        made = partial(call.service.allocations.arrivals, call.workspace_id)
        arrivals = await RUNNING.get().run("store", made)
    told = _told(call, place, follow, arrivals)
    return StreamingResponse(told, media_type="text/event-stream")


async def _told(
    call: Call, place: int, follow: bool, arrivals: Arrivals | None
) -> AsyncIterator[str]:
    work, quiet = RUNNING.get(), 0.0
    look = partial(call.service.changes_since, call.workspace_id, limit=MOST_AT_ONCE)
    while True:
        feed = await work.run("store", partial(look, place))
        if not feed.complete and not feed.changes:
            yield f"event: reload\nid: {feed.change_seq}\ndata: {{}}\n\n"
            place = feed.change_seq
        for change in feed.changes:
            place = change.change_seq
            told = ChangeEventView.of(change).model_dump_json()
            yield f"event: {change.op.value}\nid: {place}\ndata: {told}\n\n"
        came = () if arrivals is None else await work.run("store", arrivals.new)
        for allocation_id, at in came:
            logged = json.dumps({"allocation_id": allocation_id, "at": at.isoformat()})
            yield f"event: allocation\ndata: {logged}\n\n"
        if place >= feed.change_seq:
            if not follow:
                return
            await anyio.sleep(PAUSE_SECONDS)
            quiet = 0.0 if feed.changes or came else quiet + PAUSE_SECONDS
            if quiet >= QUIET_SECONDS:
                quiet = 0.0
                yield ": nothing new\n\n"
