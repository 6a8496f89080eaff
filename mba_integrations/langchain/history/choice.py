"""The messages of a history that fit a budget, where no model request is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, get_buffer_string

from mba_integrations.conversation.asked import searched_for
from mba_integrations.conversation.conversation import Conversation
from mba_integrations.conversation.draft import Draft, Request
from mba_integrations.conversation.older import Chooser, conversation_workspace
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.arguments import checked_part, checked_tokens
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.langchain.messages.counting import MessageCounter
from mba_integrations.langchain.messages.reading import WORDING, MessageReader, sent_messages

_MAX_REPLANS = 4


class HistoryChoice:
    """Chooses among the messages of one history. Thread-safe.

    Args:
        budget_tokens: Most tokens of the messages with their framing, >= 1.
        token_counter: Counts text; o200k_base without it.
        recent_share: Part of the tokens that the newest messages have before others, in [0, 1].

    Raises:
        InputError: If an argument is out of its range.
    """

    def __init__(
        self, budget_tokens: int, *, token_counter: object = None, recent_share: float = 0.5
    ) -> None:
        self.counter = MessageCounter(token_counter)
        self.budget_tokens = checked_tokens("budget_tokens", budget_tokens)
        self.recent_share = checked_part("recent_share", recent_share)
        self._token_counter = token_counter
        allocator = MemoryBudgetAllocator(token_counter)
        config = conversation_workspace(WorkspaceConfig(workspace_id="history"))
        allocator.register_workspace(config)
        self._chooser = Chooser(allocator=allocator, workspace_id=config.workspace_id)
        # The question that follows is a user message, so what is sent must begin with one too.
        self._conversation = Conversation(MessageReader(self.counter), question_first=True)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has the settings; what it read of a history it reads again."""
        return _made_again, (self.budget_tokens, self._token_counter, self.recent_share)

    def messages(
        self, history: Sequence[BaseMessage], query: str, *, less_tokens: int = 0
    ) -> list[BaseMessage]:
        """The messages that fit, in their order.

        Args:
            history: All messages.
            query: What they are for; one that hangs on the newest exchange is taken with it.
            less_tokens: Of the budget.

        Raises:
            PinnedOverBudgetError: If the system messages of the history do not fit.
        """
        with self._conversation.lock:
            self._conversation.update(history)
            said = reversed(self._conversation.history.messages)
            request = Request(
                budget_tokens=max(0, self.budget_tokens - less_tokens),
                query=searched_for(query, ((one.role, one.text) for one in said)),
                recent_share=self.recent_share,
                waits=False,
                wording=WORDING,
            )
            planned = Draft(self._conversation, request, self._chooser).finish()
        return sent_messages(history, planned)

    def text(
        self, history: Sequence[BaseMessage], query: str, *, human: str = "Human", ai: str = "AI"
    ) -> str:
        """The messages that fit as one text with a line for each, counted as text."""
        less = 0
        for _ in range(_MAX_REPLANS):
            text = self._text(self.messages(history, query, less_tokens=less), human, ai)
            over = self.counter.count(text) - self.budget_tokens
            if over <= 0:
                return text
            less += over
        return ""

    def _text(self, messages: Sequence[BaseMessage], human: str, ai: str) -> str:
        return get_buffer_string(list(messages), human_prefix=human, ai_prefix=ai)


def _made_again(budget_tokens: int, token_counter: object, recent_share: float) -> HistoryChoice:
    return HistoryChoice(budget_tokens, token_counter=token_counter, recent_share=recent_share)
