"""LangChain on a `MemoryService`: a source of memories for agents, and a retriever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_agents import agent_of, talk, thread
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import RetrieversIntegrationTests
from pydantic import ValidationError
from service_workspaces import clock, new_workspace, service, workspace

from mba_integrations import InputError, MemoryItem, MemoryTier
from mba_integrations.langchain import (
    MemoryBudgetMiddleware,
    MemoryServiceRetriever,
    MemoryServiceSource,
)
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.memories import MemoryFilter

__all__ = ["clock", "new_workspace", "service", "workspace"]  # fixtures
FACTS = [
    MemoryItem("ski", "Kate skis in the north.", "project", metadata={"lang": ["en"]}),
    MemoryItem("oslo", "Kate lives in Oslo, near the harbour.", "long_term", source="chat"),
    MemoryItem("tram", "Kate takes the tram to work.", "long_term"),
    MemoryItem("bread", "Bread needs salt, water, flour and time.", "rag"),
]


@pytest.fixture
def kate(service: MemoryService, workspace: str) -> str:
    """A workspace that knows the facts."""
    service.remember(workspace, FACTS)
    return workspace


# The source


def test_a_source_gives_the_memories_that_answer(service: MemoryService, kate: str) -> None:
    source = MemoryServiceSource(service, kate, budget_tokens=20)
    found = {item.id: item for item in source.items("Where does Kate live?")}
    assert found["oslo"].tier is MemoryTier.LONG_TERM
    assert found["oslo"].source == "chat"
    assert "bread" not in found
    assert asyncio.run(source.aitems("Where does Kate live?")) == list(found.values())


def test_what_a_source_gives_leads_nowhere_into_the_service(
    service: MemoryService, kate: str
) -> None:
    source = MemoryServiceSource(service, kate)
    (item,) = (one for one in source.items("ski?") if one.id == "ski")
    metadata: Any = item.metadata
    metadata["lang"].append("changed")
    again = [one.metadata for one in source.items("ski?") if one.id == "ski"]
    assert again == [{"lang": ["en"]}]


def test_a_question_without_text_finds_what_is_best_anyway(
    service: MemoryService, kate: str
) -> None:
    assert MemoryServiceSource(service, kate).items("") is not None


def test_a_source_is_narrowed(service: MemoryService, kate: str) -> None:
    source = MemoryServiceSource(
        service, kate, filters=MemoryFilter(tiers=frozenset({MemoryTier.RAG}))
    )
    assert [item.id for item in source.items("bread?")] == ["bread"]


def test_the_workspace_may_come_from_the_call(service: MemoryService, kate: str) -> None:
    source = MemoryServiceSource(service, lambda runtime: runtime.context)

    class Runtime:
        context = kate

    runtime: Any = Runtime()
    assert source.items("Kate?", runtime)
    with pytest.raises(InputError, match="give runtime"):
        source.items("Kate?")


def test_an_agent_answers_with_memories_of_the_service(service: MemoryService, kate: str) -> None:
    middleware = MemoryBudgetMiddleware(
        memories=[MemoryServiceSource(service, kate)], budget_tokens=500
    )
    agent, model = agent_of([middleware], ["In Oslo."])
    agent.invoke({"messages": talk("Where does Kate live?")}, thread("1"))
    sent = "\n".join(str(message.content) for message in model.received[-1])
    assert "Kate lives in Oslo" in sent


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param({"service": object()}, "service must be a MemoryService", id="service"),
        pytest.param({"workspace_id": 7}, "workspace_id must be", id="workspace"),
        pytest.param({"budget_tokens": 0}, "budget_tokens", id="budget"),
    ],
)
def test_arguments_of_another_kind_are_refused(
    service: MemoryService, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        MemoryServiceSource(**{"service": service, "workspace_id": "kate", **arguments})


# The retriever


class TestStandard(RetrieversIntegrationTests):
    """What LangChain expects of every retriever."""

    @pytest.fixture(autouse=True)
    def _kate(self, service: MemoryService, kate: str) -> None:
        self.params = {"service": service, "workspace_id": kate}

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return MemoryServiceRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return self.params

    @property
    def retriever_query_example(self) -> str:
        return "Where does Kate live, and does she ski or take the tram?"


@pytest.mark.parametrize("budget", [1, 6, 12, 20, 100])
def test_joined_documents_fit_the_budget(service: MemoryService, kate: str, budget: int) -> None:
    retriever = MemoryServiceRetriever(service=service, workspace_id=kate, budget_tokens=budget)
    found = retriever.invoke("Where does Kate live?")
    assert len("\n\n".join(one.page_content for one in found).split()) <= budget
    assert bool(found) is (budget >= 6)


def test_a_document_says_what_is_known_and_what_was_decided(
    service: MemoryService, kate: str
) -> None:
    retriever = MemoryServiceRetriever(service=service, workspace_id=kate)
    found = {one.id: one.metadata for one in retriever.invoke("Where does Kate ski?")}
    assert found["ski"]["lang"] == ["en"]
    assert found["oslo"]["source"] == "chat"
    decision = found["ski"]["memory_budget"]
    assert decision["tier"] == "project"
    assert decision["used_tokens"] <= decision["budget_tokens"] <= 1_000


def test_a_call_may_have_a_budget_of_its_own(service: MemoryService, kate: str) -> None:
    retriever = MemoryServiceRetriever(service=service, workspace_id=kate, k=3)
    assert len(retriever.invoke("Where does Kate live?", budget_tokens=8)) == 1
    assert retriever.invoke(" ") == []


@pytest.mark.parametrize(
    "fields",
    [{"k": 0}, {"budget_tokens": 0}, {"service": object()}],
    ids=["k", "budget", "service"],
)
def test_fields_of_another_kind_are_refused(service: MemoryService, fields: dict[str, Any]) -> None:
    with pytest.raises((InputError, ValidationError), match=str(next(iter(fields)))):
        MemoryServiceRetriever(**{"service": service, "workspace_id": "kate", **fields})
