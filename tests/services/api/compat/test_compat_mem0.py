"""mem0's clients: the requests that `mem0.MemoryClient` 2.2.1 was seen to send, and the others.

The real client runs in `benchmarks/mem0_client.py`; it is no part of the development environment.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from http_server import caller, key_of

from mba_integrations import MemoryItem
from mba_integrations.services import NewMemory
from mba_integrations.services.memory.service import MemoryService

KEPT_AS_SENT = "This server has no extractor: texts are kept as they were sent (infer=False)."


@pytest.fixture(scope="module")
def token(shared: MemoryService) -> dict[str, str]:
    """A key for `kate`, as the client sends it."""
    return {"Authorization": f"Token {key_of(shared, workspaces=['kate'])['X-API-Key']}"}


@pytest.fixture
async def mem0(compat: FastAPI, token: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of mem0's."""
    async with caller(compat, headers=token) as http:
        http.base_url = httpx2.URL("http://localhost:8377/mem0")
        yield http


def known(service: MemoryService, user: str) -> str:
    """The id of a memory about a user of this name, with all that mem0 knows of one."""
    item = MemoryItem(
        f"m-{user}",
        f"Kate skis with {user}.",
        "long_term",
        source=f"run-{user}",
        metadata={"agent_id": f"agent-{user}", "app_id": "app", "n": 1},
    )
    service.remember("kate", NewMemory(item=item, subject=user, tags=("sport", "snow")))
    return item.id


def add(content: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], **more}


# As the client sends them: method, path, body; and a word of the answer.
SENT = [
    pytest.param("GET", "/v1/ping/", None, '"project_id":"kate"', id="ping"),
    pytest.param(
        *("POST", "/v3/memories/add/"),
        add("Kate sails.", user_id="sent", run_id="trip", metadata={"n": 1}, infer=False),
        '"event":"ADD"',
        id="add",
    ),
    pytest.param(
        *("POST", "/v3/memories/add/"),
        add("Kate reads.", user_id="sent", expiration_date="2099-01-01"),
        KEPT_AS_SENT,
        id="add-that-expires",
    ),
    pytest.param(
        *("POST", "/v3/memories/search/"),
        {"query": "skis?", "filters": {"user_id": "{user}"}, "top_k": 3, "rerank": True},
        '"score":',
        id="search",
    ),
    pytest.param(
        *("POST", "/v3/memories/?page=1&page_size=2"),
        {"filters": {"AND": [{"user_id": "{user}"}]}},
        '"count":1,"next":null,"previous":null',
        id="get-all",
    ),
    pytest.param("GET", "/v1/memories/{id}/", None, '"memory":"Kate skis with', id="get"),
    pytest.param(
        *("PUT", "/v1/memories/{id}/"),
        {"text": "Kate rests.", "expiration_date": None},
        '"memory":"Kate rests."',
        id="update",
    ),
    pytest.param("GET", "/v1/memories/{id}/history/", None, '"event":"ADD"', id="history"),
    pytest.param("GET", "/v1/entities/", None, '"type":"user","total_memories":1', id="users"),
    pytest.param(
        *("PUT", "/v1/batch/"),
        {"memories": [{"memory_id": "{id}", "text": "Kate rows."}]},
        "updated 1",
        id="batch-update",
    ),
    pytest.param("DELETE", "/v1/memories/{id}/?delete_linked=true", None, "deleted", id="delete"),
    pytest.param(
        *("DELETE", "/v1/batch/"), {"memories": [{"memory_id": "{id}"}]}, "deleted 1", id="batch"
    ),
    pytest.param("DELETE", "/v1/memories/?user_id={user}", None, "deleted", id="delete-all"),
    pytest.param("DELETE", "/v2/entities/user/{user}/", None, "deleted", id="delete-users"),
]


def filled(template: Any, places: dict[str, str]) -> Any:
    if isinstance(template, str):
        for name, value in places.items():
            template = template.replace(f"{{{name}}}", value)
        return template
    if isinstance(template, dict):
        return {name: filled(one, places) for name, one in template.items()}
    return [filled(one, places) for one in template] if isinstance(template, list) else template


@pytest.mark.parametrize(("method", "path", "body", "word"), SENT)
async def test_what_the_client_sends_is_answered_as_it_expects(
    mem0: httpx2.AsyncClient,
    shared: MemoryService,
    request: pytest.FixtureRequest,
    method: str,
    path: str,
    body: Any,
    word: str,
) -> None:
    user = request.node.callspec.id
    places = {"user": user, "id": known(shared, user)}
    reply = await mem0.request(method, filled(path, places), json=filled(body, places))
    assert reply.status_code == 200, reply.text
    assert word in reply.text


async def test_a_memory_has_the_fields_of_mem0(
    mem0: httpx2.AsyncClient, shared: MemoryService
) -> None:
    record = (await mem0.get(f"/v1/memories/{known(shared, 'ann')}")).json()
    assert {name: record[name] for name in record if not name.endswith("_at")} == {
        **{"id": "m-ann", "memory": "Kate skis with ann.", "user_id": "ann", "run_id": "run-ann"},
        **{"agent_id": "agent-ann", "app_id": "app", "actor_id": None, "role": None},
        **{"metadata": {"n": 1}, "categories": ["snow", "sport"], "expiration_date": None},
        "hash": shared.get("kate", "m-ann").content_hash,
    }


async def test_what_is_added_is_what_an_import_of_it_would_be(
    mem0: httpx2.AsyncClient, shared: MemoryService, tmp_path: Path
) -> None:
    about = {"user_id": "ben", "agent_id": "bot", "run_id": "r", "expiration_date": "2099-01-01"}
    sent = add("Ben skis.", metadata={"n": 1}, timestamp=1_700_000_000, **about)
    [added] = (await mem0.post("/memories", json=sent)).json()["results"]
    record = (await mem0.get(f"/memories/{added['id']}")).json()
    assert record["expiration_date"] == "2099-01-01"
    file = tmp_path / "mem0.json"
    file.write_text(json.dumps([record]))
    shared.transfer.import_from("tom", file, "mem0")
    ours, theirs = (shared.get(workspace, added["id"]) for workspace in ("kate", "tom"))
    same = ("content", "tier", "subject", "source", "created_at", "expires_at", "tags")
    assert [getattr(ours, name) for name in same] == [getattr(theirs, name) for name in same]
    assert ours.metadata.items() <= theirs.metadata.items()


@pytest.mark.parametrize(
    ("infer", "message"),
    [
        pytest.param({}, KEPT_AS_SENT, id="not-named-means-yes"),
        pytest.param({"infer": True}, KEPT_AS_SENT, id="asked-for"),
        pytest.param({"infer": False}, None, id="not-wanted"),
    ],
)
async def test_what_is_not_inferred_is_said(
    mem0: httpx2.AsyncClient, infer: dict[str, bool], message: str | None
) -> None:
    sent = {"user_id": "cleo", "messages": [{"role": "user", "content": str(infer)}], **infer}
    assert (await mem0.post("/memories", json=sent)).json().get("message") == message


async def test_instructions_are_left_out_and_repetitions_are_named(
    mem0: httpx2.AsyncClient,
) -> None:
    said = [("system", "Be kind."), ("user", "I ski."), ("assistant", None), ("user", "I ski.")]
    messages = [{"role": role, "content": content} for role, content in said]
    reply = await mem0.post("/memories", json={"messages": messages, "user_id": "dora"})
    first, second = reply.json()["results"]
    assert (first["event"], second["event"], second["id"]) == ("ADD", "NONE", first["id"])
    other = await mem0.post("/memories", json=add("I ski.", user_id="emma"))
    assert other.json()["results"][0]["event"] == "ADD"


async def test_a_memory_keeps_its_id_and_its_time_when_it_is_updated(
    mem0: httpx2.AsyncClient, shared: MemoryService
) -> None:
    place = f"/memories/{known(shared, 'finn')}"
    before = (await mem0.get(place)).json()
    for change in ({"text": "Finn rests."}, {"metadata": {"m": 2}}, {"data": "Finn rows."}):
        assert (await mem0.put(place, json=change)).json()["id"] == before["id"]
    after = (await mem0.get(place)).json()
    assert (after["memory"], after["metadata"]) == ("Finn rows.", {"n": 1, "m": 2})
    assert (after["created_at"], after["run_id"]) == (before["created_at"], before["run_id"])
    whole = await mem0.post("/v3/memories", json={"filters": {"user_id": "finn"}})
    assert whole.json()["results"] == [after]
    events = (await mem0.get(f"{place}/history")).json()
    assert [one["event"] for one in events] == ["ADD", "UPDATE", "UPDATE", "UPDATE"]
    assert events[-1]["old_memory"] == "Finn rests."
    assert events[-1]["new_memory"] == "Finn rows."


async def test_what_is_deleted_is_gone_and_has_a_history(
    mem0: httpx2.AsyncClient, shared: MemoryService
) -> None:
    place = f"/memories/{known(shared, 'gus')}"
    await mem0.put(place, json={"text": "Gus rests."})
    await mem0.delete(place)
    assert (await mem0.get(place)).status_code == 404
    assert (await mem0.delete(place)).status_code == 404
    events = (await mem0.get(f"{place}/history")).json()
    assert [one["event"] for one in events] == ["ADD", "UPDATE", "DELETE"]
    assert events[-1]["is_deleted"]


async def test_an_id_of_a_revised_memory_leads_to_its_successor(
    mem0: httpx2.AsyncClient, shared: MemoryService
) -> None:
    memory_id = known(shared, "hal")
    shared.revise("kate", memory_id, "Hal rests.")
    assert (await mem0.get(f"/memories/{memory_id}")).json()["memory"] == "Hal rests."


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        pytest.param("POST", "/memories", add("x"), 400, "user_id", id="add-for-nobody"),
        pytest.param("POST", "/search", {"query": "x"}, 400, "user_id", id="search-of-all"),
        pytest.param("GET", "/memories", None, 400, "user_id", id="list-of-all"),
        pytest.param("DELETE", "/memories?user_id=", None, 400, "user_id", id="delete-of-all"),
        pytest.param("DELETE", "/memories?user=x", None, 422, "/query/user", id="unknown-name"),
        pytest.param(
            *("POST", "/memories"),
            add("x", user_id="x", custom_instructions="y"),
            *(422, "/body/custom_instructions"),
            id="what-would-not-be-done",
        ),
        pytest.param("PUT", "/memories/x", {}, 422, "name text", id="no-change"),
        pytest.param("GET", "/memories/nothing", None, 404, "no memory 'nothing'", id="no-id"),
        pytest.param("GET", "/memories/a%0Ab", None, 404, r"'a\nb'", id="an-id-of-two-lines"),
        pytest.param("POST", "/configure", {}, 501, "belong to a workspace", id="configure"),
        pytest.param("POST", "/reset", None, 501, "Delete by user_id", id="reset"),
        pytest.param("POST", "/v1/exports/", {}, 501, "/v1/exports is not offered", id="export"),
        pytest.param(
            *("POST", "/search"),
            {"query": "x", "filters": {"user_id": "x", "n": {"like": 1}}},
            *(422, "'like' is none of eq"),
            id="unknown-comparison",
        ),
    ],
)
async def test_what_is_refused_says_why_in_detail(
    mem0: httpx2.AsyncClient, method: str, path: str, body: Any, status: int, detail: str
) -> None:
    reply = await mem0.request(method, path, json=body)
    assert reply.headers["content-type"] == "application/json"
    assert reply.status_code == status
    assert detail in reply.json()["detail"]


async def test_pages_and_thresholds_leave_out_what_they_should(mem0: httpx2.AsyncClient) -> None:
    for number in range(5):
        await mem0.post("/memories", json=add(f"Note {number}.", user_id="ida"))
    whose = {"filters": {"user_id": "ida"}}
    page = (await mem0.post("/v3/memories/?page=2&page_size=2", json=whose)).json()
    assert [one["memory"] for one in page["results"]] == ["Note 2.", "Note 1."]
    assert (page["count"], page["next"], page["previous"]) == (
        *(5, "?page=3&page_size=2"),
        "?page=1&page_size=2",
    )
    first = (await mem0.get("/memories?user_id=ida&top_k=1")).json()["results"]
    assert [one["memory"] for one in first] == ["Note 4."]
    found = (await mem0.post("/search", json={"query": "Note 3", **whose})).json()["results"]
    least = found[0]["score"]
    asked = {"query": "Note 3", "threshold": least, **whose}
    best = (await mem0.post("/search", json=asked)).json()["results"]
    assert [one["memory"] for one in best] == ["Note 3."]
    nothing = {**asked, "filters": {"user_id": "ida", "n": {"gt": 7}}}
    assert (await mem0.post("/search", json=nothing)).json() == {"results": []}


async def test_a_reset_deletes_users_whose_memories_went_with_those_of_a_run(
    mem0: httpx2.AsyncClient, shared: MemoryService
) -> None:
    known(shared, "jim")
    for place, count in (("run/run-jim", 1), ("user/jim", 0)):
        reply = await mem0.delete(f"/v2/entities/{place}/")
        assert reply.json()["message"] == f"Entity deleted successfully: {count} memories."
