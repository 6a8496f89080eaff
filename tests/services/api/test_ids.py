"""Workspaces of any id, reached by every way over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import httpx2
import pytest
from http_server import BASE_URL, caller, key_of, problem_in

from mba_integrations import MemoryItem
from mba_integrations.core.errors import InputError
from mba_integrations.services import AsyncMbaClient
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.layers.paths import PathLayer
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory import workspaces
from mba_integrations.services.memory.service import MemoryService

MEMORY = "a/b#1\n"
IDS = {
    **{"slash": "team/kate", "slashes": "/a//b/", "written-slash": "team%2Fkate"},
    **{
        "blanks": " a b ",
        "percent": "50%",
        "no-ascii": "ünï/漢字",
        "dots": "..a./..",
        "line": "a\nb\n",
    },
    **{"of-urls": "a?b#c&d;e=f", "backslash": "a\\b", "like-a-route": "kate/memories"},
}


@pytest.mark.parametrize("name", IDS.values(), ids=IDS)
async def test_a_workspace_is_reached_whatever_its_id(service: MemoryService, name: str) -> None:
    app = create_app(service, ServerSettings(compat=("mem0",)))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with AsyncMbaClient(BASE_URL, transport=transport) as client:
        assert (await client.create_workspace(name))["workspace_id"] == name
        await client.remember(name, ["Kate skis.", "Kate swims."], key="k1")
        service.remember(name, MemoryItem(MEMORY, "Kate sails.", "project"))
        assert (await client.get(name, MEMORY))["content"] == "Kate sails."
        assert (await client.recall(name, "sails", budget_tokens=50))["used_tokens"] > 0
        await client.pin(name, MEMORY)
        first = await client.list(name, limit=2)
        rest = await client.list(name, limit=2, cursor=first["next_cursor"])
        assert len({one["memory_id"] for page in (first, rest) for one in page["memories"]}) == 3
        await client.import_file(name, b"[]", format="chat")
        assert name in (await client.workspaces())["workspaces"]
    async with caller(app, headers=key_of(service)) as http:
        mem0 = f"/mem0/workspaces/{quote(name, safe='')}/v1"
        assert (await http.get(f"{mem0}/ping/")).json()["project_id"] == name
        found = await http.get(f"{mem0}/memories/{quote(MEMORY, safe='')}/")
        assert found.json()["memory"] == "Kate sails."
    assert service.workspaces.ids() == tuple(sorted([name, "kate", "tom"]))
    await _deleted(service, name)


async def _deleted(service: MemoryService, name: str) -> None:
    transport = httpx2.ASGITransport(app=create_app(service), raise_app_exceptions=False)
    headers = key_of(service, scopes=["admin", "forget"], workspaces=[name])
    async with AsyncMbaClient(BASE_URL, key=headers["X-API-Key"], transport=transport) as client:
        assert (await client.delete_workspace(name))["deleted"]["workspace"] == 1


async def test_a_slash_in_an_id_leads_to_no_workspace_of_others(service: MemoryService) -> None:
    service.create_workspace("tom/kate")
    service.remember("kate", MemoryItem("m1", "Kate skis.", "project"))
    headers = key_of(service, scopes=["read", "write"], workspaces=["tom/kate"])
    async with caller(create_app(service), headers=headers) as http:
        for path in ("kate/memories/m1", "tom%2F..%2Fkate/memories/m1", "tom%00kate/counts"):
            reply = await http.get(f"/v1/workspaces/{path}")
            assert problem_in(reply)[0] == 404, path
        assert (await http.get("/v1/workspaces/tom%2Fkate/counts")).json()["total"] == 0


@pytest.mark.parametrize("name", [".", ".."])
async def test_a_dot_is_no_id_for_a_new_workspace_and_one_that_is_there_is_reached(
    service: MemoryService, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="which URLs lose"):
        service.create_workspace(name)
    monkeypatch.setattr(workspaces, "_DOTS", ())
    service.create_workspace(name)
    transport = httpx2.ASGITransport(app=create_app(service), raise_app_exceptions=False)
    async with AsyncMbaClient(BASE_URL, transport=transport) as client:
        assert (await client.workspace(name))["workspace_id"] == name


async def test_a_server_that_gives_no_raw_path_is_served_as_far_as_it_decodes() -> None:
    seen = []

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        seen.append(scope["path"])

    scope = {"type": "http", "path": "/v1/workspaces/kate/recall"}
    await PathLayer(app)(scope, None, None)  # type: ignore[arg-type]
    assert seen == ["/v1/workspaces/kate/recall"]
