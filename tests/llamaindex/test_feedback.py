"""The handler that reports what answers of LlamaIndex' engines used of recalled memories."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.llms.mock import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import NodeWithScore, TextNode
from service_workspaces import clock, new_workspace, service, workspace

from mba_integrations import InputError, MemoryItem
from mba_integrations.llamaindex import MemoryFeedbackHandler, MemoryServiceRetriever
from mba_integrations.llamaindex.retrieval import feedback
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.errors import StoreUnreachableError

__all__ = ["clock", "new_workspace", "service", "workspace"]  # fixtures
pytestmark = pytest.mark.usefixtures("own_event_loop")
QUERY = "Where does Kate live?"


@pytest.fixture
def kate(service: MemoryService, workspace: str) -> str:
    """A workspace that knows two facts."""
    facts = {"oslo": "Kate lives in Oslo.", "bread": "Bread needs salt."}
    service.remember(workspace, [MemoryItem(name, text, "rag") for name, text in facts.items()])
    return workspace


@pytest.fixture
def handler(service: MemoryService) -> Iterator[MemoryFeedbackHandler]:
    """A handler that all events come to."""
    made = MemoryFeedbackHandler(service, citations=lambda answer: [])
    handlers = get_dispatcher().event_handlers
    handlers.append(made)
    yield made
    handlers.remove(made)


class Answering(MockLLM):
    """Says that it is in Oslo."""

    def _generate_text(self, length: int) -> str:
        return "In Oslo."


def engine_of(service: MemoryService, kate: str, **options: Any) -> RetrieverQueryEngine:
    retriever = MemoryServiceRetriever(service, kate)
    return RetrieverQueryEngine.from_args(retriever, llm=Answering(max_tokens=8), **options)


def said(service: MemoryService, workspace_id: str) -> dict[Any, bool | None]:
    """What was said of the only recall of a workspace."""
    (row,) = service.allocations.list(workspace_id).rows
    found = service.allocations.feedback(workspace_id, row.allocation_id)
    return {(one.memory_id, one.origin.value): one.useful for one in found}


@pytest.mark.parametrize("way", ["sync", "async"])
def test_an_answer_is_reported_when_it_is_made(
    service: MemoryService, kate: str, handler: MemoryFeedbackHandler, way: str
) -> None:
    engine = engine_of(service, kate)
    answer = engine.query(QUERY) if way == "sync" else asyncio.run(engine.aquery(QUERY))
    assert str(answer) == "In Oslo."
    assert said(service, kate) == {("oslo", "overlap"): True, ("bread", "overlap"): False}
    assert handler.problem is None


def test_a_streamed_answer_is_left_alone(
    service: MemoryService, kate: str, handler: MemoryFeedbackHandler
) -> None:
    assert str(engine_of(service, kate, streaming=True).query(QUERY))
    assert said(service, kate) == {}


def test_a_store_that_is_away_costs_no_answer(
    service: MemoryService, kate: str, handler: MemoryFeedbackHandler, monkeypatch: Any
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise StoreUnreachableError("away")

    monkeypatch.setattr(service, "feedback", away)
    assert str(engine_of(service, kate).query(QUERY)) == "In Oslo."
    assert handler.problem == "away"


def test_questions_that_are_remembered_are_bounded(
    service: MemoryService, handler: MemoryFeedbackHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "_MOST_QUESTIONS", 2)
    for name in "abc":
        recall = {"memory_budget": {"workspace_id": "w", "allocation_id": name}}
        node = NodeWithScore(node=TextNode(text=name, metadata=recall))
        handler._remember([node, NodeWithScore(node=TextNode(text="of others"))], name)
    assert list(handler._questions) == ["b", "c"]


def test_a_service_is_needed() -> None:
    with pytest.raises(InputError, match="service must be a MemoryService, got 'x'"):
        MemoryFeedbackHandler("x")  # type: ignore[arg-type]
