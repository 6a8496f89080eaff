"""Memories in the prompts of an agent: where they stand, what they may take, whose they are."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_agents import COUNTER, agent_of, sent_by, talk, thread, words
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, SystemMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import tool
from langgraph.store.memory import InMemoryStore
from pydantic import Field

from mba_integrations import (
    InputError,
    WorkspaceConfig,
)
from mba_integrations.langchain import LangGraphStoreSource, MemoryBudgetMiddleware

LONG = [m for n in range(50) for m in talk(f"h{n} word", f"a{n} reply")] + talk("last word")
SYSTEM = SystemMessage("be brief")


def middleware(budget: int | None, **options: Any) -> MemoryBudgetMiddleware:
    return MemoryBudgetMiddleware(budget, token_counter=words, **options)


@tool
def search(topic: str) -> str:
    """Search for a topic."""
    return topic


class FixedRetriever(BaseRetriever):
    """Finds the same documents for every query, and counts how often."""

    texts: list[str]
    asked: list[str] = Field(default_factory=list)

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        self.asked.append(query)
        return [Document(text) for text in self.texts]


def test_memories_stand_before_the_question_and_are_searched_once_for_it() -> None:
    retriever = FixedRetriever(texts=["Kate lives in Oslo.", "Trams are blue."], asked=[])
    made = middleware(300, memories=[retriever])
    call = AIMessage("", tool_calls=[{"name": "search", "args": {"topic": "x"}, "id": "c"}])
    agent, model = agent_of([made], ["hello", call, "in Oslo"], [search], system_prompt="Be brief.")
    agent.invoke({"messages": talk("h0 hello")}, thread("t"))
    agent.invoke({"messages": talk("h1 where does Kate live")}, thread("t"))
    kinds = [[message.type for message in received] for received in model.received]
    assert kinds[1] == ["system", "human", "ai", "human", "human"]
    assert kinds[2] == ["system", "human", "ai", "human", "human", "ai", "tool"]
    assert model.received[1][3].content == (
        "Memories that may help with the next message:\n"
        "## Documents\n- Kate lives in Oslo.\n- Trams are blue.\n"
    )
    assert model.received[2][3].content == model.received[1][3].content
    assert model.received[1][:3] == [model.received[0][0], *model.received[1][1:3]]
    assert retriever.asked == ["h0 hello", "h1 where does Kate live"]


def test_memories_are_searched_for_a_question_with_the_exchange_that_it_hangs_on() -> None:
    retriever = FixedRetriever(texts=["Trams are blue."], asked=[])
    made = middleware(300, memories=[retriever])
    agent, _ = agent_of([made], ["with rebase", "so"], system_prompt="Be brief.")
    for asked in ("h0 squash commits", "h1 good. And how do I undo it?"):
        agent.invoke({"messages": talk(asked)}, thread("t"))
    assert retriever.asked == [
        "h0 squash commits",
        "h1 good. And how do I undo it?\nh0 squash commits\nwith rebase",
    ]


def test_two_turns_share_what_stands_before_the_question_of_the_first() -> None:
    made = middleware(300, memories=[FixedRetriever(texts=["Kate lives in Oslo."])])
    agent, model = agent_of([made], ["one", "two", "three"], system_prompt="Be brief.")
    for asked in ("h0 hello", "h1 where", "h2 when"):
        agent.invoke({"messages": talk(asked)}, thread("t"))
    first, second, third = ([one.content for one in sent] for sent in model.received)
    memory = first[1]
    assert "Oslo" in memory
    assert first == ["Be brief.", memory, "h0 hello"]
    assert second == ["Be brief.", "h0 hello", "one", memory, "h1 where"]
    assert third == ["Be brief.", "h0 hello", "one", "h1 where", "two", memory, "h2 when"]


def test_memories_go_into_the_system_message_if_asked_to() -> None:
    retriever = FixedRetriever(texts=["Kate lives in Oslo."])
    made = middleware(300, memories=[retriever], memories_in_system=True, introduction="Known:\n")
    sent = sent_by(made, talk("h0 kate"), system_message=SYSTEM)
    assert [message.type for message in sent] == ["system", "human"]
    assert sent[0].content == [
        {"type": "text", "text": "be brief"},
        {"type": "text", "text": "Known:\n## Documents\n- Kate lives in Oslo.\n"},
    ]
    assert SYSTEM.content == "be brief"


def test_memories_give_way_before_the_question_does() -> None:
    retriever = FixedRetriever(texts=["Kate lives in Oslo."])
    kinds = {}
    for budget in range(9, 40):
        sent = sent_by(middleware(budget, memories=[retriever]), talk("h0 kate"))
        assert COUNTER(sent) <= budget
        kinds[budget] = len(sent)
    assert kinds[9] == 1
    assert kinds[39] == 2


def test_memories_and_conversation_share_by_the_workspace() -> None:
    texts = [f"Kate has been in town number {n}." for n in range(40)]
    shares = {}
    for share in (0.2, 0.8):
        config = WorkspaceConfig(
            workspace_id="w",
            working_memory_pct=share,
            project_memory_pct=0.0,
            long_term_memory_pct=0.0,
            rag_memory_pct=1.0 - share,
        )
        made = middleware(300, memories=[FixedRetriever(texts=texts)], workspace=config)
        sent = sent_by(made, LONG)
        memory = next(m for m in sent if "Memories that may help" in str(m.content))
        shares[share] = COUNTER.message_tokens([memory])[0] / COUNTER(sent)
    assert shares[0.2] == pytest.approx(0.8, abs=0.1)
    assert shares[0.8] == pytest.approx(0.2, abs=0.1)


def test_memories_have_what_the_conversation_cannot_use() -> None:
    texts = [f"Kate has been in town number {n}." for n in range(40)]
    long = [*talk("h0 kate", "a0 " + "word " * 300), *talk("h1 kate")]
    sent = sent_by(middleware(200, memories=[FixedRetriever(texts=texts)]), long)
    assert [message.type for message in sent] == ["human", "human"]
    assert COUNTER(sent) > 190


def test_memories_of_one_conversation_do_not_come_into_another() -> None:
    class Owned(FixedRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            self.asked.append(query)
            return [Document(f"secret {len(self.asked)}")]

    made = middleware(300, memories=[Owned(texts=[], asked=[])])
    first, second = sent_by(made, talk("h0 kate")), sent_by(made, talk("h0 kate"))
    assert "secret 1" in str(first[0].content)
    assert "secret 2" in str(second[0].content)


def test_a_store_without_the_agent_having_one_is_said() -> None:
    made = middleware(100, memories=[LangGraphStoreSource(("m",))])
    agent, _ = agent_of([made], ["x"])
    with pytest.raises(InputError, match="give store to LangGraphStoreSource or to create_agent"):
        agent.invoke({"messages": talk("h0")}, thread("t"))


def test_the_store_of_the_agent_is_found() -> None:
    store = InMemoryStore()
    store.put(("m",), "k", {"text": "Kate lives in Oslo."})
    made = middleware(100, memories=[LangGraphStoreSource(("m",))])
    agent, model = agent_of([made], ["x"], store=store)
    agent.invoke({"messages": talk("h0 where does Kate live")}, thread("t"))
    assert "## Long-term memory\n- Kate lives in Oslo." in str(model.received[0][0].content)
