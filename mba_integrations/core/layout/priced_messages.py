"""Messages whose cost somebody else has counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.protocol import PromptTokens, Section, WrittenPrompt
from mba_integrations.core.model import MemoryItem, MemoryTier


@dataclass(frozen=True, slots=True)
class PricedMessages:
    """Chat messages, or turns of several, whose costs are known; a framework sends them.

    Message boundaries are tokens of their own, so costs add up exactly. What primes the reply is
    counted once, by whoever sends the messages.

    Args:
        id: Names what the cost of an item depends on beside the item.
        tokens_of: Tokens of an item with its framing.
    """

    id: str
    tokens_of: Callable[[MemoryItem], int]

    @property
    def section_order(self) -> tuple[MemoryTier, ...]:
        """The order of definition: a conversation has one tier."""
        return tuple(MemoryTier)

    @property
    def shows_content(self) -> bool:
        """Costs do not follow from contents: a message has more than its text, or less."""
        return False

    @property
    def bytes_per_character(self) -> int | None:
        """Not known."""
        return None

    def most_bytes(self, item: MemoryItem) -> int:
        """Not asked: no text is counted."""
        return 0

    def order_of(self, tier: MemoryTier) -> ItemOrder:
        """As in the conversation."""
        return ItemOrder.CHRONOLOGICAL

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """What each item costs."""
        return [self.tokens_of(item) for item in items]

    def opening_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """Nothing: messages have no headings."""
        return [0] * len(MemoryTier)

    def fixed_tokens(self, counter: TokenCounter) -> int:
        """Nothing."""
        return 0

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        """The texts for a reader, and the id and the cost of each item."""
        items = [item for _, section in sections for item in section]
        costs = tuple({"id": item.id, "tokens": str(self.tokens_of(item))} for item in items)
        return WrittenPrompt(text="\n".join(item.content for item in items), messages=costs)

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        """The sum of the costs."""
        tokens = sum(int(message["tokens"]) for message in written.messages)
        return PromptTokens(used=tokens, messages=tokens, needed=tokens)
