"""What users of LangChain and LlamaIndex call today, on the same texts.

Each peer is made from texts and vectors and then called; building it is not part of the time. The
work is not the same: trimming goes by age alone, a vector store by similarity alone.
`langchain-core` and `llama-index-core` are needed for their rows only.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks.speed_workload import BUDGET_TOKENS, DIMENSIONS
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.counting.encodings import load_encoding

TOP = 66
"""Items of about 60 tokens that fill the budget of 4,096."""
MMR_FETCH = 200


@dataclass(frozen=True, slots=True)
class Peer:
    """One call of a framework.

    Attributes:
        name: As in the table.
        most_items: Largest size at which the row takes under half a minute.
        make: Texts and vectors in, the call to be timed out.
    """

    name: str
    most_items: int
    make: Callable[[list[str], FloatArray], Callable[[], object]]


def peers() -> Iterator[Peer]:
    """Peers whose package is installed."""
    if importlib.util.find_spec("langchain_core"):
        yield Peer("LangChain trim_messages, tiktoken", 100_000, _trim_by_tiktoken)
        yield Peer("LangChain trim_messages, approximate", 100_000, trim_approximately)
        yield Peer("LangChain InMemoryVectorStore, top 66", 100_000, _vector_store)
        yield Peer("LangChain InMemoryVectorStore, MMR", 100_000, _vector_store_mmr)
    if importlib.util.find_spec("llama_index"):
        yield Peer("LlamaIndex ChatMemoryBuffer.get", 1_000, _chat_memory)
        yield Peer("LlamaIndex Memory.aget", 1_000, _memory)
        yield Peer("LlamaIndex PromptHelper.repack", 1_000, _repack)


def _tokens(text: str) -> list[int]:
    return load_encoding("o200k_base").encode(text, disallowed_special=())


def trim_approximately(texts: list[str], vectors: FloatArray | None) -> Callable[[], object]:
    """`trim_messages` with LangChain's own approximate counter."""
    return _trimming(texts, "approximate")


def _trim_by_tiktoken(texts: list[str], vectors: FloatArray) -> Callable[[], object]:
    return _trimming(texts, lambda messages: sum(len(_tokens(m.content)) for m in messages))


def _trimming(texts: list[str], counter: object) -> Callable[[], object]:
    messages = import_module("langchain_core.messages")
    listed = [messages.HumanMessage(text) for text in texts]
    return lambda: messages.trim_messages(
        listed, max_tokens=BUDGET_TOKENS, strategy="last", token_counter=counter
    )


def _store(texts: list[str], vectors: FloatArray) -> Any:
    stores = import_module("langchain_core.vectorstores")
    fake = import_module("langchain_core.embeddings").DeterministicFakeEmbedding(size=DIMENSIONS)
    store = stores.InMemoryVectorStore(fake)
    store.store = {
        str(row): {"id": str(row), "vector": vector, "text": text, "metadata": {}}
        for row, (text, vector) in enumerate(zip(texts, vectors.tolist(), strict=True))
    }
    return store


def _vector_store(texts: list[str], vectors: FloatArray) -> Callable[[], object]:
    store, query = _store(texts, vectors), vectors[0].tolist()
    return lambda: store.similarity_search_by_vector(query, k=TOP)


def _vector_store_mmr(texts: list[str], vectors: FloatArray) -> Callable[[], object]:
    store, query = _store(texts, vectors), vectors[0].tolist()
    return lambda: store.max_marginal_relevance_search_by_vector(query, k=TOP, fetch_k=MMR_FETCH)


def _chat_messages(texts: list[str]) -> list[Any]:
    llms = import_module("llama_index.core.llms")
    roles = (llms.MessageRole.USER, llms.MessageRole.ASSISTANT)
    return [llms.ChatMessage(content=t, role=roles[row % 2]) for row, t in enumerate(texts)]


def _chat_memory(texts: list[str], vectors: FloatArray) -> Callable[[], object]:
    memory = import_module("llama_index.core.memory").ChatMemoryBuffer.from_defaults(
        chat_history=_chat_messages(texts), token_limit=BUDGET_TOKENS, tokenizer_fn=_tokens
    )
    return lambda: memory.get()


def _memory(texts: list[str], vectors: FloatArray) -> Callable[[], object]:
    memory = import_module("llama_index.core.memory").Memory.from_defaults(
        session_id="speed", token_limit=BUDGET_TOKENS, tokenizer_fn=_tokens
    )
    loop = asyncio.new_event_loop()
    loop.run_until_complete(memory.aput_messages(_chat_messages(texts)))
    return lambda: loop.run_until_complete(memory.aget())


def _repack(texts: list[str], vectors: FloatArray) -> Callable[[], object]:
    core = import_module("llama_index.core")
    helper = core.PromptHelper(
        context_window=BUDGET_TOKENS, num_output=0, chunk_overlap_ratio=0.0, tokenizer=_tokens
    )
    prompt = core.PromptTemplate("{context_str}")
    return lambda: helper.repack(prompt, texts)
