"""`MemoryServiceSource`: the memories of a `MemoryService` for an agent.

The service chooses candidates among all that it has; which of them come into the prompt, beside the
conversation and other sources, is the middleware's choice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mba_integrations.core.arguments import checked_text, checked_tokens, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.langchain.memory_sources import FoundMemories
from mba_integrations.services.store.rows.memories import MemoryFilter

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from mba_integrations.services.memory.service import MemoryService

WorkspaceId = str | Callable[["Runtime[Any]"], str]
"""An id, or a function from the runtime of a call to an id."""


@dataclass(frozen=True, slots=True)
class MemoryServiceSource:
    """Memories of a workspace that answer the question.

    Args:
        service: The service.
        workspace_id: Its workspace, or a function that gives it for a call, such as
            `lambda runtime: runtime.context.user_id`.
        budget_tokens: Tokens of the candidates, >= 1: more than the prompt will have of them.
        filters: Only memories that it lets through.
        subject: Only memories about this person.
        record_access: Whether a candidate counts as used.
    """

    service: MemoryService
    workspace_id: WorkspaceId
    budget_tokens: int = 8_192
    filters: MemoryFilter | None = None
    subject: str | None = None
    record_access: bool = True

    def __post_init__(self) -> None:
        if not callable(getattr(self.service, "recall", None)):
            raise InputError(f"service must be a MemoryService, got {shown(self.service)}.")
        if not callable(self.workspace_id):
            checked_text("workspace_id", self.workspace_id)
        checked_tokens("budget_tokens", self.budget_tokens)

    def items(self, query: str, runtime: Runtime[Any] | None = None) -> FoundMemories:
        """The candidates, in the order of the service's prompt."""
        reply = self.service.recall(
            self._workspace(runtime),
            query,
            budget_tokens=self.budget_tokens,
            filters=self.filters,
            subject=self.subject,
            record_access=self.record_access,
        )
        return FoundMemories([_copy(one.item) for one in reply.selected])

    async def aitems(self, query: str, runtime: Runtime[Any] | None = None) -> FoundMemories:
        """As `items`, in a thread."""
        return await asyncio.to_thread(self.items, query, runtime)

    def _workspace(self, runtime: Runtime[Any] | None) -> str:
        if not callable(self.workspace_id):
            return self.workspace_id
        if runtime is None:
            raise InputError("workspace_id is a function of the runtime: give runtime.")
        return str(self.workspace_id(runtime))


def _copy(item: MemoryItem) -> MemoryItem:
    """The item without what the service's pool holds: its metadata, and vectors of its model."""
    return replace(item, metadata=deepcopy(dict(item.metadata)), embedding=None)
