"""Long-term memory for a chat: what a retriever finds, or the project's own pool, as one message.

The core chooses and writes it in sections, so that no remembered text can forge one; template
variables in it are defused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.indices.base import BaseIndex
from llama_index.core.schema import NodeWithScore, QueryBundle

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.counting.chat_format import MESSAGE_FRAME_TOKENS
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.llamaindex.counters import LiveAllocator
from mba_integrations.llamaindex.nodes import items_from_nodes, score_vectors
from mba_integrations.llamaindex.template_variables import TemplateGuard

LongTermSource = BaseRetriever | BaseIndex[Any] | MemoryPool
"""Where long-term memory comes from."""
DEFAULT_TOP_K = 50


@dataclass(frozen=True, slots=True)
class Recalled:
    """Candidates for a query, with the query's vector where they have vectors."""

    candidates: list[MemoryItem] | MemoryPool
    query_embedding: FloatArray | None = None


class LongTermMemory:
    """Recalls and writes long-term memory.

    Args:
        source: A retriever; an index, of which the nearest 50 nodes are candidates; or a pool.
        live: What counts and allocates.
        guard: Defuses template variables.
        session_id: Names the conversation: what stays from turn to turn keeps its place.
    """

    def __init__(
        self,
        source: LongTermSource,
        live: LiveAllocator,
        guard: TemplateGuard,
        *,
        session_id: str,
    ) -> None:
        if isinstance(source, BaseIndex):
            source = source.as_retriever(similarity_top_k=DEFAULT_TOP_K)
        self._source: BaseRetriever | MemoryPool = source
        self._live = live
        self._guard = guard
        self._session_id = session_id

    def recall(self, query: str) -> Recalled:
        """Candidates for *query*; none for an empty one, which no retriever takes."""
        if isinstance(self._source, MemoryPool):
            return Recalled(self._source)
        return _recalled(self._source.retrieve(QueryBundle(query))) if query else Recalled([])

    async def arecall(self, query: str) -> Recalled:
        """Candidates for *query*; none for an empty one, which no retriever takes."""
        if isinstance(self._source, MemoryPool):
            return Recalled(self._source)
        if not query:
            return Recalled([])
        return _recalled(await self._source.aretrieve(QueryBundle(query)))

    def message(self, query: str, recalled: Recalled, *, budget_tokens: int) -> ChatMessage | None:
        """A system message within *budget_tokens*, framing included; None if nothing fits."""
        counter = self._live.counter
        frame = MESSAGE_FRAME_TOKENS + counter.count(MessageRole.SYSTEM.value)
        room = budget_tokens - frame
        session = self._live.allocator.session(self._session_id)
        while room > 0 and len(recalled.candidates):
            allocation = session.allocate_memory_budget(
                query,
                recalled.candidates,
                self._live.workspace.workspace_id,
                budget_tokens=room,
                query_embedding=recalled.query_embedding,
            )
            text = self._guard.text(allocation.prompt_text)
            # Defusing a variable adds white space, which may be a token more.
            over = counter.count(text) - (budget_tokens - frame)
            if not text:
                return None
            if over <= 0:
                return ChatMessage(role=MessageRole.SYSTEM, content=text)
            room -= over
        return None


def _recalled(nodes: list[NodeWithScore]) -> Recalled:
    vectors, query = score_vectors(nodes)
    return Recalled(items_from_nodes(nodes, tier=MemoryTier.LONG_TERM, vectors=vectors), query)
