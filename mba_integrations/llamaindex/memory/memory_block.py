"""`BudgetedMemoryBlock`: a block of LlamaIndex' `Memory` that can be made shorter.

For those who stay with `Memory`, whose limit is soft: it counts neither the block's wrapping nor
tool calls. `BudgetedMemory` keeps to a budget of everything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.memory.memory import BaseMemoryBlock
from llama_index.core.settings import Settings

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.truncation import truncate
from mba_integrations.core.derived import Derived
from mba_integrations.core.errors import PinnedOverBudgetError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.llamaindex.component import BudgetTokens, Component
from mba_integrations.llamaindex.counters import LiveAllocator, counter_of_tokenizer
from mba_integrations.llamaindex.messages.items import items_from_messages
from mba_integrations.llamaindex.messages.template_variables import TemplateGuard

_REMEMBERED = 16
"""Answers whose query is still known when `Memory` asks for less of them."""


class BudgetedMemoryBlock(Component, BaseMemoryBlock[str]):
    """Remembers the exchanges that leave the short-term memory, and recalls the useful ones.

    It counts by `Settings.tokenizer`, as `Memory` does.

    Args:
        name: Name of the block in the prompt.
        budget_tokens: Tokens of what is recalled, >= 1, before `Memory` asks for less.
        workspace: Settings of the choice; the core's defaults without it.
        pool: What is remembered; several blocks may share one. A new one by default.
    """

    name: str = "recalled"
    budget_tokens: BudgetTokens = 1024
    workspace: WorkspaceConfig | None = None

    _pool: MemoryPool = PrivateAttr()
    _allocators: Derived[LiveAllocator] = PrivateAttr(default_factory=Derived)
    _answers: OrderedDict[str, str] = PrivateAttr(default_factory=OrderedDict)

    def __init__(self, *, pool: MemoryPool | None = None, **fields: Any) -> None:
        super().__init__(**fields)
        self._pool = MemoryPool() if pool is None else pool

    @property
    def pool(self) -> MemoryPool:
        """What is remembered."""
        return self._pool

    async def _aget(self, messages: list[ChatMessage] | None = None, **block_kwargs: Any) -> str:
        spoken = [one for one in messages or () if one.role is MessageRole.USER]
        return self._written(spoken[-1].content or "" if spoken else "", self.budget_tokens)

    async def _aput(self, messages: list[ChatMessage]) -> None:
        self._pool.add(*self._new_items(messages))

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """*content* with at least that many tokens less: chosen anew, in whole items.

        Content that this block did not write lately is cut at its end. None if nothing is left.
        """
        counter = counter_of_tokenizer(Settings.tokenizer)
        target = counter.count(content) - tokens_to_truncate
        if target < 1:
            return None
        known = self._answers.get(content)
        if known is None:
            return truncate(counter, content, target)[0] or None
        return self._written(known, target) or None

    def _written(self, query: str, budget_tokens: int) -> str:
        """What is recalled for *query*, with template variables defused."""
        live = self._allocators.of(self._made, self.workspace, Settings.tokenizer)
        room = budget_tokens
        while room > 0 and len(self._pool):
            try:
                allocation = live.allocator.allocate_memory_budget(
                    query, self._pool, live.workspace.workspace_id, budget_tokens=room
                )
            except PinnedOverBudgetError:
                return ""
            text = TemplateGuard().text(allocation.prompt_text)
            over = live.counter.count(text) - budget_tokens
            if over <= 0:
                self._remember(text, query)
                return text
            room -= over
        return ""

    def _made(
        self, workspace: WorkspaceConfig | None, tokenizer: Callable[[str], Any]
    ) -> LiveAllocator:
        config = workspace or WorkspaceConfig(workspace_id="default")
        return LiveAllocator(config, token_counter=counter_of_tokenizer(tokenizer))

    def _remember(self, text: str, query: str) -> None:
        self._answers[text] = query
        while len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)

    def _new_items(self, messages: Sequence[ChatMessage]) -> list[MemoryItem]:
        """An exchange of each user message, named by its session and its place in it."""
        session = next(
            (
                str(one.additional_kwargs["session_id"])
                for one in messages
                if one.additional_kwargs.get("session_id")
            ),
            self.name,
        )
        known = [item.position or 0.0 for item in self._pool if item.source == session]
        first = max(0, int(max(known, default=-1.0)) + 1)
        return items_from_messages(messages, source=session, first_position=first)
