"""`BudgetedChatMessageHistory`: a history whose messages are those that fit a budget.

For `RunnableWithMessageHistory`, which LangChain has deprecated in favour of LangGraph persistence;
there use `MemoryBudgetMiddleware`. What is added goes to the wrapped history in full.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage

from mba_integrations.langchain.history.choice import HistoryChoice
from mba_integrations.langchain.messages.reading import last_question
from mba_integrations.langchain.settings import Setting, keep


class ListChatMessageHistory(BaseChatMessageHistory):
    """A history in a list."""

    def __init__(self) -> None:
        self.messages: list[BaseMessage] = []

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages."""
        self.messages = [*self.messages, *messages]

    def clear(self) -> None:
        """Forget all messages."""
        self.messages = []


class BudgetedChatMessageHistory(BaseChatMessageHistory):
    """Reads what fits, writes everything.

    The budget is for the messages with their framing; the question that follows is not part of it.
    Since a history is read before its question is known, messages are chosen by the last question
    in it.

    Args:
        budget_tokens: Most tokens of `messages`, >= 1.
        history: Where messages are kept; a list by default.
        token_counter: Counts text; o200k_base without it.
        recent_share: Part of the tokens that the newest messages have before others, in [0, 1].

    Raises:
        InputError: If an argument is out of its range.
    """

    budget_tokens = Setting[int]()
    token_counter = Setting[object]()
    recent_share = Setting[float]()

    def __init__(
        self,
        budget_tokens: int,
        history: BaseChatMessageHistory | None = None,
        *,
        token_counter: object = None,
        recent_share: float = 0.5,
    ) -> None:
        self.history = history if history is not None else ListChatMessageHistory()
        self._choice = HistoryChoice(
            budget_tokens, token_counter=token_counter, recent_share=recent_share
        )
        keep(
            self,
            budget_tokens=self._choice.budget_tokens,
            token_counter=token_counter,
            recent_share=self._choice.recent_share,
        )

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """The messages that fit, in their order."""
        return self._fitting(self.history.messages)

    async def aget_messages(self) -> list[BaseMessage]:
        """As `messages`."""
        return await asyncio.to_thread(self._fitting, await self.history.aget_messages())

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages to the wrapped history."""
        self.history.add_messages(messages)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Append messages to the wrapped history."""
        await self.history.aadd_messages(messages)

    def clear(self) -> None:
        """Clear the wrapped history."""
        self.history.clear()

    async def aclear(self) -> None:
        """Clear the wrapped history."""
        await self.history.aclear()

    def _fitting(self, messages: Sequence[BaseMessage]) -> list[BaseMessage]:
        _, query = last_question(messages)
        return self._choice.messages(messages, query)
