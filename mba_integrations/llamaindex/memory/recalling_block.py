"""`RecallingBlock`: what blocks of LlamaIndex' `Memory` share that recall within a budget.

For those who stay with `Memory`, whose limit is soft: it counts neither the block's wrapping nor
tool calls. A block counts by `Settings.tokenizer`, as `Memory` does, and is asked for less where
`Memory` has too much.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.memory.memory import BaseMemoryBlock
from llama_index.core.settings import Settings

from mba_integrations.core.counting.truncation import truncate
from mba_integrations.core.errors import PinnedOverBudgetError
from mba_integrations.llamaindex.component import BudgetTokens, Component
from mba_integrations.llamaindex.counters import counter_of_tokenizer
from mba_integrations.llamaindex.messages.template_variables import TemplateGuard

_REMEMBERED = 16
"""Answers whose query is still known when `Memory` asks for less of them."""


class RecallingBlock(Component, BaseMemoryBlock[str]):
    """Recalls what is useful for the last message of the user.

    Args:
        name: Name of the block in the prompt.
        budget_tokens: Tokens of what is recalled, >= 1, before `Memory` asks for less.
    """

    name: str = "recalled"
    budget_tokens: BudgetTokens = 1024

    _answers: OrderedDict[str, str] = PrivateAttr(default_factory=OrderedDict)

    @abstractmethod
    def _prompt(self, query: str, budget_tokens: int) -> str:
        """What is recalled for *query* in about so many tokens; nothing where there is nothing.

        Raises:
            PinnedOverBudgetError: If what must be there does not fit.
        """

    async def _aget(self, messages: list[ChatMessage] | None = None, **block_kwargs: Any) -> str:
        spoken = [one for one in messages or () if one.role is MessageRole.USER]
        query = spoken[-1].content or "" if spoken else ""
        return await asyncio.to_thread(self._written, query, self.budget_tokens)

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
        return await asyncio.to_thread(self._written, known, target) or None

    def _written(self, query: str, budget_tokens: int) -> str:
        """What is recalled for *query*, with template variables defused."""
        counter = counter_of_tokenizer(Settings.tokenizer)
        room = budget_tokens
        while room > 0:
            try:
                text = TemplateGuard().text(self._prompt(query, room))
            except PinnedOverBudgetError:
                return ""
            over = counter.count(text) - budget_tokens if text else 0
            if over <= 0:
                self._remember(text, query)
                return text
            room -= over
        return ""

    def _remember(self, text: str, query: str) -> None:
        self._answers[text] = query
        while len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)

    def _session_of(self, messages: Sequence[ChatMessage]) -> str:
        """The session that messages say that they belong to, else the block's name."""
        named = (one.additional_kwargs.get("session_id") for one in messages)
        return next((str(one) for one in named if one), self.name)
