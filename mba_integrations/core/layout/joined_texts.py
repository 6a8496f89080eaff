"""Texts joined by a separator, as frameworks join documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.counting.counter import TokenCounter, checked_count, checked_counts
from mba_integrations.core.layout.protocol import (
    BYTES_BESIDES,
    PromptLayout,
    PromptTokens,
    Section,
    WrittenPrompt,
    most_bytes,
)
from mba_integrations.core.model import MemoryItem, MemoryTier


def _content(item: MemoryItem) -> str:
    return item.content


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedTexts(PromptLayout):
    """Texts with a separator between them: what frameworks make of retrieved documents.

    Args:
        name: Says what `text_of` does; texts of the same name must be made alike.
        text_of: The text of an item as the framework will write it; its content by default.
        separator: What stands between two texts.
        order: Of the items of one tier.
        section_order: Of the tiers.
        before: What stands before the texts and counts with them, such as the head of a prompt.
        after: What stands after them.

    >>> layout = JoinedTexts(separator=" + ")
    >>> item = MemoryItem("a", "one", "rag")
    >>> layout.write([(MemoryTier.RAG, [item, item])]).text
    'one + one'
    """

    name: str = "content"
    text_of: Callable[[MemoryItem], str] = field(default=_content)
    separator: str = "\n\n"
    order: ItemOrder = ItemOrder.VALUE
    section_order: tuple[MemoryTier, ...] = tuple(MemoryTier)
    before: str = ""
    after: str = ""

    @property
    def id(self) -> str:
        """Name and separator."""
        return f"joined:{self.name}:{self.separator}"

    @property
    def shows_content(self) -> bool:
        """Unless `text_of` says otherwise."""
        return self.text_of is _content

    @property
    def bytes_per_character(self) -> int | None:
        """Four, where the separator is short."""
        return 4 if most_bytes(self.separator) <= BYTES_BESIDES else None

    def most_bytes(self, item: MemoryItem) -> int:
        """Bytes of content and separator, at four for a character that is not in ASCII."""
        return most_bytes(item.content) + most_bytes(self.separator)

    def order_of(self, tier: MemoryTier) -> ItemOrder:
        """The same for every tier."""
        return self.order

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """Tokens of each text with a separator after it."""
        return checked_counts(counter, [self.text_of(item) + self.separator for item in items])

    def fixed_tokens(self, counter: TokenCounter) -> int:
        """Tokens of what stands around the texts."""
        return sum(checked_counts(counter, [self.before, self.after]))

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        """The texts, joined."""
        texts = [self.text_of(item) for _, items in sections for item in items]
        return WrittenPrompt(text=self.separator.join(texts))

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        """Tokens of the joined text, alone and with what stands around it."""
        if not written.text:
            return PromptTokens(used=0, messages=0, needed=0)
        used = checked_count(counter, written.text)
        whole = self.before + written.text + self.after
        needed = checked_count(counter, whole) if self.before or self.after else used
        return PromptTokens(used=used, messages=0, needed=needed)
