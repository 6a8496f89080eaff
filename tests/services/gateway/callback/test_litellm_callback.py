"""The gateway as a callback of LiteLLM's proxy, called as the proxy calls it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from fastapi import HTTPException

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.errors import ConfigError
from mba_integrations.services.gateway.callback.running import Running
from mba_integrations.services.gateway.litellm_callback import litellm_callback
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.usage.telling import gateway_usage
from mba_integrations.services.store.rows.gateway.usage import UsageBy, UsageFigures
from mba_integrations.testing import WordCounter

FACTS = {"skis": "Kate skis in Oslo each March.", "bees": "Ben keeps bees behind the red barn."}
QUESTION = {"role": "user", "content": "Where does Kate ski?"}
MEMORY: dict[str, Any] = {"inject": "before_last_user", "memory_tokens": 60}
PLENTY: dict[str, Any] = {"spend": [{"unit": "tokens", "amount": 100_000, "period": "day"}]}
USED: dict[str, Any] = {"prompt_tokens": 50, "completion_tokens": 10}
REPLY: dict[str, Any] = {
    "choices": [{"message": {"role": "assistant", "content": "In Oslo."}}],
    "usage": USED,
}
Make = Callable[..., Any]


class CustomLogger:
    """What stands in for LiteLLM's."""

    def __init__(self, **_: Any) -> None:
        self.is_made = True


@dataclass
class Clock:
    """Says the time that it is told."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.seconds


@dataclass
class Proxy:
    """Calls a callback as the proxy does."""

    callback: Any
    key: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    async def begin(
        self, data: dict[str, Any], call_type: str = "acompletion", **metadata: Any
    ) -> dict[str, Any]:
        """A request, as the callback leaves it."""
        own = "metadata" if call_type.endswith("completion") else "litellm_metadata"
        data["proxy_server_request"] = {"headers": self.headers, "body": {"metadata": metadata}}
        data[own] = {**metadata, "user_api_key_auth": object()}
        data["litellm_logging_obj"] = object()
        data["litellm_call_id"] = "the-client-may-choose-it"
        key = SimpleNamespace(token="hashed", metadata=self.key)
        left: dict[str, Any] = await self.callback.async_pre_call_hook(key, None, data, call_type)
        return left

    async def told(self, data: dict[str, Any], response: Any = REPLY) -> dict[str, str]:
        """Headers for the client."""
        hook = self.callback.async_post_call_response_headers_hook
        found = await hook(data=data, user_api_key_dict=None, response=response)
        return found or {}

    async def end(self, data: dict[str, Any], reply: Any = REPLY, **more: Any) -> None:
        """The event of a success."""
        known = data["litellm_metadata" if "litellm_metadata" in data else "metadata"]
        kwargs = {"litellm_params": {"metadata": {**known, **more.pop("of_event", {})}}, **more}
        await self.callback.async_log_success_event(kwargs, reply, None, None)

    async def fail(self, data: dict[str, Any], status: int = 500) -> None:
        """The hook of a failure."""
        error = HTTPException(status)
        await self.callback.async_post_call_failure_hook(data, error, None, "")


@pytest.fixture
def service(sqlite_template: Path, tmp_path: Path) -> Iterator[MemoryService]:
    path = shutil.copy(sqlite_template, tmp_path / "memory.db")
    with MemoryService.open(path, token_counter=WordCounter(), background=False) as service:
        yield service


@pytest.fixture
def make(service: MemoryService, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a proxy before a workspace with these settings; ends what it made."""
    module = ModuleType("litellm.integrations.custom_logger")
    module.CustomLogger = CustomLogger  # type: ignore[attr-defined]
    for name in ("litellm", "litellm.integrations"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made: list[Any] = []

    def proxy(running: Running | None = None, workspace: str = "default", **gateway: Any) -> Proxy:
        fill(service, workspace, **gateway)
        made.append(litellm_callback(service, running=running))
        return Proxy(made[-1])

    yield proxy
    for callback in made:
        callback.close()


def fill(service: MemoryService, workspace: str, **gateway: Any) -> None:
    service.create_workspace(workspace, max_total_tokens=1_000, gateway=gateway)
    facts = [MemoryItem(name, text, MemoryTier.LONG_TERM) for name, text in FACTS.items()]
    service.remember(workspace, facts)


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "large", "messages": [dict(QUESTION)], **more}


def figures(service: MemoryService, callback: Any, workspace: str = "default") -> UsageFigures:
    callback.close()  # writes what waits
    return gateway_usage(service, workspace).figures


def sums(found: UsageFigures) -> tuple[int, int, int]:
    return found.requests, found.input_tokens, found.output_tokens


def test_it_is_one_of_litellm_s_callbacks_with_hooks_of_its_own(make: Make) -> None:
    callback = make().callback
    assert isinstance(callback, CustomLogger)
    assert callback.is_made
    for name in ("async_pre_call_hook", "async_post_call_response_headers_hook"):
        assert name in vars(type(callback))  # the proxy does not look at what is inherited


def test_without_litellm_it_says_what_to_install(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(ConfigError, match=r"pip install 'litellm\[proxy\]'"):
        litellm_callback(service)


@pytest.mark.parametrize(
    ("call_type", "data"),
    [
        pytest.param("completion", chat(), id="chat"),
        pytest.param("acompletion", chat(), id="chat-async"),
        pytest.param(
            "aresponses", {"model": "large", "input": QUESTION["content"]}, id="responses"
        ),
        pytest.param("responses", {"model": "large", "input": [QUESTION]}, id="responses-sync"),
        pytest.param("anthropic_messages", {**chat(), "system": "Be brief."}, id="messages"),
    ],
)
async def test_memory_enters_a_call_within_its_budget(
    make: Make, call_type: str, data: dict[str, Any]
) -> None:
    tools, odd = [{"name": "look", "input_schema": {}}], object()
    given = {**json.loads(json.dumps(data)), "tools": tools, "of_the_proxy": odd}
    proxy = make(**MEMORY)
    left = await proxy.begin(given, call_type)
    said = json.dumps([left.get(name) for name in ("system", "instructions", "messages", "input")])
    assert FACTS["skis"] in said
    assert QUESTION["content"] in said
    memory = said.split("<memory>")[1].split("</memory>")[0]
    assert WordCounter().count(memory) <= MEMORY["memory_tokens"]
    assert left is given
    assert (left["tools"], left["of_the_proxy"]) == (tools, odd)
    assert left["tools"] is tools
    told = await proxy.told(left)
    assert {"x-mba-allocation-id", "x-mba-route", "x-mba-overhead-ms"} <= told.keys()


async def test_with_nothing_set_all_members_stay_the_very_objects(make: Make) -> None:
    given = chat(temperature=1.0)
    before = dict(given)
    left = await make().begin(given)
    assert all(left[name] is before[name] for name in before)


@pytest.mark.parametrize("call_type", ["aembedding", "atext_completion", "pass_through_endpoint"])
async def test_other_calls_go_through(make: Make, service: MemoryService, call_type: str) -> None:
    proxy = make(**MEMORY, **PLENTY)
    left = await proxy.begin(chat(), call_type)
    assert left["messages"] == [QUESTION]
    assert await proxy.told(left) == {}
    await proxy.end(left)
    assert figures(service, proxy.callback).requests == 0


async def test_the_workspace_is_the_key_s_and_never_the_client_s(
    make: Make, service: MemoryService
) -> None:
    proxy = make(workspace="kate", **PLENTY)
    fill(service, "default")
    proxy.key = {"mba_workspace": "kate"}
    proxy.headers = {"x-mba-workspace": "default"}
    await proxy.end(await proxy.begin(chat(), mba_workspace="default"))
    assert figures(service, proxy.callback, "kate").requests == 1
    assert figures(service, proxy.callback, "default").requests == 0


async def test_a_workspace_that_is_not_there_is_refused(make: Make) -> None:
    proxy = make()
    proxy.key = {"mba_workspace": "tom"}
    with pytest.raises(HTTPException) as caught:
        await proxy.begin(chat())
    assert caught.value.status_code == 404


@pytest.mark.parametrize(
    ("headers", "metadata", "session"),
    [
        pytest.param({"x-mba-session": "s1"}, {"session_id": "s2"}, "s1", id="header"),
        pytest.param({}, {"session_id": "s2"}, "s2", id="metadata"),
        pytest.param({}, {"user_id": "u1"}, "u1", id="user"),
    ],
)
async def test_the_session_is_found_where_the_gateway_finds_it(
    make: Make,
    service: MemoryService,
    headers: dict[str, str],
    metadata: dict[str, str],
    session: str,
) -> None:
    proxy = make(remember=True)
    proxy.headers = headers
    await proxy.end(await proxy.begin(chat(), **metadata))
    kept = [row for row in service.list("default", limit=9).rows if row.author]
    assert {(row.content, row.session_id) for row in kept} == {
        (QUESTION["content"], session),
        ("In Oslo.", session),
    }


async def test_what_is_reserved_is_settled_and_then_refused(
    make: Make, service: MemoryService
) -> None:
    proxy = make(spend=[{"unit": "tokens", "amount": 130, "period": "day"}])
    for _ in range(2):
        await proxy.end(await proxy.begin(chat(max_tokens=50)))  # 60 each
    with pytest.raises(HTTPException, match="120 tokens are spent") as caught:
        await proxy.begin(chat(max_tokens=50))
    assert caught.value.status_code == 429
    assert caught.value.headers is not None
    assert 0 < int(caught.value.headers["retry-after"]) <= 86_400
    found = figures(service, proxy.callback)
    assert (found.refused, *sums(found)) == (1, 3, 100, 20)


async def test_what_does_not_fit_is_refused(make: Make) -> None:
    with pytest.raises(HTTPException, match="request_tokens") as caught:
        await make(request_tokens=9).begin(chat())
    assert caught.value.status_code == 422


@pytest.mark.parametrize("budgets", [{}, PLENTY], ids=["no-budgets", "budgets"])
async def test_what_is_not_understood_goes_on_unless_budgets_hold(
    make: Make, budgets: dict[str, Any]
) -> None:
    proxy = make(**budgets)
    given = {"model": "large", "messages": 7}
    if budgets:
        with pytest.raises(HTTPException, match="messages is no list") as caught:
            await proxy.begin(given)
        assert caught.value.status_code == 422
    else:
        left = await proxy.begin(given)
        assert left["messages"] == 7
        assert await proxy.told(left) == {"x-mba-error": "not understood: messages is no list"}


@pytest.mark.parametrize("on_error", ["pass", "fail"])
async def test_memory_that_cannot_be_had(
    make: Make, service: MemoryService, monkeypatch: pytest.MonkeyPatch, on_error: str
) -> None:
    proxy = make(on_error=on_error, **MEMORY)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("nobody knows why")

    monkeypatch.setattr(service, "recall", broken)
    if on_error == "fail":
        with pytest.raises(HTTPException, match="Memory failed") as caught:
            await proxy.begin(chat())
        assert caught.value.status_code == 500
    else:
        left = await proxy.begin(chat())
        assert left["messages"] == [QUESTION]
        assert (await proxy.told(left))["x-mba-error"] == "no memory: nobody knows why"


ANTHROPIC = {
    "content": [{"type": "text", "text": "In Oslo."}],
    "usage": {"input_tokens": 40, "output_tokens": 10, "cache_read_input_tokens": 10},
}
RESPONSE = {"output": [], "usage": {"input_tokens": 50, "output_tokens": 10}}


def dumped(members: dict[str, Any], **attributes: Any) -> SimpleNamespace:
    """An object of pydantic's; what is dumped of a reply has no usage."""
    shown = {name: value for name, value in members.items() if name != "usage"}
    return SimpleNamespace(model_dump=lambda *, warnings: shown, **attributes)


TRANSLATED = {**REPLY, "usage": {**USED, "cache_creation_input_tokens": 7}}


@pytest.mark.parametrize(
    ("reply", "written"),
    [
        pytest.param(REPLY, 0, id="chat"),
        pytest.param(dumped(REPLY, usage=USED), 0, id="an-object"),
        pytest.param(dumped(RESPONSE, usage=dumped(USED)), 0, id="usage-of-another-class"),
        pytest.param(SimpleNamespace(response=dumped(RESPONSE, usage=USED)), 0, id="an-event"),
        pytest.param(RESPONSE, 0, id="responses"),
        pytest.param({"type": "response.completed", "response": RESPONSE}, 0, id="last-event"),
        pytest.param(ANTHROPIC, 0, id="messages"),
        pytest.param(TRANSLATED, 7, id="messages-as-a-chat"),
        pytest.param({**RESPONSE, "usage": USED}, 0, id="responses-with-a-chat-s-usage"),
    ],
)
async def test_usage_is_read_in_any_form(
    make: Make, service: MemoryService, reply: Any, written: int
) -> None:
    proxy = make(**PLENTY)
    left = await proxy.begin(chat())
    for _ in range(2):  # told twice, it is noted once
        await proxy.end(left, reply)
    await proxy.fail(left)
    found = figures(service, proxy.callback)
    assert (*sums(found), found.cache_write_tokens) == (1, 50, 10, written)


async def test_what_the_proxy_had_in_its_cache_costs_nothing(
    make: Make, service: MemoryService
) -> None:
    proxy = make(**PLENTY)
    await proxy.end(await proxy.begin(chat()), cache_hit=True)
    assert sums(figures(service, proxy.callback)) == (1, 0, 0)


async def test_a_text_that_the_proxy_keeps_back_is_not_remembered(
    make: Make, service: MemoryService
) -> None:
    said = {"role": "assistant", "content": "redacted-by-litellm"}
    proxy = make(remember=True)
    await proxy.end(await proxy.begin(chat()), {"choices": [{"message": said}]})
    kept = {row.content for row in service.list("default", limit=9).rows if row.author}
    assert kept == {QUESTION["content"]}


async def test_a_client_that_goes_is_charged_and_not_remembered(
    make: Make, service: MemoryService
) -> None:
    proxy = make(remember=True, **PLENTY)
    await proxy.end(await proxy.begin(chat()), of_event={"client_disconnected": True})
    assert sums(figures(service, proxy.callback)) == (1, 50, 10)
    assert not [row for row in service.list("default", limit=9).rows if row.author]


ROUTES = {"route": "on", "models": {"simple": "small", "complex": "large"}}


async def test_routes_and_fallbacks_are_handed_to_the_proxy(
    make: Make, service: MemoryService
) -> None:
    proxy = make(fallbacks=["other"], **ROUTES)
    given = {**chat(), "messages": [{"role": "user", "content": "How do bees fly?"}]}
    left = await proxy.begin(given)
    assert (left["model"], left["fallbacks"]) == ("small", ["other"])
    await proxy.end(left, of_event={"model_group": "other"})
    proxy.callback.close()
    groups = gateway_usage(service, "default", by=UsageBy.MODEL).groups
    assert [group.key for group in groups] == ["other"]


@pytest.mark.parametrize(
    ("is_answered", "is_charged"),
    [pytest.param(False, False, id="before"), pytest.param(True, True, id="in-its-stream")],
)
async def test_a_call_that_fails(
    make: Make, service: MemoryService, is_answered: bool, is_charged: bool
) -> None:
    proxy = make(**PLENTY)
    left = await proxy.begin(chat())
    if is_answered:
        await proxy.told(left)
    await proxy.fail(left)
    found = figures(service, proxy.callback)
    assert found.failed == (not is_charged)
    assert bool(found.input_tokens) == is_charged
    assert found.output_tokens == 0


async def test_calls_whose_end_nobody_tells_are_given_up(
    make: Make, service: MemoryService
) -> None:
    clock = Clock()
    running = Running(seconds=60, clock=clock)
    proxy = make(running, spend=[{"unit": "tokens", "amount": 130, "period": "day"}])
    left = await proxy.begin(chat(max_tokens=100))
    with pytest.raises(HTTPException):
        await proxy.begin(chat(max_tokens=100))
    clock.seconds = 61
    proxy.callback.give_up()
    assert len(running) == 0
    await proxy.end(left)  # too late
    await proxy.begin(chat(max_tokens=100))
    found = figures(service, proxy.callback)
    assert found.output_tokens == 0
    assert 0 < found.input_tokens < 20


async def test_no_more_calls_are_kept_than_may_be(make: Make, service: MemoryService) -> None:
    running = Running(most=2)
    proxy = make(running, **PLENTY)
    lefts = [await proxy.begin(chat(max_tokens=50)) for _ in range(5)]
    assert len(running) == 2
    for left in lefts:
        await proxy.end(left)
    found = figures(service, proxy.callback)
    assert (found.requests, found.output_tokens) == (5, 20)


async def test_the_client_is_told_even_after_the_end(make: Make) -> None:
    proxy = make()
    left = await proxy.begin(chat())
    await proxy.end(left)
    assert "x-mba-route" in await proxy.told(left)
