"""`MemoryServiceSource`: the memories of a `MemoryService` for an agent.

The service chooses candidates among all that it has; which of them come into the prompt, beside the
conversation and other sources, is the middleware's choice. Only these count as used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mba_integrations.core.arguments import checked_text, checked_tokens, shown
from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.langchain.memory_sources import FoundMemories
from mba_integrations.services.store.errors import StoreError
from mba_integrations.services.store.rows.memories import MemoryFilter

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from mba_integrations.services.memory.service import MemoryService

WorkspaceId = str | Callable[["Runtime[Any]"], str]
"""An id, or a function from the runtime of a call to an id."""
LONGEST_ID = 512
"""Of a session, in the store."""


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
        record_access: Whether what comes into a prompt counts as used, once in a thread and hour.
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
            record_access=False,
        )
        return FoundMemories([_copy(one.item) for one in reply.selected])

    async def aitems(self, query: str, runtime: Runtime[Any] | None = None) -> FoundMemories:
        """As `items`, in a thread."""
        return await asyncio.to_thread(self.items, query, runtime)

    def used(self, item_ids: Sequence[str], runtime: Runtime[Any] | None = None) -> None:
        """Count that these of the memories came into a prompt."""
        if not self.record_access or not item_ids:
            return
        workspace, thread = self._workspace(runtime), _thread_of(runtime)
        with suppress(StoreError):  # the model has answered: a store that is away costs no answer
            self.service.note_used(workspace, item_ids, session_id=thread)

    async def aused(self, item_ids: Sequence[str], runtime: Runtime[Any] | None = None) -> None:
        """As `used`, in a thread."""
        await asyncio.to_thread(self.used, item_ids, runtime)

    def record(
        self,
        item_ids: Sequence[str],
        runtime: Runtime[Any] | None = None,
        settings: PromotionSettings | None = None,
    ) -> int:
        """Count that memories were used, then review the workspace and move what should move.

        Args:
            item_ids: Ids of the memories that were in a prompt.
            runtime: Of the call.
            settings: When memories move; as the workspace has it by default.

        Returns:
            How many memories moved; `tiers.undo` of the service moves them back.
        """
        self.used(item_ids, runtime)
        workspace, tiers = self._workspace(runtime), self.service.tiers
        review = tiers.review(workspace, settings)
        return len(tiers.apply(workspace, review.review_id)) if len(review) else 0

    async def arecord(
        self,
        item_ids: Sequence[str],
        runtime: Runtime[Any] | None = None,
        settings: PromotionSettings | None = None,
    ) -> int:
        """As `record`, in a thread."""
        return await asyncio.to_thread(self.record, item_ids, runtime, settings)

    def _workspace(self, runtime: Runtime[Any] | None) -> str:
        if not callable(self.workspace_id):
            return self.workspace_id
        if runtime is None:
            raise InputError("workspace_id is a function of the runtime: give runtime.")
        return str(self.workspace_id(runtime))


def _thread_of(runtime: Runtime[Any] | None) -> str | None:
    """The thread of a call, as an id that a session may have; None where there is none."""
    info = None if runtime is None else getattr(runtime, "execution_info", None)
    thread_id = None if info is None else info.thread_id
    return str(thread_id)[:LONGEST_ID] if thread_id else None


def _copy(item: MemoryItem) -> MemoryItem:
    """The item without what the service's pool holds: its metadata, and vectors of its model."""
    return replace(item, metadata=deepcopy(dict(item.metadata)), embedding=None)
