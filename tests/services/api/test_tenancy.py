"""A key reaches its own workspaces: on every route there is, whatever the caller names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from http_server import caller, key_of, problem_in

from mba_integrations.services.access.principal import Scope
from mba_integrations.services.api.app import create_app
from mba_integrations.services.memory.service import MemoryService

CANARY = "Tom's canary sings."
BODIES: dict[str, Any] = {
    "remember": {"memories": ["x"]},
    "list_memories": {},
    "revise": {"content": "x"},
    "move": {"memory_ids": ["canary"], "tier": "rag"},
    "pin": {"memory_ids": ["canary"]},
    "hold": {"memory_ids": ["canary"]},
    "expire": {"memory_ids": ["canary"]},
    "start_organisation": {},
    "forget": {"memory_ids": ["canary"]},
    "recall": {"query": "canary?"},
    "recall_batch": {"queries": [{"query": "canary?"}]},
    "search": {"query": "canary?"},
    "budget_curve": {"budgets": [10]},
    "replay_allocation": {},
    "take_apart_with_question": {},
    "try_settings": {},
    "give_feedback": {"thumb": "up"},
    "look_for_settings": {},
    "apply_proposal": {},
    "change_workspace": {"settings": {}},
    "validate_settings": {},
    "set_retention": {"policy": {}},
    "preview_retention": {},
    "apply_review": {},
    "erase": {"subjects": ["tom"]},
    "put_document": {"text": "x"},
    "sync_documents": {"origin": "wiki", "document_ids": []},
    "remove_documents": {"document_ids": ["canary"]},
    "retrieve": {"query": "canary?"},
}


def routes(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Method, path and name of every route that the description has."""
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation["operationId"]


def placed(path: str, workspace_id: str) -> str:
    places = {"workspace_id": workspace_id, "memory_id": "canary", "document_id": "d"}
    places |= {"proposal_id": "p", "review_id": "r", "job_id": "j", "key_id": "k"}
    return path.format(**places, allocation_id="a", other_id="b")


@pytest.fixture
def toms(service: MemoryService) -> MemoryService:
    from mba_integrations import MemoryItem

    service.remember("tom", MemoryItem("canary", CANARY, "project"), subject="tom")
    service.recall("tom", "canary?")
    return service


async def test_foreign_workspaces_are_not_there_on_any_route(toms: MemoryService) -> None:
    app = create_app(toms)
    headers = key_of(toms, scopes=list(Scope), workspaces=["kate"])
    asked = 0
    async with caller(app, headers=headers) as http:
        for method, path, name in routes(app):
            if "{workspace_id}" not in path:
                continue
            more = {"json": BODIES[name]} if name in BODIES else {}
            foreign = await http.request(method, placed(path, "tom"), **more)
            nowhere = await http.request(method, placed(path, "nobody"), **more)
            assert problem_in(foreign) == (404, "unknown-workspace"), (method, path)
            assert foreign.text.replace("tom", "nobody") == nowhere.text
            asked += 1
    assert asked >= 40
    assert toms.get("tom", "canary").content == CANARY


async def test_lists_over_workspaces_show_the_callers_own(toms: MemoryService) -> None:
    headers = key_of(toms, scopes=list(Scope), workspaces=["kate"])
    async with caller(create_app(toms), headers=headers) as http:
        assert (await http.get("/v1/workspaces")).json()["workspaces"] == ["kate"]
        assert (await http.get("/v1/statistics")).json()["allocation_count"] == 0
        assert [one["name"] for one in (await http.get("/v1/keys")).json()["keys"]] == ["app"]
        made = await http.post("/v1/workspaces", json={"workspace_id": "anna"})
        assert problem_in(made) == (404, "unknown-workspace")
        assert problem_in(await http.post("/v1/backups")) == (403, "missing-scope")
        for path in ("/v1/backup", "/v1/status"):
            assert problem_in(await http.get(path)) == (403, "missing-scope")
        more = await http.post("/v1/keys", json={"name": "x"})
        assert problem_in(more) == (403, "missing-scope")


@pytest.mark.parametrize("scope", list(Scope))
async def test_every_route_of_a_workspace_asks_for_a_scope(
    toms: MemoryService, scope: Scope
) -> None:
    """With one scope, what needs another is refused, and nothing of it is done."""
    app = create_app(toms)
    headers = key_of(toms, scopes=[scope], workspaces=["tom"])
    allowed = set()
    async with caller(app, headers=headers) as http:
        for method, path, name in routes(app):
            if "{workspace_id}" in path:
                more = {"json": BODIES[name]} if name in BODIES else {}
                query = QUERIES.get(name, "")
                reply = await http.request(method, placed(path, "tom") + query, **more)
                if reply.status_code != 403:
                    allowed.add(name)
    assert allowed == ROUTES_OF[scope]


QUERIES = {"events": "?follow=false", "export_replay_records": "?texts=false"}
ROUTES_OF = {
    Scope.READ: {
        *("recall", "recall_batch", "search", "list_allocations", "explain_allocation"),
        *("budget_curve", "replay_allocation", "compare_allocations", "workspace_statistics"),
        *("events", "get_retention", "preview_retention", "list_erasures", "list_jobs", "get_job"),
        *("get_workspace", "validate_settings", "list_versions", "count_memories"),
        *("list_memories", "get_memory", "history", "get_job", "get_organisation"),
        *("list_merges", "show_embeddings", "list_budgets", "usage_of_gateway"),
        *("calibrate_routes", "export_replay_records"),
        *("list_documents", "get_document", "list_pieces", "retrieve"),
        *("take_apart", "take_apart_with_question", "put_side_by_side"),
        *("find_starving_tiers", "try_settings", "read_feedback"),
        *("list_proposals", "get_proposal"),
    },
    Scope.WRITE: {
        *("import_memories", "review_tiers", "apply_review", "undo_review", "give_feedback"),
        *("remember", "revise", "move", "pin", "hold", "expire", "put_document", "put_file"),
    },
    Scope.FORGET: {
        *("apply_retention", "erase", "forget"),
        *("sync_documents", "remove_documents", "remove_document"),
    },
    Scope.ADMIN: {
        *("set_retention", "retry_job", "cancel_job", "change_workspace", "stop_organisation"),
        *("look_for_settings", "begin_experiment", "apply_proposal", "take_proposal_back"),
    },
    Scope.READ_CONTENT: {"export_workspace", "export_log"},
    Scope.GATEWAY: set(),
}


async def test_texts_of_the_log_need_a_scope(toms: MemoryService) -> None:
    toms.workspaces.change("tom", logging={"include_text": True})
    row = toms.allocations.get("tom", toms.recall("tom", "canary?").allocation_id)
    assert row.record["query"] == "canary?"
    place = f"/v1/workspaces/tom/allocations/{row.allocation_id}"

    async def shown(*scopes: str) -> httpx2.Response:
        async with caller(create_app(toms), headers=key_of(toms, scopes=scopes)) as http:
            return await http.get(place)

    assert "canary?" not in (await shown("read")).text
    assert "canary?" in (await shown("read", "read:content")).text


async def test_an_idempotency_key_is_the_callers_own(toms: MemoryService) -> None:
    """Another caller's request of the same name is another request."""
    asked = {"json": {"query": "canary?"}, "headers": {"Idempotency-Key": "same"}}
    path = "/v1/workspaces/tom/recall"
    app = create_app(toms)
    ids = set()
    for name in ("a", "b"):
        async with caller(app, headers=key_of(toms, name, workspaces=["tom"])) as http:
            replies = [await http.post(path, **asked) for _ in range(2)]
            ids |= {one.json()["allocation_id"] for one in replies}
    assert len(ids) == 2
