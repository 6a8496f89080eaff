"""`BudgetedRetriever`: one or several retrievers, and the documents that fit a budget.

Retrievers are asked at the same time. What comes back are copies of their documents with one
further key in the metadata; joined by the separator they have at most `budget_tokens` tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import get_executor_for_config
from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.langchain.distinct_items import distinct
from mba_integrations.langchain.documents.choice import (
    SEPARATOR,
    CurrentChoice,
    DocumentChoice,
    best_documents,
    check_limits,
    documents_workspace,
    told_of,
    with_shares,
)
from mba_integrations.langchain.documents.items import items_from_documents
from mba_integrations.langchain.events import asend_event, send_event
from mba_integrations.langchain.memory_sources import RetrieverSource


class BudgetedRetriever(BaseRetriever):
    """Returns the documents of several retrievers that fit a budget.

    They are in the order of the tiers, within one the most useful first. A question without text is
    sent to no retriever and finds nothing. A field that is set later counts from the next call on.

    The budget is given here, at `invoke(query, budget_tokens=...)`, or through `configurable` (see
    `configurable_fields`); the call's goes before. Without any, the workspace's ceiling decides.

    Attributes:
        retrievers: Retrievers, or `RetrieverSource(retriever, tier=..., share=...)`. Shares must
            sum to 1 and are then those of the tiers; what a tier does not need the others have.
        budget_tokens: Most tokens of the joined documents, >= 1.
        k: Most documents, >= 1.
        workspace: Settings for the choice.
        allocator: Chooses, and keeps the log; made by default.
        separator: What will stand between two documents.
        token_counter: Counts, where no allocator is given.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, validate_assignment=True)

    retrievers: Sequence[BaseRetriever | RetrieverSource]
    budget_tokens: int | None = None
    k: int | None = None
    workspace: WorkspaceConfig = Field(default_factory=documents_workspace)
    allocator: MemoryBudgetAllocator | None = Field(default=None, exclude=True)
    separator: str = SEPARATOR
    token_counter: Any = Field(default=None, exclude=True)

    _current: CurrentChoice = PrivateAttr(default_factory=CurrentChoice)
    _known: tuple[Any, ...] | None = PrivateAttr(default=None)

    @field_validator("budget_tokens", "k")
    @classmethod
    def _check_limit(cls, value: int | None) -> int | None:
        check_limits(value, None)
        return value

    def model_post_init(self, context: Any, /) -> None:
        """Check the settings."""
        super().model_post_init(context)
        self._choice(self._sources())

    def _sources(self) -> list[RetrieverSource]:
        """The retrievers of now."""
        if not self.retrievers:
            raise InputError("retrievers is empty: give at least one.")
        return [_as_source(one) for one in self.retrievers]

    def _choice(self, sources: list[RetrieverSource]) -> DocumentChoice:
        shares = [(one.tier, one.share) for one in sources]
        known = self._known
        if known is None or known[0] is not self.workspace or known[1] != shares:
            self._known = known = (self.workspace, shares, _workspace_for(sources, self.workspace))
        return self._current.of(known[2], self.allocator, self.token_counter, self.separator)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        budget_tokens: int | None = None,
        k: int | None = None,
    ) -> list[Document]:
        config: RunnableConfig = {"callbacks": run_manager.get_child()}
        sources = self._sources() if query.strip() else []
        with get_executor_for_config(config) as executor:
            found = list(executor.map(lambda one: one.retriever.invoke(query, config), sources))
        allocation = self._allocate(query, sources, found, budget_tokens, k)
        send_event(told_of(allocation), config)
        return best_documents(allocation, self.k if k is None else k)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        budget_tokens: int | None = None,
        k: int | None = None,
    ) -> list[Document]:
        config: RunnableConfig = {"callbacks": run_manager.get_child()}
        sources = self._sources() if query.strip() else []
        found = await asyncio.gather(*(one.retriever.ainvoke(query, config) for one in sources))
        allocation = await asyncio.to_thread(
            self._allocate, query, sources, found, budget_tokens, k
        )
        await asend_event(told_of(allocation), config)
        return best_documents(allocation, self.k if k is None else k)

    def _allocate(
        self,
        query: str,
        sources: Sequence[RetrieverSource],
        found: Sequence[list[Document]],
        budget_tokens: int | None,
        k: int | None,
    ) -> Allocation:
        check_limits(budget_tokens, k)
        check_limits(self.budget_tokens, self.k)
        items: list[MemoryItem] = []
        for place, (source, documents) in enumerate(zip(sources, found, strict=True)):
            tier, name = MemoryTier(source.tier), f"retriever {place}"
            items += items_from_documents(documents, tier=tier, retriever=name)
        budget = self.budget_tokens if budget_tokens is None else budget_tokens
        return self._choice(self._sources()).allocate(query, distinct(items), budget)


def _as_source(one: BaseRetriever | RetrieverSource) -> RetrieverSource:
    return one if isinstance(one, RetrieverSource) else RetrieverSource(one)


def _workspace_for(sources: Sequence[RetrieverSource], config: WorkspaceConfig) -> WorkspaceConfig:
    """The settings with the sources' shares, or as they are where none has one."""
    given = [source for source in sources if source.share is not None]
    if not given:
        return config
    if len(given) < len(sources):
        raise InputError(
            f"{len(given)} of {len(sources)} retrievers have a share: give one to each or to none."
        )
    shares: dict[MemoryTier, float] = {}
    for source in given:
        tier = MemoryTier(source.tier)
        shares[tier] = shares.get(tier, 0.0) + (source.share or 0.0)
    return with_shares(config, shares)
