"""mem0: the routes of its own server, and those that `mem0.MemoryClient` asks of its hosted one."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import Path, Query

from mba_integrations.services.api.asking import Call, OwnRouter
from mba_integrations.services.api.compat.calls import (
    PROBLEMS,
    Forget,
    Read,
    Write,
    not_offered,
)
from mba_integrations.services.api.replies import BAD_REQUEST, ProblemError
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.compat.mem0 import (
    AddBody,
    DeleteManyBody,
    Entities,
    ListBody,
    ListQuery,
    SearchBody,
    UpdateBody,
    UpdateManyBody,
)
from mba_integrations.services.mem0.filters import names_entity
from mba_integrations.services.mem0.memories import Mem0Memories

router = OwnRouter(prefix="/mem0", tags=["mem0"], responses=PROBLEMS)
Reply = dict[str, Any]
MemoryId = Annotated[str, Path(min_length=1, max_length=512)]
REFUSED = {
    "configure": "Settings belong to a workspace: PATCH /v1/workspaces/{workspace}.",
    "reset": "Delete by user_id, agent_id, app_id or run_id, or the workspace itself.",
}
_ELSE = "What of mem0 is, stands in the documentation of this server."
_KEPT_AS_SENT = "This server has no extractor: texts are kept as they were sent (infer=False)."
_EXTRACTED = "Texts are kept as they were sent; what the extractor finds in them is added later."


def _memories(call: Call) -> Mem0Memories:
    return Mem0Memories(
        service=call.service, workspace_id=call.workspace_id, actor=call.principal.actor
    )


def _about(filters: dict[str, Any]) -> dict[str, Any]:
    """The filter, if it says whose memories it is about: never those of all by mistake."""
    if not names_entity(filters):
        raise ProblemError(
            BAD_REQUEST,
            "Name user_id, agent_id, app_id or run_id; '*' stands for all that have one.",
        )
    return filters


@router.get("/v1/ping")
@in_thread("store")
def mem0_ping(call: Read) -> Reply:
    """Whether the key is known: a client asks that first, and does not start without both ids."""
    call.service.workspaces.row(call.workspace_id)
    return {"status": "ok", "org_id": "mba", "project_id": call.workspace_id, "user_email": None}


@router.post("/memories")
@router.post("/v3/memories/add", operation_id="mem0_add_hosted")
@in_thread("store")
def mem0_add(call: Write, body: AddBody) -> Reply:
    """Keep the texts of messages; `message` says what was done with them besides."""
    about = body.about()
    _about(about)
    messages = [one.model_dump() for one in body.messages]
    results = _memories(call).add(messages, about)
    if call.service.extracts:
        return {"results": results, "message": _EXTRACTED}
    if body.infer is False:
        return {"results": results}
    return {"results": results, "message": _KEPT_AS_SENT}


@router.get("/memories")
@in_thread("store")
def mem0_list(call: Read, asked: Annotated[ListQuery, Query()]) -> Reply:
    """Memories of those who are named, the latest first."""
    whose = _about(asked.named())
    found = _memories(call).matching(whose, show_expired=asked.show_expired)
    return {"results": list(islice(found, asked.top_k))}


@router.post("/v3/memories")
@in_thread("store")
def mem0_list_hosted(
    call: Read,
    body: ListBody,
    page: Annotated[int, Query(ge=1)] = 1,
    page_size: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Reply:
    """A page of the memories that a filter lets through, the latest first."""
    filters = _about(body.wanted())
    found = list(_memories(call).matching(filters, show_expired=body.show_expired))
    first = (page - 1) * page_size
    return {
        "count": len(found),
        "next": _page(page + 1, page_size) if first + page_size < len(found) else None,
        "previous": _page(page - 1, page_size) if page > 1 else None,
        "results": found[first : first + page_size],
    }


def _page(page: int, size: int) -> str:
    return f"?page={page}&page_size={size}"


@router.post("/search")
@router.post("/v3/memories/search", operation_id="mem0_search_hosted")
@in_thread("long")
def mem0_search(call: Read, body: SearchBody) -> Reply:
    """Memories by how well they answer, the best first."""
    found = _memories(call).search(
        body.query, _about(body.wanted()), limit=body.top_k, threshold=body.threshold
    )
    return {"results": found}


@router.get("/memories/{memory_id:rest}/history")
@router.get("/v1/memories/{memory_id:rest}/history", operation_id="mem0_history_hosted")
@in_thread("store")
def mem0_history(call: Read, memory_id: MemoryId) -> list[Reply]:
    """What happened to a memory."""
    return _memories(call).history(memory_id)


@router.get("/memories/{memory_id:rest}")
@router.get("/v1/memories/{memory_id:rest}", operation_id="mem0_get_hosted")
@in_thread("store")
def mem0_get(call: Read, memory_id: MemoryId) -> Reply:
    """One memory."""
    return _memories(call).get(memory_id)


@router.put("/memories/{memory_id:rest}")
@router.put("/v1/memories/{memory_id:rest}", operation_id="mem0_update_hosted")
@in_thread("store")
def mem0_update(call: Write, memory_id: MemoryId, body: UpdateBody) -> Reply:
    """Change a memory. It keeps its id."""
    [record] = _memories(call).update({memory_id: body.change()})
    return {"message": "Memory updated successfully!", **record}


@router.delete("/memories/{memory_id:rest}")
@router.delete("/v1/memories/{memory_id:rest}", operation_id="mem0_delete_hosted")
@in_thread("store")
def mem0_delete(call: Forget, memory_id: MemoryId) -> Reply:
    """Forget a memory."""
    _memories(call).delete([memory_id])
    return {"message": "Memory deleted successfully!"}


@router.delete("/memories")
@router.delete("/v1/memories", operation_id="mem0_delete_all_hosted")
@in_thread("store")
def mem0_delete_all(call: Forget, whose: Annotated[Entities, Query()]) -> Reply:
    """Forget all memories of those who are named."""
    _memories(call).delete_all(_about(whose.named()))
    return {"message": "Memories deleted successfully!"}


@router.put("/v1/batch")
@in_thread("store")
def mem0_update_many(call: Write, body: UpdateManyBody) -> Reply:
    """Change many memories, all or none."""
    changed = _memories(call).update({one.memory_id: one.change() for one in body.memories})
    return {"message": f"Successfully updated {len(changed)} memories"}


@router.delete("/v1/batch")
@in_thread("store")
def mem0_delete_many(call: Forget, body: DeleteManyBody) -> Reply:
    """Forget many memories, all or none."""
    _memories(call).delete([one.memory_id for one in body.memories])
    return {"message": f"Successfully deleted {len(body.memories)} memories"}


@router.get("/entities")
@router.get("/v1/entities", operation_id="mem0_entities_hosted")
@in_thread("store")
def mem0_entities(call: Read) -> Reply:
    """Users, agents, apps and runs that have memories."""
    found = _memories(call).entities()
    return {"count": len(found), "next": None, "previous": None, "results": found}


@router.delete("/entities/{kind}/{name:rest}")
@router.delete("/v2/entities/{kind}/{name:rest}", operation_id="mem0_delete_entity_hosted")
@in_thread("store")
def mem0_delete_entity(
    call: Forget, kind: Literal["user", "agent", "app", "run"], name: MemoryId
) -> Reply:
    """Forget all memories of one of them.

    None is no error: the client's `reset` asks for a user whose memories went with those of a run.
    """
    count = _memories(call).delete_all({f"{kind}_id": {"eq": name}})
    return {"message": f"Entity deleted successfully: {count:,} memories."}


@router.api_route(
    "/{path:rest}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
)
async def other_routes(path: str) -> None:
    """What else mem0's servers have."""
    raise not_offered(path, REFUSED.get(path, _ELSE))
