"""Messages whose cost somebody else has counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.protocol import (
    PromptLayout,
    PromptTokens,
    Section,
    WrittenPrompt,
)
from mba_integrations.core.model import MemoryItem, MemoryTier


@dataclass(frozen=True, slots=True)
class PricedMessages(PromptLayout):
    """Chat messages whose costs are known; a framework sends them.

    Message boundaries are tokens of their own, so costs add up exactly. What primes the reply is
    counted once, by whoever sends the messages. Costs do not follow from contents: a message has
    more than its text, or less.

    Args:
        id: Names what the cost of an item depends on beside the item.
        tokens_of: Tokens of an item with its framing.
    """

    # Without `field` the base's property would be the default of the argument.
    id: str = field()
    tokens_of: Callable[[MemoryItem], int]

    def order_of(self, tier: MemoryTier) -> ItemOrder:
        """As in the conversation."""
        return ItemOrder.CHRONOLOGICAL

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """What each item costs."""
        return [self.tokens_of(item) for item in items]

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        """The texts for a reader, and what each item costs."""
        items = [item for _, section in sections for item in section]
        return WrittenPrompt(
            text="\n".join(item.content for item in items),
            item_tokens=tuple(self.tokens_of(item) for item in items),
        )

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        """The sum of the costs."""
        tokens = sum(written.item_tokens)
        return PromptTokens(used=tokens, messages=tokens, needed=tokens)
