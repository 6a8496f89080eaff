"""Routes of other servers: there if asked for, each in the caller's own workspace."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from http_server import caller, key_of

from mba_integrations import MemoryItem
from mba_integrations.core.errors import ConfigError
from mba_integrations.services import NewMemory
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.items.items import Items
from mba_integrations.services.items.values import Put
from mba_integrations.services.memory.service import MemoryService

CANARY = "Tom's canary sings."
WHOSE: dict[str, Any] = {"filters": {"user_id": "*"}}
ITEM = {"namespace": ["tom"], "key": "a"}
BODIES: dict[str, Any] = {
    "mem0_add": {"messages": "x", "user_id": "tom"},
    "mem0_list_hosted": WHOSE,
    "mem0_search": {"query": "canary?", **WHOSE},
    "mem0_update": {"text": "x"},
    "mem0_update_many": {"memories": [{"memory_id": "canary", "text": "x"}]},
    "mem0_delete_many": {"memories": [{"memory_id": "canary"}]},
    "put_item": {**ITEM, "value": {"text": "x"}},
    "delete_item": ITEM,
    "search_items": {},
    "list_namespaces": {},
}
QUERIES = {
    "mem0_list": "?user_id=tom",
    "mem0_delete_all": "?user_id=tom",
    "get_item": "?namespace=tom&key=a",
}


@pytest.fixture(scope="module")
def toms(shared: MemoryService) -> MemoryService:
    item = MemoryItem("canary", CANARY, "project")
    shared.remember("tom", NewMemory(item=item, subject="tom"))
    Items(service=shared, workspace_id="tom", clock=shared.now).put(
        [Put(namespace=("tom",), key="a", value={"text": CANARY})]
    )
    return shared


def requests(app: FastAPI, workspace_id: str | None) -> list[tuple[str, str, str, Any]]:
    """Name, method, URL and body of a request to each foreign route, in a workspace."""
    found = []
    for path, item in app.openapi()["paths"].items():
        server, _, rest = path.removeprefix("/").partition("/")
        if server not in ("mem0", "langgraph"):
            continue
        named = "" if workspace_id is None else f"/workspaces/{workspace_id}"
        for method, operation in item.items():
            name = operation["operationId"]
            body = BODIES.get(name, BODIES.get(name.removesuffix("_hosted")))
            query = QUERIES.get(name, QUERIES.get(name.removesuffix("_hosted"), ""))
            url = f"/{server}{named}/{rest}".format(memory_id="canary", kind="user", name="tom")
            found.append((name, method, url + query, body))
    return found


async def test_a_key_reaches_its_own_workspace_on_every_route(
    compat: FastAPI, toms: MemoryService
) -> None:
    headers = key_of(toms, scopes=list(Scope), workspaces=["kate"])
    async with caller(compat, headers=headers) as http:
        for place in (None, "tom"):
            asked = requests(compat, place)
            assert len(asked) >= 23
            for name, method, url, body in asked:
                reply = await http.request(method, url, json=body)
                assert CANARY not in reply.text, name
                if place is not None:
                    nowhere = await http.request(
                        method, url.replace("/tom/", "/nobody/"), json=body
                    )
                    assert reply.status_code == 404, name
                    assert reply.text.replace("'tom'", "'nobody'") == nowhere.text
    assert toms.get("tom", "canary").content == CANARY
    assert len(toms.list("tom").rows) == 2


SCOPES = {
    Scope.READ: {
        *("mem0_ping", "mem0_list", "mem0_search", "mem0_history", "mem0_get", "mem0_entities"),
        *("get_item", "search_items", "list_namespaces"),
    },
    Scope.WRITE: {"mem0_add", "mem0_update", "mem0_update_many", "put_item"},
    Scope.FORGET: {
        *("mem0_delete", "mem0_delete_all", "mem0_delete_many", "mem0_delete_entity"),
        "delete_item",
    },
    Scope.ADMIN: set(),
}


@pytest.mark.parametrize("scope", list(SCOPES))
async def test_every_route_asks_for_a_scope(
    compat: FastAPI, toms: MemoryService, scope: Scope
) -> None:
    headers = key_of(toms, scopes=[scope], workspaces=["kate"])
    allowed = set()
    async with caller(compat, headers=headers) as http:
        for name, method, url, body in requests(compat, None):
            if (await http.request(method, url, json=body)).status_code != 403:
                allowed.add(name.removesuffix("_hosted"))
    assert allowed == SCOPES[scope]


async def test_a_key_for_several_workspaces_says_which_in_the_url(
    compat: FastAPI, toms: MemoryService
) -> None:
    headers = key_of(toms, workspaces=["kate", "tom"])
    async with caller(compat, headers=headers) as http:
        refused = await http.get("/mem0/v1/ping/")
        assert refused.status_code == 400
        assert refused.json()["detail"].endswith("Ask under /mem0/workspaces/NAME.")
        named = await http.get("/mem0/workspaces/tom/v1/ping/")
        assert named.json()["project_id"] == "tom"


async def test_the_only_workspace_of_a_server_without_keys_needs_no_name(
    service: MemoryService,
) -> None:
    service.workspaces.delete("tom")
    app = create_app(service, ServerSettings(compat=("mem0",)))
    async with caller(app) as http:
        assert (await http.get("/mem0/v1/ping/")).json()["project_id"] == "kate"
        assert (await http.get("/langgraph/store/items?key=a")).status_code == 404


async def test_without_asking_for_them_there_are_none(app: FastAPI, compat: FastAPI) -> None:
    assert len(compat.routes) > len(app.routes)
    described = {path.split("/")[1] for path in compat.openapi()["paths"]}
    assert described >= {"mem0", "langgraph"}
    async with caller(app) as http:
        for _, method, url, body in requests(compat, None):
            assert (await http.request(method, url, json=body)).status_code == 404
    async with caller(app, headers={"Authorization": "Token x"}) as http:
        assert (await http.get("/v1/workspaces")).status_code == 401


async def test_hosts_are_held_to_on_foreign_routes_too(compat: FastAPI) -> None:
    async with caller(compat, headers={"Host": "evil.example"}) as http:
        reply = await http.get("/mem0/v1/ping/")
        assert (reply.status_code, reply.headers["content-type"]) == (421, "application/json")


def test_a_server_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigError, match="compat must be langgraph or mem0, got 'zep'"):
        ServerSettings(compat=("zep",))
