"""Agents for the tests: scripted models, tools of known length, conversations of named messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.state import CompiledStateGraph

from benchmarks.langchain_runs import ScriptedModel
from mba_integrations.langchain import MemoryBudgetMiddleware, MessageCounter


def words(text: str) -> int:
    """Counts words."""
    return len(text.split())


COUNTER = MessageCounter(words)


def talk(*texts: str) -> list[AnyMessage]:
    """Human and AI messages by turns; the first word of a text is the id of its message."""
    kinds = (HumanMessage, AIMessage)
    return [kinds[place % 2](text, id=text.split()[0]) for place, text in enumerate(texts)]


def tool_round(name: str, *results: str, said: str = "") -> list[AnyMessage]:
    """A message with one call for each result, and the results."""
    calls = [{"name": "look", "args": {}, "id": f"{name}-{n}"} for n in range(len(results))]
    asked = AIMessage(said, tool_calls=calls, id=name)
    answers = [
        ToolMessage(text, tool_call_id=f"{name}-{n}", id=f"{name}-result-{n}")
        for n, text in enumerate(results)
    ]
    return [asked, *answers]


def sent_by(
    middleware: MemoryBudgetMiddleware, messages: Sequence[BaseMessage], **request: Any
) -> list[BaseMessage]:
    """What a model receives of a request through the middleware, the system message first."""
    received: list[list[BaseMessage]] = []

    def handler(asked: ModelRequest[Any]) -> ModelResponse[Any]:
        system = [] if asked.system_message is None else [asked.system_message]
        received.append([*system, *asked.messages])
        return ModelResponse(result=[AIMessage("ok")])

    model = request.pop("model", None) or ScriptedModel(script=[])
    made: ModelRequest[Any] = ModelRequest(model=model, messages=list(messages), **request)
    middleware.wrap_model_call(made, handler)
    (only,) = received
    return only


def ids(messages: Sequence[BaseMessage]) -> list[str | None]:
    """Ids of messages."""
    return [message.id for message in messages]


def agent_of(
    middleware: Sequence[Any], replies: Sequence[AIMessage | str], tools: Any = (), **options: Any
) -> tuple[CompiledStateGraph[Any, Any, Any, Any], ScriptedModel]:
    """An agent with a checkpointer, and its model."""
    script = [AIMessage(reply) if isinstance(reply, str) else reply for reply in replies]
    model = ScriptedModel(script=script)
    agent = create_agent(
        model, tools, middleware=middleware, checkpointer=InMemorySaver(), **options
    )
    return agent, model


def thread(name: str) -> Any:
    """The configuration of a thread."""
    return {"configurable": {"thread_id": name}}
