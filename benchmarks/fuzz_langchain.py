"""What the fuzz run calls in the adapter for LangChain.

Messages and documents are the framework's own, so they are valid for it; what they hold is
hostile: texts, ids, metadata, blocks of content, arguments of tool calls, artifacts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.retrievers import BaseRetriever
from langgraph.store.base import InvalidNamespaceError
from langgraph.store.memory import InMemoryStore

from benchmarks.fuzz_core import Call, Problems, calling, number_of_tokens, over
from benchmarks.fuzz_values import PLAIN_COUNTERS, Draw
from mba_integrations import langchain


class _Retriever(BaseRetriever):
    """Gives the same documents to every query."""

    found: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return self.found


class _Embeddings(Embeddings):
    """LangChain's interface around a hostile function."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        found: list[list[float]] = self._function(texts)
        return found

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def _documents(draw: Draw) -> list[Document]:
    return [
        Document(
            page_content=draw.text(),
            id=draw.identifier() if draw.chance(0.6) else None,
            metadata={str(key): value for key, value in draw.metadata().items()},
        )
        for _ in range(draw.random.randrange(8))
    ]


def _content(draw: Draw) -> Any:
    blocks: list[Any] = [
        {"type": "text", "text": draw.text()},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}},
        {"type": "document", "source": {"data": draw.text()}},
        {"type": draw.identifier(), "x": draw.text()[:99]},
        {"type": "text"},
        draw.text(),
        {},
    ]
    return draw.text() if draw.chance(0.8) else [draw.one(blocks), draw.one(blocks)]


def _message(draw: Draw, place: int) -> AnyMessage:
    content, own_id = _content(draw), draw.one([None, str(place), "0", "\ud800", "a@1"])
    kind = draw.random.randrange(8)
    if kind < 3:
        return HumanMessage(content, id=own_id)
    if kind == 3:
        return SystemMessage(content, id=own_id)
    if kind < 6:
        return AIMessage(content, id=own_id)
    if kind == 6:
        calls = [
            {"name": draw.identifier(), "args": {"x": draw.text()[:99]}, "id": draw.identifier()}
        ]
        return AIMessage(content, tool_calls=calls, id=own_id)
    return ToolMessage(content, tool_call_id=draw.identifier(), artifact=draw.vector(), id=own_id)


def _messages(draw: Draw) -> list[AnyMessage]:
    return [_message(draw, place) for place in range(draw.random.randrange(9))]


def message_counter(draw: Draw) -> Call:
    """Counts hostile messages, texts and schemas."""
    counter, messages = draw.counter(), _messages(draw)
    schema = {"title": draw.text(), "x": draw.metadata()}

    def run() -> Problems:
        counts = langchain.MessageCounter(counter)
        if counts(messages) < 0 or counts.schema_tokens(schema) < 0:
            yield "a count below zero"

    return Call(run, {"counter": counter, "messages": messages, "schema": schema})


def chat_history(draw: Draw) -> Call:
    """A history whose view must be within its budget."""
    budget, messages, counter = number_of_tokens(draw), _messages(draw), draw.one(PLAIN_COUNTERS)
    named = {"recent_share": draw.number()} if draw.chance(0.2) else {}

    def run() -> Problems:
        history = langchain.BudgetedChatMessageHistory(budget, token_counter=counter, **named)
        history.add_messages(messages)
        used = sum(langchain.MessageCounter(counter).message_tokens(history.messages))
        yield from over(used, budget)

    return Call(run, {"budget": budget, "messages": messages, "counter": counter, **named})


def classic_memory(draw: Draw) -> Call:
    """The memory of a chain."""
    budget, counter = number_of_tokens(draw), draw.one(PLAIN_COUNTERS)
    turns = [(draw.text(), draw.text()) for _ in range(draw.random.randrange(5))]
    as_messages = draw.chance(0.5)

    def run() -> Problems:
        memory = langchain.BudgetedMemory(
            budget_tokens=budget, token_counter=counter, return_messages=as_messages
        )
        for asked, said in turns:
            memory.save_context({"input": asked}, {"output": said})
        shown = memory.load_memory_variables({"input": "Kate?"})["history"]
        counts = langchain.MessageCounter(counter)
        used = sum(counts.message_tokens(shown)) if as_messages else counter(shown)
        yield from over(used, budget)

    return Call(run, {"budget": budget, "turns": turns, "counter": counter,
                      "return_messages": as_messages})  # fmt: skip


def compressor(draw: Draw) -> Call:
    """Documents that fit."""
    budget, documents, counter = number_of_tokens(draw), _documents(draw), draw.one(PLAIN_COUNTERS)
    named = {draw.one(["k", "tier", "separator"]): draw.anything()} if draw.chance(0.2) else {}

    def run() -> Problems:
        keeps = langchain.BudgetedDocumentCompressor(
            budget_tokens=budget, token_counter=counter, **named
        )
        kept = keeps.compress_documents(documents, "Kate?")
        used = counter(keeps.separator.join(one.page_content for one in kept))
        yield from over(used, budget)

    return Call(run, {"budget": budget, "documents": documents, "counter": counter, **named})


def retriever(draw: Draw) -> Call:
    """Documents of several retrievers that fit."""
    budget, counter = number_of_tokens(draw), draw.one(PLAIN_COUNTERS)
    lists = [_documents(draw) for _ in range(draw.random.randint(1, 3))]
    shares = (
        [draw.perhaps(round(1 / len(lists), 3), 0.3) for _ in lists] if draw.chance(0.4) else []
    )
    query = draw.text()

    def run() -> Problems:
        sources: Sequence[Any] = [_Retriever(found=found) for found in lists]
        if shares:
            sources = [langchain.RetrieverSource(one, tier="rag", share=share)
                       for one, share in zip(sources, shares, strict=True)]  # fmt: skip
        asks = langchain.BudgetedRetriever(
            retrievers=sources, budget_tokens=budget, token_counter=counter
        )
        used = counter(asks.separator.join(one.page_content for one in asks.invoke(query)))
        yield from over(used, budget)

    return Call(run, {"budget": budget, "lists": lists, "shares": shares, "query": query,
                      "counter": counter})  # fmt: skip


def runnable(draw: Draw) -> Call:
    """A step of a chain with any input."""
    documents, budget = _documents(draw), number_of_tokens(draw)
    given = draw.perhaps({"query": draw.text(), "memories": draw.perhaps(draw.items(), 0.1)}, 0.2)

    def run() -> Problems:
        from mba_integrations import MemoryBudgetAllocator

        step = langchain.as_runnable(
            MemoryBudgetAllocator(len), budget_tokens=budget, memories=documents
        )
        found = step.invoke(given)
        yield from over(len(found.prompt_text), budget)

    return Call(run, {"budget": budget, "documents": documents, "input": given})


def embeddings(draw: Draw) -> Call:
    """Embedding models of both frameworks that give nonsense."""
    function, texts = draw.embedder(), [draw.text() for _ in range(draw.random.randrange(4))]
    named = {draw.one(["batch_size", "max_entries"]): draw.number()} if draw.chance(0.3) else {}
    model = draw.perhaps(_Embeddings(function), 0.1)

    def run() -> Problems:
        from mba_integrations import MemoryBudgetAllocator, MemoryItem

        items = [MemoryItem(str(place), text or "x", "rag") for place, text in enumerate(texts)]
        embedder = langchain.EmbeddingsEmbedder(model, **named)
        MemoryBudgetAllocator(len, embedder).allocate_memory_budget("Kate?", items)
        return iter(())

    return Call(run, {"function": function, "texts": texts, "model": model, **named})


def store_source(draw: Draw) -> Call:
    """Memories in a store whose records are odd."""
    values = [
        draw.perhaps({"text": draw.perhaps(draw.text(), 0.1), **draw.metadata(),
                      draw.one(["pinned", "position", "importance"]): draw.number()}, 0.05)
        for _ in range(draw.random.randrange(5))
    ]  # fmt: skip
    named = {draw.one(["limit", "tier", "text_field"]): draw.number()} if draw.chance(0.2) else {}
    labels, query = draw.perhaps(("memories", draw.identifier()), 0.1), draw.text()

    def run() -> Problems:
        store = InMemoryStore()
        source = langchain.LangGraphStoreSource(labels, store=store, **named)
        runtime: Any = None
        for place, value in enumerate(values):
            with suppress(InvalidNamespaceError):  # the store's own rule, not ours
                store.put(
                    source.labels(runtime), str(place), value if isinstance(value, dict) else {}
                )
        source.items(query, runtime)
        return iter(())

    return Call(run, {"values": values, "namespace": labels, "query": query, **named})


def middleware(draw: Draw) -> Call:
    """A model call of an agent: what goes through is within the budget."""
    budget, messages, counter = number_of_tokens(draw), _messages(draw), draw.one(PLAIN_COUNTERS)
    found = _documents(draw)
    named: dict[str, Any] = {}
    if draw.chance(0.2):
        named[draw.one(["recent_share", "reply_tokens", "introduction", "name"])] = draw.anything()

    def run() -> Problems:
        seen: list[Any] = []

        def handler(asked: ModelRequest[Any]) -> ModelResponse[Any]:
            seen.extend([] if asked.system_message is None else [asked.system_message])
            seen.extend(asked.messages)
            return ModelResponse(result=[AIMessage("ok")])

        keeps = langchain.MemoryBudgetMiddleware(
            budget, memories=[_Retriever(found=found)], token_counter=counter, **named
        )
        model = FakeListChatModel(responses=["ok"])
        keeps.wrap_model_call(ModelRequest(model=model, messages=list(messages)), handler)
        used = langchain.MessageCounter(counter)(seen)
        yield from over(used, budget)

    return Call(run, {"budget": budget, "messages": messages, "documents": found,
                      "counter": counter, **named})  # fmt: skip


def promotion(draw: Draw) -> Call:
    """The middleware that moves memories, with any arguments."""
    source = draw.perhaps(langchain.LangGraphStoreSource(("m",), store=InMemoryStore()), 0.5)
    return calling(langchain.MemoryPromotionMiddleware, source, settings=draw.perhaps(None, 0.3))


TARGETS: Mapping[str, Callable[[Draw], Call]] = {
    "langchain.MessageCounter": message_counter,
    "langchain.BudgetedChatMessageHistory": chat_history,
    "langchain.BudgetedMemory": classic_memory,
    "langchain.BudgetedDocumentCompressor": compressor,
    "langchain.BudgetedRetriever": retriever,
    "langchain.as_runnable": runnable,
    "langchain.EmbeddingsEmbedder": embeddings,
    "langchain.LangGraphStoreSource": store_source,
    "langchain.MemoryBudgetMiddleware": middleware,
    "langchain.MemoryPromotionMiddleware": promotion,
}
