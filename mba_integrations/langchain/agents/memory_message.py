"""Memories as one message of a conversation, within an exact number of tokens.

The message is measured as it is sent, with its framing and its introduction. Which memories come in
is the core's choice, in a session: those that stay keep their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from langchain_core.messages import HumanMessage, SystemMessage

from mba_integrations.core.allocator import AllocationSession
from mba_integrations.core.config.settings import PromptFormat, RenderingSettings
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.protocol import PromptTokens, WrittenPrompt
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.langchain.messages.counting import MessageCounter


@dataclass(frozen=True, kw_only=True)
class MemoryMessage(Renderer):
    """A `PromptLayout`: memories as the renderer writes them, in a message that is counted whole.

    Args:
        settings: How memories are written.
        counter: Counts messages.
        introduction: Stands before the memories.
        system: The system message that the memories are appended to; None for a message of their
            own.
    """

    counter: MessageCounter
    introduction: str
    system: SystemMessage | None = None

    @cached_property
    def id(self) -> str:
        """That of the renderer, and of the counter."""
        return f"memory:{self.counter.id}:{super().id}"

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """Tokens of each memory as a line."""
        return super().item_tokens(items, self.counter)

    def opening_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """Tokens of each heading."""
        return super().opening_tokens(items, self.counter)

    def fixed_tokens(self, counter: TokenCounter) -> int:
        """Tokens of the message without memories."""
        return self._tokens("")

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        """Tokens of the message, or what the system message grows by; 0 without a memory."""
        tokens = self._tokens(written.text) if written.text else 0
        return PromptTokens(used=tokens, messages=tokens, needed=tokens)

    def with_text(self, text: str) -> HumanMessage | SystemMessage:
        """The message with *text* in it."""
        body = self.introduction + text
        if self.system is None:
            return HumanMessage(content=body)
        content = self.system.content
        before = [{"type": "text", "text": content}] if isinstance(content, str) else content
        return self.system.model_copy(update={"content": [*before, {"type": "text", "text": body}]})

    def _tokens(self, text: str) -> int:
        (tokens,) = self.counter.message_tokens([self.with_text(text)])
        return tokens - (self.counter.message_tokens([self.system])[0] if self.system else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenMemories:
    """What was chosen of the memories.

    Attributes:
        allocation: The choice; None if none was made.
        message: The message with the memories; None if none came in.
        tokens: What it costs, or what the system message grows by.
    """

    allocation: Allocation | None = None
    message: HumanMessage | SystemMessage | None = None
    tokens: int = 0

    @property
    def omits_some(self) -> bool:
        """Whether more room could bring in more."""
        return self.allocation is None or bool(self.allocation.omission_counts())


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryChoice:
    """Chooses among the memories of one question.

    Args:
        session: Chooses, and remembers the order.
        workspace_id: Whose settings apply.
        memories: The memories.
        query: What they are for.
        layout: Writes and counts the message.
    """

    session: AllocationSession
    workspace_id: str
    memories: Sequence[MemoryItem]
    query: str
    layout: MemoryMessage

    def within(self, budget_tokens: int) -> ChosenMemories:
        """The memories that fit; none if the message alone does not.

        Raises:
            PinnedOverBudgetError: If pinned ones do not fit.
        """
        pinned = any(memory.pinned for memory in self.memories)
        frame = self.layout.fixed_tokens(self.layout.counter) if self.memories else 0
        if not self.memories or (budget_tokens <= frame and not pinned):
            return ChosenMemories()
        allocation = self.session.allocate_memory_budget(
            self.query,
            self.memories,
            workspace_id=self.workspace_id,
            budget_tokens=max(1, budget_tokens),
            layout=self.layout,
        )
        if not allocation.prompt_text:
            return ChosenMemories(allocation=allocation)
        message = self.layout.with_text(allocation.prompt_text)
        return ChosenMemories(allocation=allocation, message=message, tokens=allocation.used_tokens)


def memory_message(
    rendering: RenderingSettings,
    counter: MessageCounter,
    introduction: str,
    system: SystemMessage | None,
) -> MemoryMessage:
    """The layout for a workspace's rendering settings; the format for messages is Markdown here."""
    if rendering.format is PromptFormat.MESSAGES:
        rendering = rendering.model_copy(update={"format": PromptFormat.MARKDOWN})
    return MemoryMessage(
        settings=rendering, counter=counter, introduction=introduction, system=system
    )
