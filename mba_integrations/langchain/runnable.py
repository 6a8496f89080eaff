"""`as_runnable`: an allocator as a step of an LCEL chain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.arguments import checked_iterable, checked_text
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.langchain.distinct_items import distinct
from mba_integrations.langchain.documents.choice import check_limits, summary_of
from mba_integrations.langchain.documents.items import items_from_documents
from mba_integrations.langchain.events import asend_event, send_event

RUN_NAME = "memory_budget"
_BUDGET_KEY = "budget_tokens"


def as_runnable(
    allocator: MemoryBudgetAllocator | None = None,
    *,
    workspace_id: str = "default",
    budget_tokens: int | None = None,
    query_key: str = "query",
    memories_key: str = "memories",
    memories: Sequence[MemoryItem | Document] = (),
    name: str = RUN_NAME,
) -> Runnable[Any, Allocation]:
    """A step that takes a query with memories and gives an `Allocation`.

    Its input is a mapping with the query and the memories, which are `MemoryItem`s or documents; or
    the query alone, where *memories* has them. `config={"configurable": {"budget_tokens": 500}}`
    sets the budget of one call.

    Args:
        allocator: Chooses; made by default.
        workspace_id: Whose settings apply.
        budget_tokens: Most tokens of the prompt, >= 1; None for the workspace's ceiling.
        query_key: Where an input has the query.
        memories_key: Where an input has the memories.
        memories: Memories of every call, before those of the input.
        name: Of the step, in traces.

    >>> from operator import attrgetter
    >>> items = [MemoryItem("a", "Kate likes skiing.", "project")]
    >>> counting = MemoryBudgetAllocator(lambda text: len(text.split()))
    >>> chain = as_runnable(counting, memories=items) | attrgetter("prompt_text")
    >>> chain.invoke("What does Kate like?")
    '## Project\\n- Kate likes skiing.\\n'
    """
    check_limits(budget_tokens, None)
    if allocator is not None and not isinstance(allocator, MemoryBudgetAllocator):
        kind = type(allocator).__name__
        raise InputError(f"allocator must be a MemoryBudgetAllocator, got {kind}.")
    step = _Step(
        allocator or MemoryBudgetAllocator(),
        checked_text("workspace_id", workspace_id),
        budget_tokens,
        checked_text("query_key", query_key),
        checked_text("memories_key", memories_key),
        tuple(_items(memories)),
    )
    return RunnableLambda(step.select, afunc=step.aselect, name=checked_text("name", name))


@dataclass(frozen=True, slots=True)
class _Step:
    """The arguments of `as_runnable`, and what is done by them."""

    allocator: MemoryBudgetAllocator
    workspace_id: str
    budget_tokens: int | None
    query_key: str
    memories_key: str
    memories: tuple[MemoryItem, ...]

    def select(self, given: Any, config: RunnableConfig) -> Allocation:
        allocation = self._choose(given, config)
        send_event(summary_of(allocation), config)
        return allocation

    async def aselect(self, given: Any, config: RunnableConfig) -> Allocation:
        allocation = await asyncio.to_thread(self._choose, given, config)
        await asend_event(summary_of(allocation), config)
        return allocation

    def _choose(self, given: Any, config: RunnableConfig) -> Allocation:
        query, own = _read(given, self.query_key, self.memories_key)
        asked = (config.get("configurable") or {}).get(_BUDGET_KEY, self.budget_tokens)
        check_limits(asked, None)
        items = distinct([*self.memories, *_items(own)])
        return self.allocator.allocate_memory_budget(query, items, self.workspace_id, asked)


def _read(given: Any, query_key: str, memories_key: str) -> tuple[str, Sequence[Any]]:
    if isinstance(given, str):
        return given, ()
    if not isinstance(given, Mapping) or not isinstance(given.get(query_key), str):
        raise InputError(
            f"the input must be a query or a mapping with a text under {query_key!r}, got "
            f"{type(given).__name__}."
        )
    own = given.get(memories_key)
    return given[query_key], () if own is None else own


def _items(memories: Sequence[Any]) -> list[MemoryItem]:
    """Items as they are, documents as items of the tier `rag`."""
    checked_iterable("memories", memories, "a list of MemoryItem or Document")
    memories = list(memories)
    items = [one for one in memories if isinstance(one, MemoryItem)]
    documents = [one for one in memories if isinstance(one, Document)]
    if len(items) + len(documents) != len(memories):
        odd = next(one for one in memories if not isinstance(one, MemoryItem | Document))
        raise InputError(
            f"memories must be MemoryItem or Document, got {type(odd).__name__} among them."
        )
    return [*items, *items_from_documents(documents, tier=MemoryTier.RAG)]
