"""The handler that reports what answers of real LangChain runs used of recalled memories."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from langchain_agents import agent_of, thread
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough
from langchain_core.tools import create_retriever_tool
from service_workspaces import clock, new_workspace, service, workspace

from mba_integrations import InputError, MemoryItem
from mba_integrations.langchain import MemoryFeedbackHandler, MemoryServiceRetriever
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.errors import StoreUnreachableError

__all__ = ["clock", "new_workspace", "service", "workspace"]  # fixtures
QUERY = "Where does Kate live?"
FACTS = [
    MemoryItem("oslo", "Kate lives in Oslo.", "rag"),
    MemoryItem("bread", "Bread needs 20 grams of salt.", "rag"),
]
USED = {("oslo", "overlap"): True, ("bread", "overlap"): False}


@pytest.fixture
def kate(service: MemoryService, workspace: str) -> str:
    """A workspace that knows the facts."""
    service.remember(workspace, FACTS)
    return workspace


@pytest.fixture
def handler(service: MemoryService) -> MemoryFeedbackHandler:
    return MemoryFeedbackHandler(service)


def chain_of(retriever: MemoryServiceRetriever, *answers: str) -> Runnable[str, str]:
    """A chain that puts the documents before the question."""

    def joined(documents: list[Document]) -> str:
        return "\n\n".join(one.page_content for one in documents)

    return (
        {"context": retriever | joined, "question": RunnablePassthrough()}
        | ChatPromptTemplate.from_template("{context}\n\n{question}")
        | GenericFakeChatModel(messages=iter(map(AIMessage, answers)))
        | StrOutputParser()
    )


def said(service: MemoryService, workspace_id: str) -> list[dict[Any, bool | None]]:
    """What was said of each recall of a workspace, the latest first."""
    return [
        {
            (one.memory_id, one.origin.value): one.useful
            for one in service.allocations.feedback(workspace_id, row.allocation_id)
        }
        for row in service.allocations.list(workspace_id).rows
    ]


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream"])
def test_a_chain_is_reported_when_it_ends(
    service: MemoryService, kate: str, handler: MemoryFeedbackHandler, way: str
) -> None:
    chain = chain_of(MemoryServiceRetriever(service=service, workspace_id=kate), "In Oslo.")
    config: Any = {"callbacks": [handler]}
    if way == "ainvoke":
        asyncio.run(chain.ainvoke(QUERY, config))
    elif way == "invoke":
        chain.invoke(QUERY, config)
    else:
        assert "".join(chain.stream(QUERY, config)) == "In Oslo."
    assert said(service, kate) == [USED]
    assert handler.problem is None
    assert not handler.run_map


def test_runs_at_once_are_told_apart(
    service: MemoryService, kate: str, handler: MemoryFeedbackHandler
) -> None:
    chain = chain_of(
        MemoryServiceRetriever(service=service, workspace_id=kate), "In Oslo.", "20 grams."
    )
    chain.batch([QUERY, "What does bread need?"], {"callbacks": [handler], "max_concurrency": 1})
    assert {frozenset(one.items()) for one in said(service, kate)} == {
        frozenset(USED.items()),
        frozenset({("oslo", "overlap"): False, ("bread", "overlap"): True}.items()),
    }


def test_only_what_the_model_was_given_is_judged(
    service: MemoryService, kate: str, handler: MemoryFeedbackHandler
) -> None:
    chain = chain_of(MemoryServiceRetriever(service=service, workspace_id=kate, k=1), "In Oslo.")
    chain.invoke(QUERY, {"callbacks": [handler]})
    assert said(service, kate) == [{("oslo", "overlap"): True}]


def test_ids_that_an_answer_names_are_read_where_somebody_says_how(
    service: MemoryService, kate: str
) -> None:
    def named(answer: str) -> list[str]:
        return re.findall(r"\[(\w+)\]", answer)

    handler = MemoryFeedbackHandler(service, citations=named)
    chain = chain_of(MemoryServiceRetriever(service=service, workspace_id=kate), "There [oslo].")
    chain.invoke(QUERY, {"callbacks": [handler]})
    cited = {key: useful for key, useful in said(service, kate)[0].items() if key[1] == "cited"}
    assert cited == {("oslo", "cited"): True, ("bread", "cited"): False}


def test_an_agent_that_looks_memories_up_is_reported_by_its_last_answer(
    service: MemoryService, kate: str, handler: MemoryFeedbackHandler
) -> None:
    retriever = MemoryServiceRetriever(service=service, workspace_id=kate)
    tool = create_retriever_tool(retriever, "look_up", "Finds memories.")
    calls = [{"name": "look_up", "args": {"query": QUERY}, "id": "c"}]
    agent, _ = agent_of([], [AIMessage("Salt?", tool_calls=calls), "In Oslo."], [tool])
    config: Any = {**thread("1"), "callbacks": [handler]}
    agent.invoke({"messages": [("human", "Where is she?")]}, config)
    assert said(service, kate) == [USED]


def test_a_run_that_fails_or_says_nothing_is_not_reported(
    service: MemoryService, kate: str, handler: MemoryFeedbackHandler
) -> None:
    retriever = MemoryServiceRetriever(service=service, workspace_id=kate)
    config: Any = {"callbacks": [handler]}
    retriever.invoke(QUERY, config)
    chain_of(retriever, " ").invoke(QUERY, config)
    with pytest.raises(StopIteration):
        chain_of(retriever).invoke(QUERY, config)
    assert said(service, kate) == [{}] * 3


def test_a_store_that_is_away_costs_no_answer(
    service: MemoryService, kate: str, handler: MemoryFeedbackHandler, monkeypatch: Any
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise StoreUnreachableError("away")

    monkeypatch.setattr(service, "feedback", away)
    chain = chain_of(MemoryServiceRetriever(service=service, workspace_id=kate), "In Oslo.")
    assert chain.invoke(QUERY, {"callbacks": [handler]}) == "In Oslo."
    assert handler.problem == "away"


def test_a_service_is_needed() -> None:
    with pytest.raises(InputError, match="service must be a MemoryService, got 'x'"):
        MemoryFeedbackHandler("x")  # type: ignore[arg-type]
