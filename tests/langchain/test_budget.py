"""The budget of a model call: from the model's profile, after reports, after an overflow."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_agents import COUNTER, sent_by, talk, words
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from benchmarks.langchain_runs import ScriptedModel
from mba_integrations import (
    BudgetError,
    InputError,
    PinnedOverBudgetError,
)
from mba_integrations.langchain import MemoryBudgetMiddleware


def middleware(budget: int | None, **options: Any) -> MemoryBudgetMiddleware:
    return MemoryBudgetMiddleware(budget, token_counter=words, **options)


def model_with(profile: dict[str, Any], **settings: Any) -> ScriptedModel:
    return ScriptedModel(script=[AIMessage("ok")], profile=profile, **settings)


@tool
def search(topic: str) -> str:
    """Search for a topic in all of the documents that are known."""
    return topic


class Answer(BaseModel):
    """An answer with what it rests on."""

    answer: str
    sources: list[str]


def budget_used(**request: Any) -> int:
    """The budget that a call with a full conversation had."""
    long = [m for n in range(99) for m in talk(f"h{n} word", f"a{n} reply")]
    made = middleware(None)
    model = model_with({"max_input_tokens": 400, "max_output_tokens": 40})
    asked = ModelRequest(model=model, messages=long, **request)
    done = made.wrap_model_call(asked, lambda _: ModelResponse(result=[AIMessage("ok")]))
    assert done.command is not None
    update: Any = done.command.update
    decision = update["memory_budget"]["MemoryBudgetMiddleware"]
    return int(decision["budget_tokens"])


def test_without_a_budget_the_profile_decides_less_what_stands_beside_the_messages() -> None:
    tools = COUNTER.tool_tokens([search])
    assert budget_used() == 400 - 40
    assert budget_used(tools=[search]) == 400 - 40 - tools
    assert budget_used(model_settings={"max_tokens": 100}) == 300
    assert tools > 5
    for schema in (ToolStrategy(Answer), ProviderStrategy(Answer), Answer):
        assert 400 - 40 - 100 < budget_used(response_format=schema) < 400 - 40 - 5


@pytest.mark.parametrize(
    ("profile", "error", "message"),
    [
        pytest.param({}, InputError, "has no profile with max_input_tokens", id="no-window"),
        pytest.param(
            {"max_input_tokens": 20},
            BudgetError,
            r"nothing is left for messages: max_input_tokens 20 less tools \d+, .* reply 5",
            id="window-full-of-tools",
        ),
    ],
)
def test_a_model_without_room_for_messages_is_refused(
    profile: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        sent_by(middleware(None), talk("h0"), model=model_with(profile), tools=[search])


def test_reported_usage_lowers_estimated_budgets() -> None:
    made = MemoryBudgetMiddleware(200)
    long = [m for n in range(99) for m in talk(f"h{n} word", f"a{n} reply")]
    first = len(sent_by(made, long))

    def reporting(asked: ModelRequest[Any]) -> ModelResponse[Any]:
        usage = {"input_tokens": 400, "output_tokens": 1, "total_tokens": 401}
        return ModelResponse(result=[AIMessage("ok", usage_metadata=usage)])

    request: Any = ModelRequest(model=ScriptedModel(script=[]), messages=long)
    made.wrap_model_call(request, reporting)
    assert len(sent_by(made, long)) < first * 0.6
    with pytest.raises(PinnedOverBudgetError, match=r"budget_tokens; 200 by \d\.\d\d, since more"):
        sent_by(made, talk("h0 " + "word " * 150))


def test_what_a_provider_adds_to_a_short_request_is_no_ratio() -> None:
    made = MemoryBudgetMiddleware(75_000)
    usage = {"input_tokens": 31, "output_tokens": 1, "total_tokens": 32}
    reply = AIMessage("ok", usage_metadata=usage)
    request: Any = ModelRequest(model=ScriptedModel(script=[]), messages=[HumanMessage("hi")])
    budgets = []
    for _ in range(3):
        done = made.wrap_model_call(request, lambda _: ModelResponse(result=[reply]))
        assert done.command is not None
        update: Any = done.command.update
        budgets.append(update["memory_budget"]["MemoryBudgetMiddleware"]["budget_tokens"])
    assert budgets == [75_000, 74_977, 74_977]


class Overflowing:
    """A provider that takes at most so many tokens."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.asked: list[int] = []

    def __call__(self, request: ModelRequest[Any]) -> ModelResponse[Any]:
        self.asked.append(COUNTER(request.messages))
        if self.asked[-1] > self.most:
            raise ContextOverflowError("too long")
        return ModelResponse(result=[AIMessage("ok")])

    async def answer(self, request: ModelRequest[Any]) -> ModelResponse[Any]:
        return self(request)


LONG = [m for n in range(50) for m in talk(f"h{n} word", f"a{n} reply")] + talk("last word")


@pytest.mark.parametrize("way", ["sync", "async"])
def test_an_overflow_is_answered_with_less(way: str) -> None:
    provider, made = Overflowing(150), middleware(400)
    request: Any = ModelRequest(model=ScriptedModel(script=[]), messages=LONG)
    if way == "sync":
        done = made.wrap_model_call(request, provider)
    else:
        done = asyncio.run(made.awrap_model_call(request, provider.answer))
    assert done.model_response.result[0].content == "ok"
    assert 100 < provider.asked[-1] <= 150 < provider.asked[-2]
    assert all(later <= 0.7 * sooner for sooner, later in pairwise(provider.asked))


@pytest.mark.parametrize(
    ("most", "calls"), [pytest.param(5, 4, id="three-retries"), pytest.param(0, 4, id="never")]
)
def test_an_overflow_that_stays_is_the_providers_error(most: int, calls: int) -> None:
    provider = Overflowing(most)
    request: Any = ModelRequest(model=ScriptedModel(script=[]), messages=LONG)
    with pytest.raises(ContextOverflowError, match="too long"):
        middleware(400).wrap_model_call(request, provider)
    assert len(provider.asked) == calls
