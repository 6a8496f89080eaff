"""When memories are searched: once for a question in a run, anew in every run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hostile_values import INCOMPARABLE
from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain_agents import agent_of, thread, words
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AnyMessage, ChatMessage, HumanMessage, ToolMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import tool
from langgraph.store.memory import InMemoryStore
from pydantic import Field

from mba_integrations.langchain import LangGraphStoreSource, MemoryBudgetMiddleware
from mba_integrations.langchain.agents.question import Question
from mba_integrations.langchain.messages.reading import last_question

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ASKED = HumanMessage("where does Kate live", id="h")


@tool
def look(place: str) -> str:
    """Look at a place."""
    return place


class OnlyLast(AgentMiddleware[Any, Any, Any]):
    """Leaves the last message alone, as a trimmer does; so every question stands at its place."""

    def wrap_model_call(self, request: ModelRequest[Any], handler: Any) -> Any:
        return handler(request.override(messages=request.messages[-1:]))

    async def awrap_model_call(self, request: ModelRequest[Any], handler: Any) -> Any:
        return await handler(request.override(messages=request.messages[-1:]))


class Clock:
    """Tells the time that it is set to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def is_deleted(store: InMemoryStore, clock: Clock) -> None:
    store.delete(("kate",), "home")


def is_changed(store: InMemoryStore, clock: Clock) -> None:
    store.put(("kate",), "home", {"text": "Kate lives in Rome."})


def expires(store: InMemoryStore, clock: Clock) -> None:
    clock.now = NOON + timedelta(days=2)


@pytest.mark.parametrize("before", [(), (OnlyLast(),)], ids=["sent-again-under-its-id", "trimmed"])
@pytest.mark.parametrize("change", [is_deleted, is_changed, expires])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_memory_that_is_gone_is_not_sent_when_the_question_comes_again(
    before: tuple[Any, ...], change: Callable[[InMemoryStore, Clock], None], way: str
) -> None:
    store, clock = InMemoryStore(), Clock()
    expiry = (NOON + timedelta(days=1)).isoformat()
    store.put(("kate",), "home", {"text": "Kate lives in Oslo.", "expires_at": expiry})
    source = LangGraphStoreSource(("kate",), clock=clock)
    made = MemoryBudgetMiddleware(4_000, memories=[source], token_counter=words)
    agent, model = agent_of([*before, made], ["a", "b"], store=store)

    def ask() -> None:
        given = {"messages": [ASKED]}
        if way == "sync":
            agent.invoke(given, thread("t"))
        else:
            asyncio.run(agent.ainvoke(given, thread("t")))

    ask()
    change(store, clock)
    ask()
    assert ["Oslo" in str(received) for received in model.received] == [True, False]


class Counting(BaseRetriever):
    """Finds one text, and notes what it was asked."""

    asked: list[str] = Field(default_factory=list)

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        self.asked.append(query)
        return [Document("Kate lives in Oslo.")]


def test_within_a_run_a_question_is_searched_for_once_and_in_the_next_again() -> None:
    source = Counting()
    made = MemoryBudgetMiddleware(4_000, memories=[source], token_counter=words)
    call = AIMessage("", tool_calls=[{"name": "look", "args": {"place": "x"}, "id": "c"}])
    other = call.model_copy(update={"tool_calls": [{**call.tool_calls[0], "id": "d"}]})
    agent, model = agent_of([made], [call, other, "in Oslo", "yes"], [look])
    agent.invoke({"messages": [ASKED]}, thread("t"))
    assert len(model.received) == 3
    assert source.asked == [ASKED.content]
    agent.invoke({"messages": [ASKED]}, thread("t"))
    assert source.asked == [ASKED.content] * 2


RESULT = {"type": "tool_result", "tool_use_id": "c", "content": "42"}
CALLED = AIMessage([{"type": "tool_use", "id": "c", "name": "look", "input": {}}])


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param([], (0, "where"), id="alone"),
        pytest.param([AIMessage("there")], (0, "where"), id="answered"),
        pytest.param([ChatMessage("when", role="user")], (1, "when"), id="chat-message"),
        pytest.param([ChatMessage("then", role="narrator")], (0, "where"), id="of-another-role"),
        pytest.param([CALLED, ToolMessage("42", tool_call_id="c")], (0, "where"), id="result"),
        pytest.param([CALLED, HumanMessage([RESULT])], (0, "where"), id="result-in-human-message"),
        pytest.param(
            [CALLED, HumanMessage([RESULT, {"type": "text", "text": "go on"}])],
            (2, "go on"),
            id="words-beside-a-result",
        ),
    ],
)
def test_the_question_is_what_a_user_said_last(
    after: list[AnyMessage], expected: tuple[int, str]
) -> None:
    assert last_question([HumanMessage("where"), *after]) == expected


def test_without_a_user_there_is_no_question() -> None:
    assert last_question([]) == last_question([AIMessage("hi")]) == (-1, "")


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(
            [HumanMessage("when"), AIMessage("now"), ChatMessage("where", role="user")],
            id="chat-message",
        ),
        pytest.param([HumanMessage("where"), CALLED, HumanMessage([RESULT])], id="raw-result"),
    ],
)
def test_memories_are_searched_for_what_the_user_said_last(messages: list[AnyMessage]) -> None:
    source = Counting()
    made = MemoryBudgetMiddleware(4_000, memories=[source], token_counter=words)
    agent, model = agent_of([made], ["in Oslo"])
    agent.invoke({"messages": messages}, thread("t"))
    assert source.asked == ["where"]
    (place,) = [n for n, one in enumerate(model.received[0]) if "Kate lives" in str(one.content)]
    assert model.received[0][place + 1].content == "where"


RUN = object()
KNOWN: dict[str, Any] = {"text": "where", "place": 2, "thread_id": "t", "run": RUN, "context": "c"}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({}, True, id="all-as-it-was"),
        pytest.param({"text": "when"}, False, id="another-text"),
        pytest.param({"place": 4}, False, id="another-place"),
        pytest.param({"thread_id": "u"}, False, id="another-thread"),
        pytest.param({"run": object()}, False, id="another-run"),
        pytest.param({"context": "d"}, False, id="another-context"),
    ],
)
def test_a_question_is_the_same_in_one_run_only(change: dict[str, Any], same: bool) -> None:
    assert Question(**KNOWN).is_same(Question(**{**KNOWN, **change})) is same


@pytest.mark.parametrize("missing", ["thread_id", "run"])
def test_a_question_of_no_thread_or_no_run_is_never_the_same(missing: str) -> None:
    one = Question(**{**KNOWN, missing: None})
    assert not one.is_same(one)


@pytest.mark.parametrize("make", INCOMPARABLE.values(), ids=INCOMPARABLE)
def test_contexts_that_cannot_be_compared_are_the_same_as_themselves(make: Any) -> None:
    held = {"user": "kate", "vector": make()}
    one = Question(**{**KNOWN, "context": held})
    assert one.is_same(Question(**{**KNOWN, "context": held}))
    assert not one.is_same(Question(**{**KNOWN, "context": {**held, "vector": make()}}))
