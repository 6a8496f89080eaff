"""What holds for every request: hosts, origins, sizes, keys, rates, ids and times."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from http_server import caller, held_search, key_of, problem_in

from mba_integrations.core.errors import ConfigError
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService

MEMORIES = "/v1/workspaces/kate/memories"
RECALL = "/v1/workspaces/kate/recall"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Host": "evil.example"}, (421, "wrong-host"), id="foreign-host"),
        pytest.param({"Host": "evil.example:8377"}, (421, "wrong-host"), id="with-a-port"),
        pytest.param({"Host": ""}, (421, "wrong-host"), id="no-host"),
        pytest.param({"Host": "[::1"}, (421, "wrong-host"), id="broken-host"),
        pytest.param({"Origin": "https://evil.example"}, (403, "wrong-origin"), id="foreign-page"),
        pytest.param({"Origin": "null"}, (403, "wrong-origin"), id="page-without-origin"),
    ],
)
@pytest.mark.parametrize("path", ["/livez", "/metrics", MEMORIES, "/nothing"])
async def test_foreign_names_and_pages_are_refused_everywhere(
    http: httpx2.AsyncClient, path: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    assert problem_in(await http.get(path, headers=headers)) == expected


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9", "[::1]:8377", "LocalHost:8377"])
async def test_names_of_this_machine_are_answered(http: httpx2.AsyncClient, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert (await http.get("/livez", headers=headers)).status_code == 200


async def test_names_and_origins_can_be_allowed(service: MemoryService) -> None:
    settings = ServerSettings(
        allowed_hosts=("memory.example",), allowed_origins=("https://app.example/",)
    )
    headers = {"Host": "memory.example", "Origin": "https://app.example"}
    async with caller(create_app(service, settings)) as http:
        assert (await http.get("/livez", headers=headers)).status_code == 200


async def test_bodies_that_are_too_large_are_refused_before_they_are_read(
    service: MemoryService,
) -> None:
    def parts() -> Any:
        async def sent() -> Any:
            for _ in range(3):
                yield b" " * 50

        return sent()

    async with caller(create_app(service, ServerSettings(body_bytes=100))) as http:
        assert problem_in(await http.post(MEMORIES, content=b" " * 101)) == (413, "too-large")
        assert problem_in(await http.post(MEMORIES, content=parts())) == (413, "too-large")
        assert problem_in(await http.post(MEMORIES, content=b" " * 100)) == (422, "invalid-request")


async def test_compressed_bodies_are_refused(http: httpx2.AsyncClient) -> None:
    reply = await http.post(MEMORIES, content=b"x", headers={"Content-Encoding": "gzip"})
    assert problem_in(reply) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("trace-0123456789", True, id="plain"),
        pytest.param("short", False, id="short"),
        pytest.param("two words here", False, id="spaces"),
        pytest.param("x" * 65, False, id="long"),
    ],
)
async def test_a_request_has_an_id(http: httpx2.AsyncClient, given: str, kept: bool) -> None:
    reply = await http.get("/nothing", headers={"X-Request-Id": given})
    assert (reply.headers["x-request-id"] == given) is kept


async def test_a_reply_says_how_long_it_took_and_what_it_cost(http: httpx2.AsyncClient) -> None:
    await http.post(MEMORIES, json={"memories": ["Kate lives in Lisbon."]})
    reply = await http.post(RECALL, json={"query": "Kate?", "budget_tokens": 50})
    phases = [part.split(";")[0] for part in reply.headers["server-timing"].split(", ")]
    assert phases == ["auth", "queue", "work", "total"]
    assert float(reply.headers["x-mba-duration-ms"]) > 0
    assert reply.headers["x-mba-budget-tokens"] == "50"
    assert reply.headers["x-mba-used-tokens"] == str(reply.json()["used_tokens"])
    assert reply.headers["x-mba-allocation-id"] == reply.json()["allocation_id"]


async def test_a_server_of_this_machine_is_open_until_a_key_was_made(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    assert (await http.get(MEMORIES + "/a")).status_code == 404
    made = service.keys.create("app")
    assert problem_in(await http.get(MEMORIES + "/a")) == (401, "unknown-caller")
    service.keys.revoke(made.row.key_id)
    refused = await http.get(MEMORIES + "/a")
    assert problem_in(refused) == (401, "unknown-caller")
    assert refused.headers["www-authenticate"] == "Bearer"


async def test_a_server_for_others_asks_for_a_key(service: MemoryService) -> None:
    settings = ServerSettings(host="0.0.0.0", allowed_hosts=("*",))
    headers = key_of(service)
    async with caller(create_app(service, settings)) as http:
        assert problem_in(await http.get(MEMORIES + "/a")) == (401, "unknown-caller")
        assert problem_in(await http.get(MEMORIES + "/a", headers=headers)) == (
            404,
            "unknown-memory",
        )
        bearer = {"Authorization": f"Bearer {headers['X-API-Key']}"}
        assert (await http.get(MEMORIES + "/a", headers=bearer)).status_code == 404
        basic = {**headers, "Authorization": "Basic a2F0ZTprYXRl"}
        assert problem_in(await http.get(MEMORIES + "/a", headers=basic))[0] == 401


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json"])
async def test_health_and_description_need_no_key(
    http: httpx2.AsyncClient, service: MemoryService, path: str
) -> None:
    service.keys.create("app")
    assert (await http.get(path)).status_code == 200


def test_a_server_for_others_does_not_start_without_keys() -> None:
    with pytest.raises(ConfigError, match="'mba keys create NAME'"):
        ServerSettings(host="0.0.0.0").check_open(has_keys=False)
    ServerSettings(host="0.0.0.0").check_open(has_keys=True)
    ServerSettings(host="0.0.0.0", insecure=True).check_open(has_keys=False)
    ServerSettings(host="::1").check_open(has_keys=False)


async def test_a_key_that_asks_too_often_waits(service: MemoryService) -> None:
    many, few = key_of(service), key_of(service, "other")
    async with caller(create_app(service, ServerSettings(requests_per_minute=3))) as http:
        replies = [await http.get(MEMORIES + "/a", headers=many) for _ in range(4)]
        assert [one.status_code for one in replies] == [404, 404, 404, 429]
        assert replies[2].headers["ratelimit"] == '"key";r=0'
        assert replies[3].headers["retry-after"] == "1"
        assert (await http.get(MEMORIES + "/a", headers=few)).status_code == 404


async def test_who_guesses_keys_is_stopped_and_nobody_else(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    headers = key_of(service)
    for _ in range(20):
        assert (await http.get(MEMORIES + "/a")).status_code == 401
    stopped = await http.get(MEMORIES + "/a")
    assert problem_in(stopped) == (429, "too-many")
    assert stopped.headers["retry-after"] == "60"
    assert (await http.get(MEMORIES + "/a", headers=headers)).status_code == 404


async def test_an_error_of_the_server_tells_nothing(
    http: httpx2.AsyncClient, service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret path")

    monkeypatch.setattr(service, "get", broken)
    reply = await http.get(MEMORIES + "/a")
    assert problem_in(reply) == (500, "internal")
    assert "secret" not in reply.text


async def test_metrics_have_no_series_of_a_callers_making(http: httpx2.AsyncClient) -> None:
    for number in range(30):
        await http.get(f"/v1/workspaces/w{number}/counts")
        await http.get(f"/nothing/{number}")
        await http.request(f"VERB{number}", "/livez")
    text = (await http.get("/metrics")).text
    assert 'route="/v1/workspaces/{workspace_id}/counts",status="4xx"} 30.0' in text
    assert "w7" not in text
    assert "VERB" not in text
    assert len(text.splitlines()) < 300


async def test_work_that_waits_ends_when_its_caller_goes_away(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request holds the only thread; those that wait behind it are taken back."""
    begun, go_on, asked = held_search(service, monkeypatch)
    app = create_app(service, ServerSettings(threads=1, waiting=2))
    path = "/v1/workspaces/kate/search"
    async with caller(app) as http:
        first = asyncio.create_task(http.post(path, json={"query": "first"}))
        await asyncio.to_thread(begun.wait, 10)
        waiting = [asyncio.create_task(http.post(path, json={"query": "gone"})) for _ in range(2)]
        while "mba_work_waiting 2.0" not in (await http.get("/metrics")).text:
            await asyncio.sleep(0.01)
        assert problem_in(await http.post(path, json={"query": "x"})) == (503, "overloaded")
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        go_on.set()
        assert (await first).status_code == 200
    assert asked == ["first"]


async def test_a_recall_of_a_workspace_in_memory_waits_for_none_that_is_not(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.recall("tom", "Are you there?")
    begun, go_on, _ = held_search(service, monkeypatch)
    app = create_app(service, ServerSettings(threads=1))
    async with caller(app) as http:
        first = asyncio.create_task(http.post("/v1/workspaces/kate/search", json={"query": "x"}))
        await asyncio.to_thread(begun.wait, 10)
        reply = await http.post("/v1/workspaces/tom/recall", json={"query": "x"})
        assert (reply.status_code, first.done()) == (200, False)
        go_on.set()
        assert (await first).status_code == 200


@pytest.mark.parametrize(
    ("threads", "choosing", "lasting"),
    [
        pytest.param(None, 1, 6, id="one-and-as-many-as-cores"),
        pytest.param(3, 3, 3, id="as-many-as-asked-for"),
    ],
)
def test_threads_of_one_python_take_turns_so_one_chooses(
    threads: int | None, choosing: int, lasting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    settings = ServerSettings(threads=threads)
    assert (settings.choosing_threads, settings.lasting_threads) == (choosing, lasting)


async def test_a_mounted_app_knows_the_caller(service: MemoryService) -> None:
    from mba_integrations.services.api.mounts import Mount

    seen = []

    async def within(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["state"]["principal"].key_id, scope["path"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app: FastAPI = create_app(service, mounts=[Mount(path="/mcp", app=within)])
    async with caller(app) as http:
        assert (await http.post("/mcp/kate", json={})).status_code == 204
        service.keys.create("app")
        assert (await http.post("/mcp/kate", json={})).status_code == 401
    assert seen == [("local", "/mcp/kate")]
