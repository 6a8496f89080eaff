"""LlamaIndex on a `MemoryService`: a block of `Memory`, and a retriever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core import Settings
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.memory import Memory
from llama_index.core.schema import MetadataMode
from service_workspaces import clock, new_workspace, service, workspace

from mba_integrations import InputError, MemoryItem
from mba_integrations.llamaindex import MemoryServiceBlock, MemoryServiceRetriever
from mba_integrations.services.memory.service import MemoryService

__all__ = ["clock", "new_workspace", "service", "workspace"]  # fixtures
pytestmark = pytest.mark.usefixtures("own_event_loop")

FACTS = [
    MemoryItem("ski", "Kate skis in the north.", "project", metadata={"lang": "en"}),
    MemoryItem("oslo", "Kate lives in Oslo, near the harbour.", "long_term", source="chat"),
    *(MemoryItem(f"f{n}", f"Bread number {n} needs salt and flour.", "rag") for n in range(8)),
]


@pytest.fixture
def kate(service: MemoryService, workspace: str) -> str:
    """A workspace that knows the facts."""
    service.remember(workspace, FACTS)
    return workspace


def user(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.USER, content=text)


def assistant(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


def count(text: str) -> int:
    return len(Settings.tokenizer(text))


# The block


def test_a_block_recalls_within_its_budget(service: MemoryService, kate: str) -> None:
    block = MemoryServiceBlock(service=service, workspace_id=kate, budget_tokens=30)
    text = asyncio.run(block.aget([user("Where does Kate live?")]))
    assert "Kate lives in Oslo" in text
    assert count(text) <= 30
    shorter = asyncio.run(block.atruncate(text, 10))
    assert shorter is None or count(shorter) <= count(text) - 10


@pytest.mark.parametrize("budget", [1, 5, 12, 20, 60, 200])
def test_a_block_counts_as_llamaindex_counts_not_as_the_service(
    service: MemoryService, kate: str, budget: int
) -> None:
    block = MemoryServiceBlock(service=service, workspace_id=kate, budget_tokens=budget)
    assert count(asyncio.run(block.aget([user("What about bread?")]))) <= budget


def test_exchanges_are_remembered_with_their_session_and_subject(
    service: MemoryService, workspace: str
) -> None:
    block = MemoryServiceBlock(service=service, workspace_id=workspace, subject="kate")
    said = [user("I moved to Oslo."), assistant("Nice."), user("I ski."), assistant("Where?")]
    for message in said:
        message.additional_kwargs["session_id"] = "chat-7"
    asyncio.run(block.aput(said))
    rows = service.list(workspace, newest_first=False).rows
    assert [row.content for row in rows] == [
        "user: I moved to Oslo.\nassistant: Nice.",
        "user: I ski.\nassistant: Where?",
    ]
    assert {(row.source, row.session_id, row.subject) for row in rows} == {
        ("chat-7", "chat-7", "kate")
    }
    places = [row.position or 0.0 for row in rows]
    assert places == sorted(places)


def test_two_memories_share_what_one_of_them_heard(service: MemoryService, workspace: str) -> None:
    def memory(session: str) -> Memory:
        block = MemoryServiceBlock(service=service, workspace_id=workspace, budget_tokens=300)
        return Memory.from_defaults(
            session_id=session,
            token_limit=400,
            chat_history_token_ratio=0.1,
            token_flush_size=20,
            memory_blocks=[block],
        )

    async def talk() -> str:
        first, second = memory("a"), memory("b")
        await first.aput_messages([user("My boat is called Freya."), assistant("Noted.")])
        for number in range(12):
            await first.aput_messages([user(f"Filler {number} " * 8), assistant("Yes.")])
        await second.aput(user("What is my boat called?"))
        said = "\n".join(str(one.content) for one in await second.aget())
        for one in (first, second):
            await one.sql_store._async_engine.dispose()  # type: ignore[attr-defined]
        return said

    assert "Freya" in asyncio.run(talk())


def test_nothing_is_remembered_of_messages_without_a_question(
    service: MemoryService, workspace: str
) -> None:
    block = MemoryServiceBlock(service=service, workspace_id=workspace)
    asyncio.run(block.aput([assistant("Hello.")]))
    assert service.list(workspace).rows == ()
    assert asyncio.run(block.aget([user("Hello?")])) == ""


def test_a_pinned_memory_that_does_not_fit_leaves_the_block_empty(
    service: MemoryService, workspace: str
) -> None:
    service.remember(workspace, MemoryItem("p", "A rule of many words " * 9, "rag", pinned=True))
    block = MemoryServiceBlock(service=service, workspace_id=workspace, budget_tokens=10)
    assert asyncio.run(block.aget([user("Which rule?")])) == ""


# The retriever


def test_nodes_fit_the_budget_as_llamaindex_joins_them(service: MemoryService, kate: str) -> None:
    retriever = MemoryServiceRetriever(service, kate, budget_tokens=12)
    found = retriever.retrieve("Where does Kate live?")
    assert found[0].node.id_ in ("oslo", "ski")
    joined = "\n\n".join(one.node.get_content(metadata_mode=MetadataMode.LLM) for one in found)
    assert len(joined.split()) <= 12
    assert "Oslo" in joined


def test_a_node_has_what_is_known_of_the_memory_and_its_score(
    service: MemoryService, kate: str
) -> None:
    found = MemoryServiceRetriever(service, kate).retrieve("Where does Kate ski?")
    nodes = {one.node.id_: one for one in found}
    recall = nodes["ski"].metadata.pop("memory_budget")
    assert recall["workspace_id"] == kate
    assert service.allocations.get(kate, recall["allocation_id"])
    assert nodes["ski"].metadata == {"tier": "project", "source": None, "lang": "en"}
    assert nodes["ski"].score is not None
    assert nodes["ski"].score > nodes.get("f0", nodes["oslo"]).get_score()


def test_a_retriever_can_be_awaited_and_asked_nothing(service: MemoryService, kate: str) -> None:
    retriever = MemoryServiceRetriever(service, kate, session_id="chat-7")
    assert asyncio.run(retriever.aretrieve("Where does Kate live?"))
    assert retriever.retrieve("  ") == []


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(MemoryServiceRetriever, id="retriever"),
        pytest.param(MemoryServiceBlock, id="block"),
    ],
)
def test_something_else_than_a_service_is_refused(make: Any) -> None:
    with pytest.raises(InputError, match="service must be a MemoryService"):
        make(service=object(), workspace_id="kate")


def test_a_budget_below_one_is_refused(service: MemoryService, kate: str) -> None:
    with pytest.raises(InputError, match="budget_tokens"):
        MemoryServiceRetriever(service, kate, budget_tokens=0)
