"""Where an agent's memories come from: the protocol, and any retriever as a source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from langchain_core.retrievers import BaseRetriever

from mba_integrations.core.arguments import checked_member, checked_part
from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier, TierName
from mba_integrations.langchain.distinct_items import distinct
from mba_integrations.langchain.documents.items import items_from_documents

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


@runtime_checkable
class MemorySource(Protocol):
    """Finds memories for a query. It does not decide which come into the prompt.

    1. Both methods give the same items.
    2. Ids are unique within the source and stay the same from call to call.
    3. Items hold no reference into a store or an index that others may change.
    4. A question may be without text, as where a picture is shown: nothing matches it by words.
    5. What could not be read is left out, and told: `FoundMemories`.
    """

    def items(self, query: str, runtime: Runtime[Any]) -> Sequence[MemoryItem]: ...

    async def aitems(self, query: str, runtime: Runtime[Any]) -> Sequence[MemoryItem]: ...


@runtime_checkable
class UsedMemories(Protocol):
    """A source that counts which of its memories came into a prompt, as opposed to being found.

    1. Ids of memories of other sources are passed over.
    2. It may be told of the same use more than once, as of each model call of a run.
    """

    def used(self, item_ids: Sequence[str], runtime: Runtime[Any] | None) -> None: ...

    async def aused(self, item_ids: Sequence[str], runtime: Runtime[Any] | None) -> None: ...


@runtime_checkable
class PromotedMemories(Protocol):
    """A source whose memories move between tiers by their use; both methods give how many moved."""

    def record(
        self, item_ids: Sequence[str], runtime: Runtime[Any], settings: PromotionSettings
    ) -> int: ...

    async def arecord(
        self, item_ids: Sequence[str], runtime: Runtime[Any], settings: PromotionSettings
    ) -> int: ...


class FoundMemories(list[MemoryItem]):
    """Memories, and what there is to say about them.

    Args:
        items: The memories.
        notes: What was left out and why, a sentence each.
    """

    def __init__(self, items: Iterable[MemoryItem] = (), notes: Iterable[str] = ()) -> None:
        super().__init__(items)
        self.notes = tuple(notes)


@dataclass(frozen=True, slots=True)
class RetrieverSource:
    """The documents of a retriever as memories.

    Args:
        retriever: Any retriever.
        tier: The tier of its documents.
        share: Its part of the budget, in (0, 1], where `BudgetedRetriever` divides by shares.
    """

    retriever: BaseRetriever
    tier: MemoryTier | TierName = MemoryTier.RAG
    share: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.retriever, BaseRetriever):
            kind = type(self.retriever).__name__
            raise InputError(f"retriever must be a BaseRetriever, got {kind}.")
        if self.share is not None:
            object.__setattr__(self, "share", checked_part("share", self.share, above_zero=True))
        object.__setattr__(self, "tier", checked_member("tier", self.tier, MemoryTier))

    def items(self, query: str, runtime: Runtime[Any]) -> Sequence[MemoryItem]:
        """What the retriever finds; nothing for a question without text."""
        if not query.strip():
            return []
        return items_from_documents(self.retriever.invoke(query), tier=MemoryTier(self.tier))

    async def aitems(self, query: str, runtime: Runtime[Any]) -> Sequence[MemoryItem]:
        """What the retriever finds; nothing for a question without text."""
        if not query.strip():
            return []
        found = await self.retriever.ainvoke(query)
        return items_from_documents(found, tier=MemoryTier(self.tier))


def as_source(source: object) -> MemorySource:
    """A source as it is, or a retriever as a source of documents.

    Raises:
        InputError: If it is neither.
    """
    if isinstance(source, BaseRetriever):
        return RetrieverSource(source)
    if isinstance(source, MemorySource) and not isinstance(source, type):
        return source
    raise InputError(
        "a source of memories must be a LangGraphStoreSource, a MemoryServiceSource, a retriever "
        f"or a MemorySource, got {type(source).__name__}."
    )


def gathered(found: Iterable[Sequence[MemoryItem]]) -> FoundMemories:
    """What several sources found: each memory once, and all notes. Each has a list of its own."""
    lists = list(found)
    notes = [note for one in lists for note in getattr(one, "notes", ())]
    items = [_listed(item, place) for place, one in enumerate(lists) for item in one]
    return FoundMemories(distinct(items), notes)


def _listed(item: MemoryItem, place: int) -> MemoryItem:
    """The item in the list of its source, unless the source names one."""
    if item.retriever_score is None or item.retriever is not None:
        return item
    return replace(item, retriever=f"source {place}")
