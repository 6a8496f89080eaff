"""The server as the SDK's own client sees it, in both revisions of the protocol."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError
from mcp_clients import BASE, MODES, Keyed, Linked, receipt_of, text_of

from mba_integrations.services.mcp.http import mcp_app
from mba_integrations.services.memory.service import MemoryService

pytestmark = pytest.mark.anyio
FACT = "Kate moved to Lisbon in March."


async def remembered(client: Any, text: str = FACT, **fields: Any) -> str:
    result = await client.call_tool("remember", {"items": [{"text": text, **fields}]})
    assert receipt_of(result)["created"] == 1
    return text_of(result).split("- ")[1]


@pytest.mark.parametrize("mode", MODES)
async def test_an_agent_remembers_recalls_revises_and_forgets(linked: Linked, mode: str) -> None:
    async with linked(mode=mode) as client:
        old = await remembered(client, about="kate", tier="project", importance=0.9)
        recalled = await client.call_tool("recall", {"query": "Where does Kate live?"})
        assert FACT in text_of(recalled)
        assert receipt_of(recalled)["selected"] == 1

        revised = await client.call_tool("revise", {"id": old, "text": "Kate lives in Porto."})
        new = receipt_of(revised)["id"]
        assert new in text_of(revised)
        again = await client.call_tool("recall", {"query": "Where does Kate live?"})
        assert "Porto" in text_of(again)
        assert "Lisbon" not in text_of(again)

        status = await client.call_tool("status", {})
        assert "1 memories (0 working, 1 project, 0 long_term, 0 rag)" in text_of(status)
        explained = await client.call_tool("explain", {})
        assert f"- {new} [in; " in text_of(explained)

        forgotten = await client.call_tool("forget", {"ids": [new]})
        assert receipt_of(forgotten)["forgotten"] == 1
        nothing = await client.call_tool("recall", {"query": "Where does Kate live?"})
        assert text_of(nothing) == "Nothing that is remembered helps with this."


@pytest.mark.parametrize("mode", MODES)
async def test_a_restart_between_two_calls_goes_unnoticed(
    service: MemoryService, mode: str
) -> None:
    apps = [mcp_app(service), mcp_app(service)]
    calls = 0

    async def one_then_the_other(scope: Any, receive: Any, send: Any) -> None:
        nonlocal calls
        calls += 1
        await Keyed(apps[calls % 2])(scope, receive, send)

    from mcp.client.client import Client
    from mcp.client.streamable_http import streamable_http_client

    http = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=one_then_the_other),
        headers={"Authorization": "Bearer kate"},
    )
    async with (
        apps[0].lifespan(),
        apps[1].lifespan(),
        http,
        Client(streamable_http_client(f"{BASE}/mcp", http_client=http), mode=mode) as client,
    ):
        await remembered(client)
        for _ in range(3):
            recalled = await client.call_tool("recall", {"query": "Where does Kate live?"})
            assert FACT in text_of(recalled)
    assert calls > 4


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        pytest.param("recall", {}, "recall: query is missing. It takes query, b", id="missing"),
        pytest.param(
            "recall", {"query": "x", "workspace": "bob"}, "no argument 'workspace'", id="workspace"
        ),
        pytest.param(
            "recall", {"query": "x", "budget_tokens": 10}, "must be at least 160, got 10", id="low"
        ),
        pytest.param(
            "recall", {"query": "x", "tiers": ["old"]}, "tiers[0] must be one of working", id="tier"
        ),
        pytest.param("recall", {"query": 7}, "query must be of type string, got 7", id="type"),
        pytest.param("remember", {"items": []}, "items must have at least 1, got 0", id="none"),
        pytest.param(
            "remember", {"items": [{"text": " "}]}, "the text is empty. Leave", id="empty-text"
        ),
        pytest.param(
            "revise", {"id": "m9", "text": "x"}, "no memory 'm9'. Call explain after", id="id"
        ),
        pytest.param("forget", {}, "forget needs ids, or a query", id="forget-nothing"),
        pytest.param("explain", {"allocation_id": "a9"}, "Call recall again", id="allocation"),
        pytest.param("delete", {}, "There are recall, remember, revise", id="unknown-tool"),
    ],
)
async def test_an_error_tells_the_model_what_to_change(
    linked: Linked, tool: str, arguments: dict[str, Any], expected: str
) -> None:
    async with linked() as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert expected in text_of(result)


async def test_what_was_not_foreseen_is_told_without_its_details(
    linked: Linked, service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("/secret/place")

    monkeypatch.setattr(service, "counts", broken)
    async with linked() as client:
        result = await client.call_tool("status", {})
    assert result.is_error
    assert "secret" not in text_of(result)


@pytest.mark.parametrize(
    ("path", "key", "status", "expected"),
    [
        pytest.param("/mcp/kate", None, 401, "there is no key", id="no-key"),
        pytest.param("/mcp/bob", "kate", 404, "there is no workspace 'bob'.", id="of-others"),
        pytest.param("/mcp/none", "kate", 404, "there is no workspace 'none'.", id="nowhere"),
        pytest.param("/mcp", "both", 404, "this key has several workspaces", id="which"),
    ],
)
async def test_who_may_not_see_a_workspace_learns_nothing_of_it(
    service: MemoryService, path: str, key: str | None, status: int, expected: str
) -> None:
    app = mcp_app(service)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=Keyed(app)), headers=headers)
    async with app.lifespan(), http:
        answer = await http.post(BASE + path, json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert answer.status_code == status
    assert expected in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("workspace", "key", "seen"),
    [
        pytest.param(None, "kate", "kate", id="the-only-one-of-the-key"),
        pytest.param(None, "all", "default", id="default"),
        pytest.param("bob", "both", "bob", id="of-the-url"),
    ],
)
async def test_url_and_key_say_which_workspace(
    linked: Linked, workspace: str | None, key: str, seen: str
) -> None:
    async with linked(workspace, key=key) as client:
        assert text_of(await client.call_tool("status", {})).startswith(f"Workspace {seen}:")


async def test_nothing_of_others_is_to_be_had(linked: Linked, service: MemoryService) -> None:
    memory = service.remember("bob", ["Bob has a secret."]).memory_ids[0]
    recall = service.recall("bob", "secret?", budget_tokens=100)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("recall", {"query": "secret"}),
        ("revise", {"id": memory, "text": "x"}),
        ("forget", {"ids": [memory]}),
        ("forget", {"query": "secret", "confirm": True}),
        ("explain", {"allocation_id": recall.allocation_id}),
        ("explain", {"allocation_id": "last", "item_id": memory}),
    ]
    async with linked("bob") as own:
        await own.call_tool("recall", {"query": "secret?"})
    async with linked(key="kate") as client:
        for tool, arguments in calls:
            assert "Bob" not in text_of(await client.call_tool(tool, arguments))
        for uri in (f"mba://bob/memories/{memory}", f"mba://kate/memories/{memory}"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)
    assert service.get("bob", memory).content == "Bob has a secret."


async def test_a_key_without_the_scope_is_refused(linked: Linked) -> None:
    async with linked(key="reader") as client:
        assert not (await client.call_tool("recall", {"query": "Kate?"})).is_error
        for tool, arguments in (
            ("remember", {"items": [{"text": FACT}]}),
            ("revise", {"id": "m1", "text": "x"}),
            ("forget", {"ids": ["m1"]}),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error
            assert "this needs the scope" in text_of(result)


async def test_resources_are_the_block_the_policy_memories_and_recalls(linked: Linked) -> None:
    async with linked() as client:
        memory = await remembered(client, "We deploy on Fridays.", tier="project")
        recalled = receipt_of(await client.call_tool("recall", {"query": "When do we deploy?"}))
        listed = [one.uri for one in (await client.list_resources()).resources]
        assert listed == ["mba://kate/prompt", "mba://kate/policy"]
        for uri, expected in (
            ("mba://kate/prompt", "- We deploy on Fridays."),
            ("mba://kate/policy", '"max_total_tokens": 5000'),
            (f"mba://kate/memories/{memory}", '"author": "agent"'),
            (f"mba://kate/allocations/{recalled['allocation_id']}", f"- {memory} [in;"),
        ):
            assert expected in (await client.read_resource(uri)).contents[0].text  # type: ignore[union-attr]
        for uri in ("mba://kate/none", "mba://kate/prompt/x", "mba://kate/memories", "http://x"):
            with pytest.raises(MCPError, match="there is no resource"):
                await client.read_resource(uri)


async def test_prompts_bring_memories_as_data(linked: Linked) -> None:
    async with linked() as client:
        memory = await remembered(client)
        question = {"question": "Where does Kate live?", "budget_tokens": "400"}
        answered = await client.get_prompt("answer_with_memory", question)
        said = answered.messages[0].content.text  # type: ignore[union-attr]
        assert said.startswith("Where does Kate live?")
        assert FACT in said
        review = await client.get_prompt("review_memories")
        assert f"- {memory} [long_term] {FACT}" in review.messages[0].content.text  # type: ignore[union-attr]
        for arguments in ({}, {"question": "x", "budget_tokens": "many"}):
            with pytest.raises(MCPError, match="answer_with_memory: "):
                await client.get_prompt("answer_with_memory", arguments)
        with pytest.raises(MCPError, match="There are answer_with_memory, review_memories"):
            await client.get_prompt("none")
