"""What sources of memories find: questions without text, ids that come twice, notes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_agents import agent_of, thread, words
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.retrievers import BaseRetriever
from langgraph.store.memory import InMemoryStore

from mba_integrations import MemoryItem
from mba_integrations.langchain import (
    LangGraphStoreSource,
    MemoryBudgetMiddleware,
    RetrieverSource,
)
from mba_integrations.langchain.distinct_items import distinct
from mba_integrations.langchain.memory_sources import gathered

NOBODY: Any = None


class Strict(BaseRetriever):
    """As a vector store whose embedding service refuses a text without words."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        if not query.strip():
            raise ValueError("input must not be empty")
        return [Document("Kate lives in Oslo.")]


@pytest.mark.parametrize("query", ["", " \n"])
def test_a_question_without_text_is_not_sent_to_a_retriever(query: str) -> None:
    one = RetrieverSource(Strict())
    assert [len(one.items(text, NOBODY)) for text in ("where", query)] == [1, 0]
    assert asyncio.run(one.aitems(query, NOBODY)) == []


def test_a_picture_alone_is_answered_without_memories() -> None:
    made = MemoryBudgetMiddleware(4_000, memories=[Strict()], embedder=RefusesBlanks())
    agent, model = agent_of([made], ["a fox"])
    picture = {"type": "image", "url": "https://x.org/fox.png"}
    agent.invoke({"messages": [HumanMessage([picture])]}, thread("t"))
    assert len(model.received[0]) == 1


def test_no_blank_text_is_sent_to_an_embedder() -> None:
    turns = [one for _ in range(9) for one in (HumanMessage(" \n"), AIMessage("\t"))]
    made = MemoryBudgetMiddleware(40, embedder=RefusesBlanks(), token_counter=words)
    agent, model = agent_of([made], ["ok"])
    agent.invoke({"messages": [*turns, HumanMessage("where")]}, thread("t"))
    assert model.received[0][-1].content == "where"


class RefusesBlanks(Embeddings):
    """As a service that refuses texts without words."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        if not all(text.strip() for text in texts):
            raise ValueError("input must not be empty")
        return [[1.0, 0.0] for _ in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


@dataclass
class Context:
    """What applications hand in beside the messages."""

    vector: Any


def test_contexts_that_cannot_be_compared_are_asked_for_again() -> None:
    made = MemoryBudgetMiddleware(4_000, memories=[Strict()])
    agent, model = agent_of([made], ["a", "b", "c"], context_schema=Context)
    for _ in range(3):
        given = {"messages": [HumanMessage("where does Kate live", id="h")]}
        agent.invoke(given, thread("t"), context=Context(np.arange(3)))
    assert all("Oslo" in str(received) for received in model.received)


@pytest.mark.parametrize(
    ("first", "second", "ids"),
    [
        pytest.param("north", "north", ["1"], id="the-same-once"),
        pytest.param("north", "south", ["1", "1~a349cba1"], id="another-content"),
    ],
)
def test_sources_that_number_alike_do_not_hide_each_other(
    first: str, second: str, ids: list[str]
) -> None:
    found = [[MemoryItem("1", text, "rag")] for text in (first, second)]
    assert [item.id for item in gathered(found)] == ids


def test_two_stores_that_number_alike_are_both_sent() -> None:
    sources = []
    for text in ("Kate lives in Oslo", "Kate skis in Rome"):
        store = InMemoryStore()
        store.put(("kate",), "1", {"text": text})
        sources.append(LangGraphStoreSource(("kate",), store=store))
    agent, model = agent_of([MemoryBudgetMiddleware(4_000, memories=sources)], ["ok"])
    agent.invoke({"messages": [HumanMessage("where is Kate")]}, thread("t"))
    sent = str(model.received[0][0].content)
    assert "lives in Oslo" in sent
    assert "skis in Rome" in sent


@given(
    st.lists(
        st.builds(
            MemoryItem,
            st.sampled_from(["1", "2", "1~a349cba1"]),
            st.sampled_from(["north", "south"]),
            st.just("rag"),
        )
    )
)
def test_every_content_under_an_id_is_one_item(items: list[MemoryItem]) -> None:
    kept = distinct(items)
    pairs = dict.fromkeys((item.id, item.content) for item in items)
    assert [item.content for item in kept] == [content for _, content in pairs]
    assert len({item.id for item in kept}) == len(kept)
    assert all(new.id.startswith(old) for new, (old, _) in zip(kept, pairs, strict=True))


def test_notes_of_sources_are_in_the_decision() -> None:
    store = InMemoryStore()
    store.put(("kate",), "odd", {"text": "Kate skis.", "importance": 8})
    made = MemoryBudgetMiddleware(
        4_000, memories=[LangGraphStoreSource(("kate",), store=store), Strict()]
    )
    agent, _ = agent_of([made], ["ok"])
    agent.invoke({"messages": [HumanMessage("where does Kate live")]}, thread("t"))
    decision = agent.get_state(thread("t")).values["memory_budget"]["MemoryBudgetMiddleware"]
    (note,) = decision["memory_notes"]
    assert "'kate/odd' is left out" in note
