"""What a gateway does for a workspace, from a client's bytes to a provider's and back."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from gateway_calls import TRUSTED, Answer, request_of, sent
from scripted_upstreams import ScriptedUpstream, events, plain, scripted_upstream
from socket_apps import on_socket

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.services.access.principal import LOCAL
from mba_integrations.services.gateway import app as apps
from mba_integrations.services.gateway.passing import gateway as gateways
from mba_integrations.services.gateway.passing.connections import Connections
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.standing import budget_states
from mba_integrations.services.spending.usage import noting
from mba_integrations.services.memory.tracing.traces import Traces
from mba_integrations.services.spending.usage.telling import gateway_usage
from mba_integrations.testing import WordCounter

CHAT = "/gateway/openai/v1/chat/completions"
MESSAGES = "/gateway/anthropic/v1/messages"
COUNT = f"{MESSAGES}/count_tokens"
FACTS = {
    "skis": "Kate skis in Oslo each March.",
    "bees": "Ben keeps bees behind the red barn.",
    "code": "The code of the door is 4711.",
}
USED = b'"usage": {"prompt_tokens": 50, "completion_tokens": 10}'
REPLY = b'{"choices": [{"message": {"role": "assistant", "content": "In Oslo."}}], %b}' % USED
MEMORY: dict[str, Any] = {"inject": "before_last_user", "memory_tokens": 60}

TOLD = (
    *("x-mba-route", "x-mba-complexity", "x-mba-used-tokens", "x-mba-budget-tokens"),
    *("x-mba-saved-tokens", "x-mba-prefix-tokens", "x-mba-allocation-id", "x-mba-overhead-ms"),
)
"""All that is told where nothing is wrong, exceeded or only recorded."""


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "memory.db"))


def opened(path: Path) -> MemoryService:
    return MemoryService.open(path, token_counter=WordCounter(), background=False)


def fill(service: MemoryService, **gateway: Any) -> None:
    service.create_workspace("default", max_total_tokens=1_000, gateway=gateway)
    service.remember(
        "default", [MemoryItem(name, text, MemoryTier.LONG_TERM) for name, text in FACTS.items()]
    )


@pytest.fixture
def service(path: Path) -> Iterator[MemoryService]:
    with opened(path) as service:
        yield service


class Signed:
    """The gateway as a server has it, with this machine as the caller."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        await self._app({**scope, "state": {"principal": LOCAL}}, receive, send)


@asynccontextmanager
async def gateway(service: MemoryService, upstream: ScriptedUpstream) -> AsyncIterator[str]:
    places = apps.upstreams(openai_url=f"{upstream.url}/v1", anthropic_url=upstream.url)
    app = apps.gateway_app(service, places)
    async with app.lifespan(), on_socket(Signed(app)) as url:
        yield url


@pytest.fixture(autouse=True)
def certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are read once: that takes longer than a test."""
    monkeypatch.setattr(gateways, "Connections", lambda: Connections(TRUSTED))


def asked(text: str, *before: dict[str, str], **more: Any) -> bytes:
    messages = [*before, {"role": "user", "content": text}]
    return json.dumps({"model": "large", "messages": messages, **more}).encode()


def said(answer: Answer) -> dict[str, str]:
    return {
        name.decode(): value.decode()
        for name, value in answer.headers
        if name.startswith((b"x-mba", b"retry"))
    }


def body_of(upstream: ScriptedUpstream) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(upstream.seen[-1].body)
    return body


async def ask(url: str, body: bytes, *headers: str, path: str = CHAT) -> Answer:
    return await sent(url, request_of(path, body, "Authorization: Bearer sk", *headers))


async def test_with_nothing_set_the_same_bytes_go_on(service: MemoryService) -> None:
    fill(service)
    body = b'{ "model":"large",  "messages": [{"role":"user","content":"Hi \\u00e9"}], "x": 1.0}'
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answer = await ask(url, body)
    assert upstream.seen[0].body == body
    assert answer.body == REPLY
    assert said(answer)["x-mba-route"] == "large; named"


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done in threads: the names of the functions, as they come."""
    done: list[str] = []
    run = anyio.to_thread.run_sync

    async def noted(act: Any, *given: Any, **options: Any) -> Any:
        done.append(getattr(act, "func", act).__name__)
        return await run(act, *given, **options)

    monkeypatch.setattr(anyio.to_thread, "run_sync", noted)
    return done


@pytest.mark.parametrize(
    ("settings", "at", "body", "expected"),
    [
        pytest.param({}, CHAT, asked("Hi."), [], id="as-it-came"),
        pytest.param({}, "/gateway/openai/v1/embeddings", b"{}", [], id="unread"),
        pytest.param(MEMORY, "/gateway/openai/v1/embeddings", b"{}", [], id="unread-with-memory"),
        pytest.param({}, CHAT, asked("Hi. " * 5_000), ["_prepared"], id="large"),
        pytest.param(MEMORY, CHAT, asked("Hi."), ["_prepared", "noted"], id="memory"),
        pytest.param({"remember": True}, CHAT, asked("Hi."), ["noted"], id="remembered"),
        pytest.param(
            {"route": "shadow", "models": {"simple": "s"}},
            *(CHAT, asked("Hi."), ["_prepared", "noted"]),
            id="routed",
        ),
        pytest.param({"request_tokens": 90}, CHAT, asked("Hi."), ["_prepared", "noted"], id="held"),
        pytest.param(
            {"spend": [{"unit": "tokens", "amount": 9_000, "period": "day"}]},
            *(CHAT, asked("Hi."), ["_prepared", "noted"]),
            id="spent",
        ),
    ],
)
async def test_only_what_takes_long_or_needs_the_store_has_a_thread(
    service: MemoryService,
    threads: list[str],
    settings: dict[str, Any],
    at: str,
    body: bytes,
    expected: list[str],
) -> None:
    fill(service, **settings)
    service.workspaces.config("default")
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        threads.clear()
        assert (await ask(url, body, path=at)).status == 200
        await asyncio.sleep(0)
        found = list(threads)
    assert found == expected


async def test_settings_that_another_process_changes_hold_for_the_next_call(
    service: MemoryService, path: Path
) -> None:
    fill(service)
    with opened(path) as other:
        async with scripted_upstream() as upstream, gateway(service, upstream) as url:
            upstream.script = plain(REPLY)
            await ask(url, asked("Where does Kate ski?"))
            other.workspaces.change("default", gateway=MEMORY)
            await ask(url, asked("Where does Kate ski?"))
            assert FACTS["skis"] in upstream.seen[1].body.decode()
            other.workspaces.delete("default")
            assert (await ask(url, asked("Hi."))).status == 404


async def test_calls_that_need_no_thread_are_written_down_too(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "MOST_WAITING", 2)
    fill(service)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        for expected in (0, 2):
            await ask(url, asked("Hi."))
            for _ in range(100):
                await asyncio.sleep(0.01)
                found = gateway_usage(service, "default").figures
                if found.requests == expected:
                    break
            assert found.requests == expected
    assert found.input_tokens == 100


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


async def test_what_is_reserved_is_settled_by_what_the_reply_says(service: MemoryService) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 130, "period": "day"}])
    body = asked("Hi.", max_tokens=50)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        assert [(await ask(url, body)).status for _ in range(2)] == [200, 200]  # 60 each
        refused = await ask(url, body)
    assert refused.status == 429
    error = json.loads(refused.body)["error"]
    assert error["type"] == "rate_limit_error"
    assert "120 tokens are spent" in error["message"]
    assert 0 < int(said(refused)["retry-after"]) <= 86_400
    assert len(upstream.seen) == 2
    figures = gateway_usage(service, "default").figures
    assert (figures.requests, figures.refused) == (3, 1)
    assert (figures.input_tokens, figures.output_tokens) == (100, 20)


async def test_several_replies_may_spend_as_often(service: MemoryService) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 400, "period": "day"}])
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answers = [await ask(url, asked("Hi.", max_tokens=90, n=n)) for n in (5, 4)]
    assert [answer.status for answer in answers] == [429, 200]


@pytest.mark.parametrize(
    ("on_exceed", "status", "has_memory", "warned"),
    [
        pytest.param("block", 429, None, None, id="block"),
        pytest.param("shrink", 200, False, None, id="shrink-goes-without-its-memory"),
        pytest.param("warn", 200, True, "1", id="warn-says-so"),
    ],
)
async def test_a_call_beyond_its_budget_is_refused_shrunk_or_warned_of(
    service: MemoryService,
    on_exceed: str,
    status: int,
    has_memory: bool | None,
    warned: str | None,
) -> None:
    budget = {"unit": "tokens", "amount": 80, "period": "day", "on_exceed": on_exceed}
    fill(service, spend=[budget], **MEMORY)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answer = await ask(url, asked("Where does Kate ski?", max_tokens=55))
    assert answer.status == status
    assert said(answer).get("x-mba-budgets-exceeded") == warned
    sent_on = [FACTS["skis"] in seen.body.decode() for seen in upstream.seen]
    assert sent_on == ([] if has_memory is None else [has_memory])


async def test_of_calls_at_once_no_more_are_admitted_than_fit(service: MemoryService) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 300, "period": "day"}])
    body = asked("Hi.", max_tokens=90)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answers = await asyncio.gather(*(ask(url, body) for _ in range(12)))
    admitted = [answer for answer in answers if answer.status == 200]
    assert len(admitted) == len(upstream.seen)
    assert 1 <= len(admitted) <= 5  # each spends 60 in the end


@pytest.mark.parametrize(
    ("status", "spent"),
    [
        pytest.param(b"500 Sorry", 0, id="an-error-costs-nothing"),
        pytest.param(b"200 OK", 60, id="ok"),
    ],
)
async def test_what_a_provider_refuses_is_not_spent(
    service: MemoryService, status: bytes, spent: int
) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 1_000, "period": "day"}])
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY, b"HTTP/1.1 %b\r\n" % status)
        await ask(url, asked("Hi.", max_tokens=50))
    figures = gateway_usage(service, "default").figures
    assert figures.input_tokens + figures.output_tokens == spent
    [budget] = budget_states(service, "default")
    assert (budget.used, budget.reserved) == (spent, 0)


async def test_a_client_that_goes_is_charged_for_what_came(service: MemoryService) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 1_000, "period": "day"}])
    body = asked("Hi.", stream=True, max_tokens=50)

    async def half(seen: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        writer.write(
            b'data: {"choices": [{"index": 0, "delta": {"content": "one two three"}}]}\n\n'
        )
        await writer.drain()
        await asyncio.sleep(60)

    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = half
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request_of(CHAT, body, "Authorization: Bearer sk"))
        await reader.readuntil(b"three")
        writer.close()
        await upstream.until(lambda server: server.left > 0)
    figures = gateway_usage(service, "default").figures
    assert figures.output_tokens == 3
    assert 0 < figures.input_tokens < 20


async def test_usage_that_was_asked_for_here_is_not_shown_to_the_client(
    service: MemoryService,
) -> None:
    fill(service, prices={"large": {"input": 1, "output": 2}})
    word = b'data: {"choices": [{"index": 0, "delta": {"content": "Oslo"}}]}\n\n'
    last = b'data: {"choices": [], %b}\n\n' % USED
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = events(word, last, b"data: [DONE]\n\n")
        answer = await ask(url, asked("Hi.", stream=True))
        own = await ask(url, asked("Hi.", stream=True, stream_options={"include_usage": True}))
    assert json.loads(upstream.seen[0].body)["stream_options"] == {"include_usage": True}
    assert answer.body == word + b"data: [DONE]\n\n"
    assert own.body == word + last + b"data: [DONE]\n\n"
    figures = gateway_usage(service, "default").figures
    assert (figures.input_tokens, figures.output_tokens, figures.cost) == (100, 20, 140)


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
