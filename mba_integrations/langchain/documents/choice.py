"""Choose documents within a budget: what the retriever, the compressor and the runnable share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import Any

from langchain_core.documents import Document

from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.arguments import checked_tokens
from mba_integrations.core.config.workspace import SHARE_FIELDS, WorkspaceConfig
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.langchain.documents.items import chosen_documents

SEPARATOR = "\n\n"
"""What LangChain's chains put between documents."""


def documents_workspace(workspace_id: str = "documents") -> WorkspaceConfig:
    """Settings for documents alone.

    The budget is theirs, documents stay whole, and what a retriever found is not doubted.
    """
    return WorkspaceConfig(
        workspace_id=workspace_id,
        working_memory_pct=0.0,
        project_memory_pct=0.0,
        long_term_memory_pct=0.0,
        rag_memory_pct=1.0,
        passage_min_tokens=None,
        token_price=0.0,
    )


def with_shares(config: WorkspaceConfig, shares: dict[MemoryTier, float]) -> WorkspaceConfig:
    """Settings in which each tier has the given share.

    Raises:
        ConfigError: If the shares do not sum to 1.
    """
    fields = {SHARE_FIELDS[tier]: shares.get(tier, 0.0) for tier in MemoryTier}
    return WorkspaceConfig(**{**config.model_dump(), **fields})


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentChoice:
    """Chooses documents by a workspace's settings.

    Args:
        workspace: The settings.
        allocator: Chooses; the workspace is registered with it.
        separator: What will stand between two documents, and counts.
    """

    workspace: WorkspaceConfig = field(default_factory=documents_workspace)
    allocator: MemoryBudgetAllocator = field(default_factory=MemoryBudgetAllocator)
    separator: str = SEPARATOR

    def __post_init__(self) -> None:
        self.allocator.register_workspace(self.workspace)

    def allocate(
        self, query: str, items: Sequence[MemoryItem], budget_tokens: int | None
    ) -> Allocation:
        """The allocation; without a budget the workspace's ceiling decides."""
        return self.allocator.allocate_memory_budget(
            query,
            items,
            workspace_id=self.workspace.workspace_id,
            budget_tokens=budget_tokens,
            layout=JoinedTexts(separator=self.separator),
        )


class CurrentChoice:
    """The choice by a component's settings of now, made anew where one of them was exchanged.

    Fields of a model may be set, and `model_copy` takes over what was made for other values.
    """

    def __init__(self) -> None:
        self._made: tuple[tuple[Any, ...], DocumentChoice] | None = None
        self._own: tuple[Any, MemoryBudgetAllocator] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has made nothing yet."""
        return CurrentChoice, ()

    def of(
        self,
        workspace: WorkspaceConfig,
        allocator: MemoryBudgetAllocator | None,
        token_counter: object,
        separator: str,
    ) -> DocumentChoice:
        """The choice for these settings."""
        settings = (workspace, allocator or self._default(token_counter), separator)
        made = self._made
        if made is None or not all(map(is_, made[0], settings)):
            choice = DocumentChoice(workspace=workspace, allocator=settings[1], separator=separator)
            self._made = made = (settings, choice)
        return made[1]

    def _default(self, token_counter: object) -> MemoryBudgetAllocator:
        own = self._own
        if own is None or own[0] is not token_counter:
            self._own = own = (token_counter, MemoryBudgetAllocator(token_counter))
        return own[1]


def best_documents(allocation: Allocation, k: int | None) -> list[Document]:
    """The chosen documents in the order of the prompt, the *k* most useful of them.

    They stand by tier, within one the most useful first: another order might count otherwise.
    """
    documents = chosen_documents(allocation)
    if k is None or k >= len(documents):
        return documents
    scores = [selected.score for selected in allocation.selected]
    best = sorted(range(len(scores)), key=lambda place: -scores[place])[:k]
    return [documents[place] for place in sorted(best)]


def summary_of(allocation: Allocation) -> dict[str, Any]:
    """What was decided, JSON-ready, without texts."""
    return {
        "budget_tokens": allocation.budget_tokens,
        "used_tokens": allocation.used_tokens,
        "documents": [selected.id for selected in allocation.selected],
        "omitted": {reason.value: n for reason, n in allocation.omission_counts().items()},
        "counter": allocation.counter_id,
        "exact": allocation.exact,
    }


def check_limits(budget_tokens: int | None, k: int | None) -> None:
    """Refuse a budget or a number of documents below 1.

    Raises:
        InputError: Naming the argument.
    """
    for name, value in (("budget_tokens", budget_tokens), ("k", k)):
        if value is not None:
            checked_tokens(name, value)


def told_of(allocation: Allocation) -> dict[str, Any]:
    """What the event says: the summary, and why each document that is left out is."""
    reasons = allocation.omission_reasons().items()
    return {**summary_of(allocation), "left_out": {one: reason.value for one, reason in reasons}}
