"""What the fuzz run calls in the adapters on the memory service, and the rerankers.

One service on a new file answers all calls of a run; its workspace holds a few memories. What a
call writes goes to a workspace of its own, so that other calls find what they found before.
"""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever
from langgraph.store.base import InvalidNamespaceError
from llama_index.core.base.base_retriever import BaseRetriever as NodeRetriever
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.base.response.schema import Response
from llama_index.core.instrumentation.events.retrieval import RetrievalEndEvent
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from benchmarks.fuzz_core import Call, Problems, calling, number_of_tokens, over
from benchmarks.fuzz_values import Draw
from mba_integrations import MemoryBudgetAllocator, langchain, llamaindex
from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services import MemoryService

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TEXTS = ["Kate lives in Lisbon.", "Ben keeps bees.", "The door code is 4711."]


@cache
def _service() -> MemoryService:
    folder = tempfile.TemporaryDirectory()
    service = MemoryService.open(
        Path(folder.name) / "memory.db", background=False, token_counter=len, clock=lambda: NOW
    )
    atexit.register(folder.cleanup)
    atexit.register(service.close)
    for workspace_id in ("read", "written"):
        service.create_workspace(workspace_id)
        service.remember(workspace_id, TEXTS)
    return service


class _CrossEncoder(BaseCrossEncoder):
    """LangChain's interface around hostile scores."""

    def __init__(self, scores: Any) -> None:
        self._scores = scores

    def score(self, text_pairs: Any) -> Any:
        return self._scores


def _reranked(draw: Draw, make: Callable[[], Any], given: Mapping[str, Any]) -> Call:
    query, items = draw.text(), draw.items()

    def run() -> Problems:
        allocator = MemoryBudgetAllocator(len, reranker=make())
        allocation = allocator.allocate_memory_budget(query, items, budget_tokens=200, now=NOW)
        yield from over(len(allocation.prompt_text), 200)

    return Call(run, {"query": query, "items": items, **given})


def langchain_reranker(draw: Draw) -> Call:
    """A cross-encoder with any scores, and what is none."""
    scores = draw.one([[0.1] * 3, [], draw.vector(), draw.anything()])
    encoder = draw.perhaps(_CrossEncoder(scores), 0.3)
    return _reranked(draw, lambda: langchain.LangChainReranker(encoder), {"scores": scores})


def llamaindex_reranker(draw: Draw) -> Call:
    """A postprocessor that drops some, and what is none."""
    keeps = draw.perhaps(SimilarityPostprocessor(similarity_cutoff=0.5), 0.3)
    return _reranked(draw, lambda: llamaindex.LlamaIndexReranker(keeps), {"postprocessor": keeps})


def _arguments(draw: Draw) -> dict[str, Any]:
    return {
        "service": draw.perhaps(_service(), 0.1),
        "workspace_id": draw.perhaps("read", 0.2),
        "budget_tokens": number_of_tokens(draw),
    }


class _Found(BaseRetriever):
    """LangChain's interface around texts."""

    texts: list[str]

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document(text) for text in self.texts]


class _FoundNodes(NodeRetriever):
    """LlamaIndex' interface around texts."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self._texts = texts

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=TextNode(text=text), score=0.5) for text in self._texts]


def _candidates(draw: Draw, kind: Any, index: Any) -> Call:
    index, k, query = draw.perhaps(index, 0.2), number_of_tokens(draw), draw.text()

    def run() -> Problems:
        found = kind(index, k=k).candidates(query)
        if len(found) > k or not all(isinstance(one["text"], str) for one in found):
            yield "candidates are more than were asked for, or have no text"

    return Call(run, {"index": index, "k": k, "query": query})


def langchain_candidates(draw: Draw) -> Call:
    """What a retriever of LangChain finds, for the RAG service."""
    return _candidates(draw, langchain.CandidateIndex, _Found(texts=[draw.text(), "Bees."]))


def llamaindex_candidates(draw: Draw) -> Call:
    """What a retriever of LlamaIndex finds, for the RAG service."""
    return _candidates(draw, llamaindex.CandidateIndex, _FoundNodes([draw.text(), "Bees."]))


def langchain_retriever(draw: Draw) -> Call:
    """LangChain's retriever, whose documents must be within the budget."""
    named, query = _arguments(draw), draw.text()

    def run() -> Problems:
        retriever = langchain.MemoryServiceRetriever(**named)
        found = retriever.invoke(query)
        joined = retriever.separator.join(one.page_content for one in found)
        yield from over(len(joined), named["budget_tokens"])

    return Call(run, {**named, "query": query})


def llamaindex_retriever(draw: Draw) -> Call:
    """LlamaIndex' retriever."""
    named, query = _arguments(draw), draw.text()

    def run() -> Problems:
        llamaindex.MemoryServiceRetriever(**named).retrieve(query)
        return iter(())

    return Call(run, {**named, "query": query})


def memory_source(draw: Draw) -> Call:
    """What an agent's middleware asks for memories."""
    return calling(langchain.MemoryServiceSource, **_arguments(draw))


def item_store(draw: Draw) -> Call:
    """A LangGraph store with any names, keys and values."""
    namespace = ("notes", draw.identifier())
    key, value = draw.identifier(), draw.perhaps({"text": draw.text()}, 0.2)

    def run() -> Problems:
        store = langchain.MemoryServiceStore(_service(), "written")
        with suppress(InvalidNamespaceError):  # LangGraph's own check
            store.put(namespace, key, value)
            yield from _got(store, namespace, key, value)

    return Call(run, {"namespace": namespace, "key": key, "value": value})


def _got(store: Any, namespace: tuple[str, ...], key: str, value: Any) -> Problems:
    kept = store.get(namespace, key)
    if kept is None or kept.value != value:
        yield "an item that was put is not what is got"


def memory_block(draw: Draw) -> Call:
    """Turns that left LlamaIndex' short-term memory."""
    import asyncio

    budget, messages = number_of_tokens(draw), [ChatMessage(draw.text(), role="user")]

    def run() -> Problems:
        block = llamaindex.MemoryServiceBlock(
            name="b", service=_service(), workspace_id="written", budget_tokens=budget
        )
        asyncio.run(block.aput(messages))
        asyncio.run(block.aget(messages))
        return iter(())

    return Call(run, {"budget": budget, "messages": messages})


def _answered(draw: Draw) -> tuple[Any, str, str]:
    """A service or what is none, a question, and an answer with any text."""
    return draw.perhaps(_service(), 0.2), draw.text() or "Who?", draw.text()


def langchain_feedback(draw: Draw) -> Call:
    """A chain whose answer is any text, reported by LangChain's handler."""
    service, question, answer = _answered(draw)
    cited = draw.perhaps(["1"], 0.3)

    def run() -> Problems:
        handler = langchain.MemoryFeedbackHandler(service, citations=lambda _: cited)
        retriever = langchain.MemoryServiceRetriever(service=_service(), workspace_id="written")
        model = GenericFakeChatModel(messages=iter([AIMessage(answer)]))
        chain = retriever | (lambda found: str(found)) | model
        with suppress(MemoryBudgetError):  # of a question that is none
            chain.invoke(question, config={"callbacks": [handler]})
        return iter(())

    return Call(run, {"service": service, "question": question, "answer": answer, "cited": cited})


def llamaindex_feedback(draw: Draw) -> Call:
    """An answer with any text, reported by LlamaIndex' handler."""
    service, question, answer = _answered(draw)

    def run() -> Problems:
        handler = llamaindex.MemoryFeedbackHandler(service)
        retriever = llamaindex.MemoryServiceRetriever(_service(), "written")
        with suppress(MemoryBudgetError):
            nodes = retriever.retrieve(question)
            handler.handle(RetrievalEndEvent(str_or_query_bundle=question, nodes=nodes))
            response = Response(answer, source_nodes=nodes)
            handler.handle(SynthesizeEndEvent(query=question, response=response))
        return iter(())

    return Call(run, {"service": service, "question": question, "answer": answer})


TARGETS: Mapping[str, Callable[[Draw], Call]] = {
    "langchain.CandidateIndex": langchain_candidates,
    "llamaindex.CandidateIndex": llamaindex_candidates,
    "langchain.LangChainReranker": langchain_reranker,
    "langchain.MemoryFeedbackHandler": langchain_feedback,
    "langchain.MemoryServiceRetriever": langchain_retriever,
    "langchain.MemoryServiceSource": memory_source,
    "langchain.MemoryServiceStore": item_store,
    "llamaindex.LlamaIndexReranker": llamaindex_reranker,
    "llamaindex.MemoryFeedbackHandler": llamaindex_feedback,
    "llamaindex.MemoryServiceRetriever": llamaindex_retriever,
    "llamaindex.MemoryServiceBlock": memory_block,
}
