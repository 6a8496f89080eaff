"""`BudgetedMemoryBlock`: a block of LlamaIndex' `Memory` over a pool of its own.

`BudgetedMemory` keeps to a budget of everything; `MemoryServiceBlock` keeps what it remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.settings import Settings

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.derived import Derived
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.llamaindex.counters import LiveAllocator, counter_of_tokenizer
from mba_integrations.llamaindex.memory.recalling_block import RecallingBlock
from mba_integrations.llamaindex.messages.items import items_from_messages


class BudgetedMemoryBlock(RecallingBlock):
    """Remembers the exchanges that leave the short-term memory, and recalls the useful ones.

    It counts by `Settings.tokenizer`, as `Memory` does.

    Args:
        name: Name of the block in the prompt.
        budget_tokens: Tokens of what is recalled, >= 1, before `Memory` asks for less.
        workspace: Settings of the choice; the core's defaults without it.
        pool: What is remembered; several blocks may share one. A new one by default.
    """

    workspace: WorkspaceConfig | None = None

    _pool: MemoryPool = PrivateAttr()
    _allocators: Derived[LiveAllocator] = PrivateAttr(default_factory=Derived)

    def __init__(self, *, pool: MemoryPool | None = None, **fields: Any) -> None:
        super().__init__(**fields)
        self._pool = MemoryPool() if pool is None else pool

    @property
    def pool(self) -> MemoryPool:
        """What is remembered."""
        return self._pool

    async def _aput(self, messages: list[ChatMessage]) -> None:
        self._pool.add(*self._new_items(messages))

    def _prompt(self, query: str, budget_tokens: int) -> str:
        if not len(self._pool):
            return ""
        live = self._allocators.of(self._made, self.workspace, Settings.tokenizer)
        allocation = live.allocator.allocate_memory_budget(
            query, self._pool, live.workspace.workspace_id, budget_tokens=budget_tokens
        )
        return allocation.prompt_text

    def _made(
        self, workspace: WorkspaceConfig | None, tokenizer: Callable[[str], Any]
    ) -> LiveAllocator:
        config = workspace or WorkspaceConfig(workspace_id="default")
        return LiveAllocator(config, token_counter=counter_of_tokenizer(tokenizer))

    def _new_items(self, messages: Sequence[ChatMessage]) -> list[MemoryItem]:
        """An exchange of each user message, named by its session and its place in it."""
        session = self._session_of(messages)
        known = [item.position or 0.0 for item in self._pool if item.source == session]
        first = max(0, int(max(known, default=-1.0)) + 1)
        return items_from_messages(messages, source=session, first_position=first)
