"""What a gateway does for a workspace, from a client's bytes to a provider's and back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from desk_calls import (
    COUNT,
    FACTS,
    MEMORY,
    REPLY,
    TOLD,
    ask,
    asked,
    body_of,
    fill,
    gateway,
    opened,
    said,
)
from scripted_upstreams import plain, scripted_upstream

from mba_integrations import MemoryTier
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tracing.traces import Traces
from mba_integrations.services.spending.usage.telling import gateway_usage
from mba_integrations.testing import WordCounter


async def test_with_nothing_set_the_same_bytes_go_on(service: MemoryService) -> None:
    fill(service)
    body = b'{ "model":"large",  "messages": [{"role":"user","content":"Hi \\u00e9"}], "x": 1.0}'
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answer = await ask(url, body)
    assert upstream.seen[0].body == body
    assert answer.body == REPLY
    assert said(answer)["x-mba-route"] == "large; named"


async def test_the_client_and_the_log_are_told_of_memory_without_room(
    service: MemoryService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "mba.gateway")
    fill(service, **MEMORY, request_tokens=40)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answer = await ask(url, asked("Kate " * 33))
    told = said(answer)
    assert told["x-mba-used-tokens"] == told["x-mba-budget-tokens"] == "40"
    assert told["x-mba-note"] == "Memory has no room beside what must be sent."
    assert told["x-mba-note"] in caplog.text
    assert "Kate" not in caplog.text


async def test_memory_enters_within_its_budget_and_the_client_is_told(
    service: MemoryService,
) -> None:
    fill(service, **{**MEMORY, "memory_tokens": 26}, request_tokens=500)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answer = await ask(url, asked("Where does Kate ski?"))
    system, question = body_of(upstream)["messages"]
    assert FACTS["skis"] in system["content"]
    assert question["content"] == "Where does Kate ski?"
    assert FACTS["bees"] not in system["content"]  # it has no room
    assert WordCounter().count(system["content"]) <= 26
    told = said(answer)
    assert set(told) == set(TOLD)
    choice = service.allocations.get("default", told["x-mba-allocation-id"])
    assert "skis" in [entry.memory_id for entry in choice.items if entry.selected]


async def test_a_session_goes_on_over_a_restart(path: Path) -> None:
    question = "Where does Kate ski?"
    first = {"role": "user", "content": question}
    reply = {"role": "assistant", "content": "In Oslo."}
    told: list[dict[str, str]] = []
    async with scripted_upstream() as upstream:
        upstream.script = plain(REPLY)
        bodies = (asked(question), asked("And who keeps bees?", first, reply))
        for number, body in enumerate(bodies):
            with opened(path) as service:
                if number == 0:
                    fill(service, **MEMORY)
                async with gateway(service, upstream) as url:
                    told.append(said(await ask(url, body)))
    before, after = (json.loads(seen.body)["messages"] for seen in upstream.seen)
    assert before[0] == after[0]  # what stands before the history is the same
    assert FACTS["bees"] in json.dumps(after)
    assert told[0]["x-mba-prefix-tokens"] == "0"
    assert int(told[1]["x-mba-prefix-tokens"]) > WordCounter().count(after[0]["content"])


ROUTES = {"models": {"simple": "small", "complex": "large"}}
HARD = "Compare the architectures of Postgres and SQLite, and design a migration of our queries."


@pytest.mark.parametrize(
    ("route", "model", "query", "sent_to", "shadow"),
    [
        pytest.param("off", "mba/auto", "How do bees fly?", "small", None, id="auto-simple"),
        pytest.param("off", "mba/auto", HARD, "large", None, id="auto-complex"),
        pytest.param("off", "named", HARD, "named", None, id="a-named-one-is-kept"),
        pytest.param("on", "named", "How do bees fly?", "small", None, id="on"),
        pytest.param("on", "named", "Who is Ben?", "large", None, id="nothing-says-how-complex"),
        pytest.param("shadow", "named", "How do bees fly?", "named", "small", id="shadow"),
    ],
)
async def test_the_level_of_a_query_says_which_model_is_asked(
    service: MemoryService, route: str, model: str, query: str, sent_to: str, shadow: str | None
) -> None:
    fill(service, route=route, **ROUTES)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answer = await ask(url, asked(query, model=model))
    assert body_of(upstream)["model"] == sent_to
    assert said(answer)["x-mba-route"].startswith(f"{sent_to}; ")
    assert said(answer).get("x-mba-shadow-route") == shadow
    levels = {"How do bees fly?": "simple", HARD: "complex", "Who is Ben?": "unknown"}
    assert said(answer)["x-mba-complexity"] == levels[query]


async def test_a_session_stays_with_its_model(service: MemoryService) -> None:
    fill(service, route="on", **ROUTES)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        for query in (HARD, "How do bees fly?"):
            await ask(url, asked(query), "X-Mba-Session: s1")
            await asyncio.sleep(0.05)  # the end of a call is written after its answer
        await ask(url, asked("How do bees fly?"), "X-Mba-Session: s2")
    assert [json.loads(seen.body)["model"] for seen in upstream.seen] == ["large", "large", "small"]


async def test_a_fallback_is_asked_and_charged_where_the_first_model_has_no_room(
    service: MemoryService,
) -> None:
    prices = {"large": {"input": 10, "output": 10}, "other": {"input": 1, "output": 1}}
    fill(service, fallbacks=["other"], prices=prices)

    async def answer(seen: Any, writer: asyncio.StreamWriter) -> None:
        is_first = json.loads(seen.body)["model"] == "large"
        head = b"HTTP/1.1 429 Full\r\n" if is_first else b"HTTP/1.1 200 OK\r\n"
        await plain(b"{}" if is_first else REPLY, head)(seen, writer)

    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = answer
        assert (await ask(url, asked("Hi."))).status == 200
    assert [json.loads(seen.body)["model"] for seen in upstream.seen] == ["large", "other"]
    assert gateway_usage(service, "default").figures.cost == 60


async def test_turns_are_remembered_once(service: MemoryService) -> None:
    fill(service, remember=True)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        for _ in range(2):
            await ask(url, asked("Where does Kate ski?"), "X-Mba-Session: s1")
    rows = service.list("default", limit=20).rows
    kept = {(row.author, row.content) for row in rows if row.tier is MemoryTier.WORKING}
    assert kept == {("user", "Where does Kate ski?"), ("assistant", "In Oslo.")}


@pytest.mark.parametrize(("on_error", "status"), [("pass", 200), ("fail", 500)])
async def test_memory_that_cannot_be_had(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch, on_error: str, status: int
) -> None:
    fill(service, on_error=on_error, **MEMORY)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("nobody knows why")

    monkeypatch.setattr(service, "recall", broken)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answer = await ask(url, asked("Where does Kate ski?"))
    assert answer.status == status
    assert len(upstream.seen) == (status == 200)
    if status == 200:
        assert said(answer)["x-mba-error"] == "no memory: nobody knows why"
        assert len(body_of(upstream)["messages"]) == 1


@pytest.mark.parametrize("budgets", [(), ({"unit": "tokens", "amount": 9, "period": "day"},)])
async def test_what_is_not_understood_goes_on_unless_budgets_hold(
    service: MemoryService, budgets: tuple[dict[str, Any], ...]
) -> None:
    fill(service, spend=list(budgets))
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        answer = await ask(url, b'{"messages": 7}')
    assert answer.status == (422 if budgets else 200)
    assert len(upstream.seen) == (not budgets)
    if not budgets:
        assert upstream.seen[0].body == b'{"messages": 7}'
        assert said(answer)["x-mba-error"] == "not understood: messages is no list"


async def test_a_count_has_the_memory_and_spends_nothing(service: MemoryService) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 1, "period": "day"}], **MEMORY)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(b'{"input_tokens": 30}')
        answer = await ask(url, asked("Where does Kate ski?"), path=COUNT)
    assert answer.status == 200
    assert FACTS["skis"] in json.dumps(body_of(upstream))
    assert gateway_usage(service, "default").figures.requests == 0


async def test_a_request_is_held_to_its_budget_or_refused(service: MemoryService) -> None:
    fill(service, request_tokens=60)
    older = [
        {"role": role, "content": f"{role} {number} " + "word " * 8}
        for number in range(10)
        for role in ("user", "assistant")
    ]
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answer = await ask(url, asked("And now?", *older))
        refused = await ask(url, asked("word " * 100))
    kept = json.loads(upstream.seen[0].body)["messages"]
    assert 1 < len(kept) < len(older)
    assert kept[-1] == {"role": "user", "content": "And now?"}
    assert int(said(answer)["x-mba-used-tokens"]) <= 60
    assert int(said(answer)["x-mba-saved-tokens"]) > 0
    assert refused.status == 422
    assert "60" in json.loads(refused.body)["error"]["message"]
    assert len(upstream.seen) == 1


async def test_a_call_has_a_span_with_what_the_provider_said(path: Path) -> None:
    kept = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    exporter = kept.InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traces = Traces.to(provider)
    with MemoryService.open(
        path, token_counter=WordCounter(), background=False, traces=traces
    ) as service:
        fill(service, inject="system")
        async with scripted_upstream() as upstream, gateway(service, upstream) as url:
            upstream.script = plain(REPLY)
            await ask(url, asked("Where does Kate live?"))
            upstream.script = plain(b"{}", b"HTTP/1.1 500 No\r\n")
            await ask(url, asked("And Tom?"))
    answered, refused = (one for one in exporter.get_finished_spans() if one.name == "chat")
    assert answered.kind.name == "CLIENT"
    assert answered.attributes["gen_ai.request.model"] == "large"
    assert answered.attributes["gen_ai.provider.name"] == "openai"
    usage = json.loads(REPLY)["usage"]
    assert answered.attributes["gen_ai.usage.input_tokens"] == usage["prompt_tokens"]
    assert answered.attributes["mba.memory.tokens"] > 0
    assert answered.end_time > answered.start_time
    assert refused.attributes["error.type"] == "500"
    assert "gen_ai.usage.input_tokens" not in refused.attributes
    assert "Kate" not in answered.to_json()
