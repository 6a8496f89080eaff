"""`MemoryServiceBlock`: a block of LlamaIndex' `Memory` over a `MemoryService`, where they stay."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import PrivateAttr

from mba_integrations.core.arguments import checked_text, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.times import seconds_of
from mba_integrations.llamaindex.memory.recalling_block import RecallingBlock
from mba_integrations.llamaindex.messages.items import items_from_messages
from mba_integrations.services.memory.ids import new_id

if TYPE_CHECKING:
    from mba_integrations.services.memory.service import MemoryService

_SECONDS_BETWEEN = 0.001


class MemoryServiceBlock(RecallingBlock):
    """Remembers the exchanges that leave the short-term memory, and recalls the useful ones.

    They are long-term memory of a workspace, so that other conversations and other programs recall
    them too; an exchange that was remembered is durable. What is recalled is counted by
    `Settings.tokenizer`, as `Memory` does.

    Args:
        service: The service.
        workspace_id: Its workspace.
        name: Name of the block in the prompt.
        budget_tokens: Tokens of what is recalled, >= 1, before `Memory` asks for less.
        subject: The person whom the memories are about, who alone is recalled and remembered.

    Raises:
        InputError: If *service* is none.
    """

    workspace_id: str
    subject: str | None = None

    _service: MemoryService = PrivateAttr()

    def __init__(self, *, service: MemoryService, workspace_id: str, **fields: Any) -> None:
        if not callable(getattr(service, "recall", None)):
            raise InputError(f"service must be a MemoryService, got {shown(service)}.")
        checked_text("workspace_id", workspace_id)
        super().__init__(**{"workspace_id": workspace_id, **fields})
        self._service = service

    async def _aput(self, messages: list[ChatMessage]) -> None:
        session = self._session_of(messages)
        items = self._new_items(messages, session)
        if items:
            await asyncio.to_thread(
                self._service.remember,
                self.workspace_id,
                items,
                subject=self.subject,
                session_id=session,
            )

    def _prompt(self, query: str, budget_tokens: int) -> str:
        reply = self._service.recall(
            self.workspace_id, query, budget_tokens=budget_tokens, subject=self.subject
        )
        return reply.prompt_text

    def _new_items(self, messages: Sequence[ChatMessage], session: str) -> list[MemoryItem]:
        """An exchange of each user message, behind those that the session has."""
        now = datetime.now(UTC)
        return [
            replace(
                item,
                id=new_id(now),
                position=seconds_of(now) + (item.position or 0.0) * _SECONDS_BETWEEN,
            )
            for item in items_from_messages(messages, source=session)
        ]
