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

from mba_integrations.core.counting.chat_format import MESSAGE_FRAME_TOKENS
from mba_integrations.core.errors import InputError, PinnedOverBudgetError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.llamaindex.counters import LiveAllocator
from mba_integrations.llamaindex.messages.history import FrontMessage
from mba_integrations.llamaindex.messages.template_variables import TemplateGuard
from mba_integrations.llamaindex.retrieval.nodes import items_from_nodes

LongTermSource = BaseRetriever | BaseIndex[Any] | MemoryPool
"""Where long-term memory comes from."""
DEFAULT_TOP_K = 50


@dataclass(frozen=True, slots=True)
class Recalled:
    """Candidates for a query."""

    candidates: list[MemoryItem] | MemoryPool


class LongTermMemory:
    """Recalls and writes long-term memory.

    Args:
        source: A retriever; an index, of which the nearest 50 nodes are candidates; or a pool.
        live: What counts and allocates.
        guard: Defuses template variables.
        session_id: Names the conversation: what stays from call to call keeps its place.
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

    def within(self, query: str, recalled: Recalled, budget_tokens: int) -> FrontMessage:
        """A system message within *budget_tokens*, framing included; none if nothing fits.

        Raises:
            PinnedOverBudgetError: If pinned memories do not fit; `needed_tokens` has the framing.
        """
        counter = self._live.counter
        frame = MESSAGE_FRAME_TOKENS + counter.count(MessageRole.SYSTEM.value)
        spare = 0
        while len(recalled.candidates):
            room = budget_tokens - frame - spare
            if room < 1 and not any(item.pinned for item in recalled.candidates):
                break
            try:
                allocation = self._allocation(query, recalled, max(1, room))
            except PinnedOverBudgetError as error:
                raise _with_frame(error, frame + spare, budget_tokens) from None
            text = self._guard.text(allocation.prompt_text)
            tokens = frame + counter.count(text) if text else 0
            if tokens <= budget_tokens:
                message = ChatMessage(role=MessageRole.SYSTEM, content=text) if text else None
                return FrontMessage(
                    message=message,
                    tokens=tokens,
                    omits_some=bool(allocation.omission_counts()),
                )
            # Defusing a variable adds white space, which may be a token more.
            spare += tokens - budget_tokens
        return FrontMessage(omits_some=bool(len(recalled.candidates)))

    def _allocation(self, query: str, recalled: Recalled, budget_tokens: int) -> Allocation:
        return self._live.allocator.session(self._session_id).allocate_memory_budget(
            query,
            recalled.candidates,
            self._live.workspace.workspace_id,
            budget_tokens=budget_tokens,
        )


def checked_source(source: object) -> LongTermSource:
    """A source of long-term memory.

    Raises:
        InputError: If it is none.
    """
    if isinstance(source, (BaseRetriever, BaseIndex, MemoryPool)):
        return source
    raise InputError(
        f"long_term must be a retriever, an index or a MemoryPool, got {type(source).__name__}."
    )


def _with_frame(
    error: PinnedOverBudgetError, more_tokens: int, budget_tokens: int
) -> PinnedOverBudgetError:
    """The error as seen from outside of the message that memories stand in."""
    needed = error.needed_tokens + more_tokens
    return PinnedOverBudgetError(
        f"pinned memories need {needed:,} tokens as a message, {budget_tokens:,} are left for it "
        f"({needed - budget_tokens:,} over). Raise budget_tokens or unpin one.",
        needed_tokens=needed,
        budget_tokens=budget_tokens,
    )


def _recalled(nodes: list[NodeWithScore]) -> Recalled:
    return Recalled(items_from_nodes(nodes, tier=MemoryTier.LONG_TERM))
