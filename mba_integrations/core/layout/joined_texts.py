"""Texts joined by a separator, as frameworks join documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from mba_integrations.core.arguments import checked_iterable, checked_member, checked_text, shown
from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.counting.counter import TokenCounter, checked_count, checked_counts
from mba_integrations.core.errors import InputError
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

    Raises:
        InputError: If an argument is of another type, or `section_order` is not every tier once;
            and when it is used, if `text_of` gives something else than a text.

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

    def __post_init__(self) -> None:
        for name in ("name", "separator", "before", "after"):
            checked_text(name, getattr(self, name))
        if not callable(self.text_of):
            raise InputError(f"text_of must be callable, got {shown(self.text_of)}.")
        object.__setattr__(self, "order", checked_member("order", self.order, ItemOrder))
        object.__setattr__(self, "section_order", _checked_tiers(self.section_order))

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
        return checked_counts(counter, [self._text(item) + self.separator for item in items])

    def fixed_tokens(self, counter: TokenCounter) -> int:
        """Tokens of what stands around the texts."""
        around = [part for part in (self.before, self.after) if part]
        return sum(checked_counts(counter, around)) if around else 0

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        """The texts, joined."""
        texts = [self._text(item) for _, items in sections for item in items]
        return WrittenPrompt(text=self.separator.join(texts))

    def _text(self, item: MemoryItem) -> str:
        text = self.text_of(item)
        if not isinstance(text, str):
            raise InputError(f"text_of must give a text for {item.id!r}, got {shown(text)}.")
        return text

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        """Tokens of the joined text, alone and with what stands around it.

        What is needed holds for both ways of counting: as one text, and piece by piece. Either may
        be more, as "docu" and "mentation" are more tokens apart, "the" and "self" together.
        """
        if not written.text:
            return PromptTokens(used=0, messages=0, needed=0)
        used = checked_count(counter, written.text)
        if not (self.before or self.after):
            return PromptTokens(used=used, messages=0, needed=used)
        whole = checked_count(counter, self.before + written.text + self.after)
        pieces = used + self.fixed_tokens(counter)
        return PromptTokens(used=used, messages=0, needed=max(whole, pieces))


def _checked_tiers(order: object) -> tuple[MemoryTier, ...]:
    checked_iterable("section_order", order, "tiers")
    tiers = tuple(cast("Iterable[object]", order))
    names = [tier for tier in tiers if isinstance(tier, str)]
    if len(names) < len(tiers) or sorted(names) != sorted(MemoryTier):
        every = ", ".join(MemoryTier)
        raise InputError(f"section_order must name every tier once ({every}), got {shown(order)}.")
    return tuple(map(MemoryTier, names))
