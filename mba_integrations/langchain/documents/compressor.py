"""`BudgetedDocumentCompressor`: the documents of a compression retriever that fit a budget."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import RunnableConfig
from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.langchain.documents.choice import (
    SEPARATOR,
    CurrentChoice,
    DocumentChoice,
    best_documents,
    check_limits,
    documents_workspace,
    told_of,
)
from mba_integrations.langchain.documents.items import items_from_documents
from mba_integrations.langchain.events import asend_event, send_event


class BudgetedDocumentCompressor(BaseDocumentCompressor):
    """Keeps the documents that fit, the most useful first. Needs only langchain-core.

    A field that is set later counts from the next call on.

    Attributes:
        budget_tokens: Most tokens of the joined documents, >= 1; None for the workspace's ceiling.
        k: Most documents, >= 1.
        tier: The tier of the documents.
        workspace: Settings for the choice.
        allocator: Chooses, and keeps the log; made by default.
        separator: What will stand between two documents.
        token_counter: Counts, where no allocator is given.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, validate_assignment=True)

    budget_tokens: int | None = None
    k: int | None = None
    tier: MemoryTier = MemoryTier.RAG
    workspace: WorkspaceConfig = Field(default_factory=documents_workspace)
    allocator: MemoryBudgetAllocator | None = Field(default=None, exclude=True)
    separator: str = SEPARATOR
    token_counter: Any = Field(default=None, exclude=True)

    _current: CurrentChoice = PrivateAttr(default_factory=CurrentChoice)

    @field_validator("budget_tokens", "k")
    @classmethod
    def _check_limit(cls, value: int | None) -> int | None:
        check_limits(value, None)
        return value

    def model_post_init(self, context: Any, /) -> None:
        """Check the settings."""
        super().model_post_init(context)
        self._choice()

    def _choice(self) -> DocumentChoice:
        return self._current.of(self.workspace, self.allocator, self.token_counter, self.separator)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Copies of the documents that fit, with what was decided in their metadata."""
        allocation = self._allocate(documents, query)
        send_event(told_of(allocation), _config_of(callbacks))
        return best_documents(allocation, self.k)

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """As `compress_documents`; the choice is made in a thread."""
        allocation = await asyncio.to_thread(self._allocate, documents, query)
        await asend_event(told_of(allocation), _config_of(callbacks))
        return best_documents(allocation, self.k)

    def _allocate(self, documents: Sequence[Document], query: str) -> Allocation:
        check_limits(self.budget_tokens, self.k)
        items = items_from_documents(documents, tier=self.tier)
        return self._choice().allocate(query, items, self.budget_tokens)


def _config_of(callbacks: Callbacks | None) -> RunnableConfig | None:
    return None if callbacks is None else {"callbacks": callbacks}
