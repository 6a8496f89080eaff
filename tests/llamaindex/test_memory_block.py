"""`BudgetedMemoryBlock` inside LlamaIndex' `Memory`, and the embedder of LlamaIndex' models."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core import Settings
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.memory import Memory
from llamaindex_models import LetterEmbedding, prose

from mba_integrations import InputError, MemoryBudgetAllocator, MemoryItem, MemoryPool
from mba_integrations.core.search.embedder import usable_rows
from mba_integrations.llamaindex import BudgetedMemory, BudgetedMemoryBlock, LlamaIndexEmbedder

pytestmark = pytest.mark.usefixtures("own_event_loop")

FACTS = [MemoryItem(f"f{k}", prose(15, k), "long_term") for k in range(30)]


def count(text: str) -> int:
    return len(Settings.tokenizer(text))


def recalled(block: BudgetedMemoryBlock, question: str = FACTS[0].content) -> str:
    return asyncio.run(block.aget([ChatMessage(content=question)]))


def test_block_recalls_within_its_budget() -> None:
    block = BudgetedMemoryBlock(pool=MemoryPool.from_items(FACTS), budget_tokens=200)
    assert 150 < count(recalled(block)) <= 200


def test_empty_block_has_nothing_to_say() -> None:
    block = BudgetedMemoryBlock()
    assert recalled(block) == ""
    assert asyncio.run(block.aget(None)) == ""


@pytest.mark.parametrize("less", [1, 20, 90, 150])
def test_truncation_chooses_anew_in_whole_items(less: int) -> None:
    block = BudgetedMemoryBlock(pool=MemoryPool.from_items(FACTS), budget_tokens=200)
    content = recalled(block)
    shorter = asyncio.run(block.atruncate(content, less))
    assert shorter is not None
    assert count(shorter) <= count(content) - less
    lines = [line for line in shorter.splitlines() if line.startswith("- ")]
    assert lines
    assert all(line.removeprefix("- ") in {fact.content for fact in FACTS} for line in lines)


def test_truncation_to_nothing_drops_the_block() -> None:
    block = BudgetedMemoryBlock(pool=MemoryPool.from_items(FACTS), budget_tokens=200)
    content = recalled(block)
    assert asyncio.run(block.atruncate(content, count(content))) is None


def test_truncation_of_foreign_content_cuts_its_end() -> None:
    content = prose(50)
    shorter = asyncio.run(BudgetedMemoryBlock().atruncate(content, 10))
    assert shorter is not None
    assert content.startswith(shorter)
    assert count(shorter) <= count(content) - 10


def test_recalled_text_fills_in_no_template() -> None:
    pool = MemoryPool.from_items([MemoryItem("a", "river {context_str}", "long_term")])
    assert "river { context_str }" in recalled(BudgetedMemoryBlock(pool=pool))


def test_memory_passes_on_what_it_ejects_and_asks_for_less() -> None:
    block = BudgetedMemoryBlock(budget_tokens=300, priority=1)
    memory = Memory.from_defaults(
        session_id="kate",
        token_limit=400,
        chat_history_token_ratio=0.5,
        token_flush_size=100,
        memory_blocks=[block],
    )

    async def scenario() -> list[ChatMessage]:
        for turn in range(20):
            await memory.aput(ChatMessage(content=prose(15, turn)))
            await memory.aput(ChatMessage(role=MessageRole.ASSISTANT, content=prose(15, -turn)))
        view = await memory.aget()
        await memory.sql_store._async_engine.dispose()  # type: ignore[attr-defined]
        return view

    view = asyncio.run(scenario())
    assert len(block.pool) > 5
    assert {item.source for item in block.pool} == {"kate"}
    told = [message for message in view if message.role is MessageRole.SYSTEM]
    assert "## Long-term memory" in (told[0].content or "")


def test_ejected_turns_have_ids_of_their_own() -> None:
    block = BudgetedMemoryBlock()
    talk = [ChatMessage(content="a"), ChatMessage(role=MessageRole.ASSISTANT, content="b")]

    async def scenario() -> None:
        for session in ("one", "two", "one"):
            await block.aput(talk, from_short_term_memory=True, session_id=session)

    asyncio.run(scenario())
    assert len(block.pool) == 3


def test_embedder_serves_the_core() -> None:
    model = LetterEmbedding()
    embedder = LlamaIndexEmbedder(model)
    allocator = MemoryBudgetAllocator(token_counter=len, embedder=embedder)
    memories = [MemoryItem("a", "aaaa", "rag"), MemoryItem("b", "bbbb", "rag")]
    question = embedder.query("bb")
    allocation = allocator.allocate_memory_budget(
        "zz", memories, budget_tokens=22, query_embedding=question
    )
    assert [selected.id for selected in allocation.selected] == ["b"]
    allocator.allocate_memory_budget("zz", memories, budget_tokens=22, query_embedding=question)
    assert sorted(model.asked) == ["?bb", "aaaa", "bbbb"]


def test_embedder_awaits_what_is_missing() -> None:
    model = LetterEmbedding()
    embedder = LlamaIndexEmbedder(model)

    async def scenario() -> Any:
        await embedder.aprepare(["a", "b", "a"])
        await embedder.aprepare(["b"])
        return await embedder.aquery("q")

    question = asyncio.run(scenario())
    assert question.shape == (27,)
    assert embedder(["b", "a"]).shape == (2, 27)
    assert sorted(model.asked) == ["?q", "a", "b"]


class Broken(LetterEmbedding):
    """Has no vector for a text with an "x"."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float("nan")] * 27 if "x" in text else super()._get_text_embedding(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


@pytest.mark.parametrize("first", ["x", "a"])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_vector_that_is_not_finite_counts_as_missing(first: str, way: str) -> None:
    embedder = LlamaIndexEmbedder(Broken())
    for texts in ([first], ["x", "a"], ["x"]):
        if way == "async":
            asyncio.run(embedder.aprepare(texts))
        assert usable_rows(embedder(texts)).tolist() == [one == "a" for one in texts]
    assert embedder(["x"]).shape == (1, 27)


@pytest.mark.parametrize("question", ["what of x?", "what of a?"])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_vectors_that_are_not_finite_do_not_block_a_chat(question: str, way: str) -> None:
    talk = [ChatMessage(content=f"{prose(9, turn)} {letter}") for turn, letter in enumerate("xaxa")]
    memory = BudgetedMemory.from_defaults(60, chat_history=talk, embed_model=Broken())
    for more in ("", "x", "b"):
        memory.put(ChatMessage(role=MessageRole.ASSISTANT, content=f"So {more}."))
        view = asyncio.run(memory.aget(question)) if way == "async" else memory.get(question)
        assert view


def test_vectors_of_several_lengths_are_refused() -> None:
    class Growing(LetterEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return [1.0] * len(text)

    with pytest.raises(InputError, match=r"vectors of 1 and of 3 numbers\. Use one model"):
        LlamaIndexEmbedder(Growing())(["a", "bcd"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(("a model",), "embed_model must be an embedding model.* got str", id="model"),
        pytest.param((None,), "embed_model must be .* got NoneType", id="no-model"),
    ],
)
def test_what_is_no_embedding_model_is_refused(arguments: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        LlamaIndexEmbedder(*arguments)
    with pytest.raises(InputError, match="max_entries must be an integer >= 0, got -1"):
        LlamaIndexEmbedder(LetterEmbedding(), max_entries=-1)
