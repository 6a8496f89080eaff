"""Turns of a conversation as a layout of the core: each costs what its messages cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.prompt_layout import PromptTokens, Section, WrittenPrompt
from mba_integrations.core.settings import ItemOrder
from mba_integrations.core.token_counting import TokenCounter

TOKENS = "message_tokens"
"""Key of an item's metadata: tokens of its messages, framing included."""


@dataclass(frozen=True, slots=True)
class MessageLayout:
    """Messages of a provider are set apart by special tokens, so their counts add up exactly."""

    @property
    def id(self) -> str:
        """The cost is the item's own."""
        return "llamaindex-messages"

    @property
    def section_order(self) -> tuple[MemoryTier, ...]:
        """Conversations have one tier; the order of the others does not matter."""
        return tuple(MemoryTier)

    @property
    def shows_content(self) -> bool:
        """The cost has nothing to do with the text."""
        return False

    @property
    def bytes_per_character(self) -> None:
        """Not asked."""
        return None

    def most_bytes(self, item: MemoryItem) -> int:
        """Not asked."""
        return 0

    def order_of(self, tier: MemoryTier) -> ItemOrder:
        """As they were said."""
        return ItemOrder.CHRONOLOGICAL

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """Tokens of each turn, counted before."""
        return [item.metadata[TOKENS] for item in items]

    def opening_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """Nothing: there are no headings."""
        return [0] * len(MemoryTier)

    def fixed_tokens(self, counter: TokenCounter) -> int:
        """Nothing: what primes the reply is counted once, by whoever sends the messages."""
        return 0

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        """The texts for a reader, and the cost of each turn."""
        items = [item for _, section in sections for item in section]
        costs = tuple({"id": item.id, TOKENS: str(item.metadata[TOKENS])} for item in items)
        return WrittenPrompt(text="\n".join(item.content for item in items), messages=costs)

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        """The sum of the costs."""
        tokens = sum(int(message[TOKENS]) for message in written.messages)
        return PromptTokens(used=tokens, messages=tokens, needed=tokens)
