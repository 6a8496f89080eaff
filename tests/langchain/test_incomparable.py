"""Arrays, data frames and tensors beside what is said: no call and no turn fails over them."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from hostile_values import INCOMPARABLE
from langchain_agents import agent_of, sent_by, thread, words
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.retrievers import BaseRetriever
from langgraph.store.memory import InMemoryStore

from mba_integrations import MemoryBudgetAllocator
from mba_integrations.langchain import (
    BudgetedChatMessageHistory,
    BudgetedDocumentCompressor,
    BudgetedRetriever,
    LangGraphStoreSource,
    MemoryBudgetMiddleware,
    as_runnable,
)

VALUES = pytest.mark.parametrize("make", INCOMPARABLE.values(), ids=INCOMPARABLE)
Made = Callable[[], Any]


def look(argument: object = "x") -> dict[str, Any]:
    return {"name": "look", "args": {"place": argument}, "id": "c"}


def talk_with(place: str, value: Any) -> list[AnyMessage]:
    """An exchange and a question, with a value in one place of one message."""
    held: dict[str, Any] = {place: {"value": value}} if place.endswith("kwargs") else {}
    metadata = {"value": value} if place == "response_metadata" else {}
    argument = value if place == "arguments" else "x"
    system = [SystemMessage("brief", id="s", additional_kwargs={"value": value})]
    return [
        *(system if place == "system" else ()),
        HumanMessage("where is it", id="h", **held),
        AIMessage("", tool_calls=[look(argument)], id="c", response_metadata=metadata, **held),
        ToolMessage(
            "in Oslo",
            tool_call_id="c",
            id="r",
            artifact=value if place == "artifact" else None,
            **held,
        ),
        AIMessage("It is in Oslo.", id="a"),
        HumanMessage("thanks", id="h2"),
    ]


PLACES = ["artifact", "additional_kwargs", "response_metadata", "arguments", "system"]


@VALUES
@pytest.mark.parametrize("place", PLACES)
def test_a_value_in_a_message_does_not_stop_later_turns(place: str, make: Made) -> None:
    middleware = MemoryBudgetMiddleware(400, token_counter=words)
    history = BudgetedChatMessageHistory(400, token_counter=words)
    for turn in range(3):
        told = talk_with(place, make())
        more = [AIMessage(f"a{turn}"), HumanMessage(f"h{turn}")] * turn
        sent = sent_by(middleware, [*told, *more])
        assert [one.id for one in sent][: len(told)] == [one.id for one in told]
        history.history.messages = [*told, *more]  # type: ignore[attr-defined]
        assert len(history.messages) == len(told) + len(more)


@dataclass
class Context:
    """What applications hand in beside the messages."""

    user: str
    vector: Any


class Fixed(BaseRetriever):
    documents: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return deepcopy(self.documents)


@VALUES
def test_a_value_in_the_context_or_a_document_does_not_stop_an_agent(make: Made) -> None:
    found = Fixed(documents=[Document("Kate lives in Oslo.", metadata={"vector": make()})])
    store = InMemoryStore()
    store.put(("m",), "k", {"text": "Kate skis.", "vector": make()})
    middleware = MemoryBudgetMiddleware(
        400, memories=[found, LangGraphStoreSource(("m",), store=store)], token_counter=words
    )
    agent, model = agent_of([middleware], ["a", "b", "c"], context_schema=Context)
    for turn in range(3):
        agent.invoke(
            {"messages": [HumanMessage("where does Kate live", id=f"h{turn % 2}")]},
            thread("t"),
            context=Context("kate", make()),
        )
    assert all("Oslo" in str(one) and "skis" in str(one) for one in model.received)


@VALUES
def test_a_value_in_the_metadata_of_documents_does_not_stop_a_choice(make: Made) -> None:
    def documents() -> list[Document]:
        return [Document(f"oak number {n}", metadata={"cells": make()}) for n in range(2)]

    retriever = BudgetedRetriever(
        retrievers=[Fixed(documents=documents()), Fixed(documents=documents())], token_counter=words
    )
    compressor = BudgetedDocumentCompressor(token_counter=words)
    step = as_runnable(MemoryBudgetAllocator(words), memories=documents())
    for _ in range(3):
        assert len(retriever.invoke("oak")) == 2
        assert len(compressor.compress_documents(documents(), "oak")) == 2
        assert len(step.invoke({"query": "oak", "memories": documents()}).selected) == 2
