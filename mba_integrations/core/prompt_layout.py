"""`PromptLayout`: how chosen items become what a model receives, and what that costs.

`Renderer` writes the library's own formats. Adapters give a layout of their own where a framework
writes the prompt: `JoinedTexts` where it joins texts, `PricedMessages` where it sends messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.counting.counter import TokenCounter, checked_count, checked_counts
from mba_integrations.core.model import MemoryItem, MemoryTier

BYTES_BESIDES = 64
"""Room for marks, roles and frames around the content of an item, in bytes."""

Section = tuple[MemoryTier, Sequence[MemoryItem]]
"""A tier with its chosen items, one or more, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPrompt:
    """What was written: as one text, and as chat messages where the layout has them."""

    text: str
    messages: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTokens:
    """What a written prompt costs.

    Attributes:
        used: Tokens of the prompt, as reported in `Allocation.used_tokens`.
        messages: Tokens of its messages with their framing; 0 where there are none.
        needed: What must be within the budget.
    """

    used: int
    messages: int
    needed: int


class PromptLayout(Protocol):
    """Decides how chosen items are written and counted. It does not decide which are chosen.

    1. `id` names everything that the tokens of an item depend on beside the item and the counter:
       they are kept under it.
    2. `item_tokens` and `opening_tokens` should add up to `measure` of what is written. Where they
       do not, the measure decides: items are exchanged or taken out until it is within the budget.
    3. `measure` depends on what is written and on the counter only.
    4. Items are untrusted, and may be passages of the items that were handed in, under their ids.
    5. Where `shows_content` is true, the content of an item is written as it stands, with at most
       white space taken from its ends or added after line ends, and `most_bytes` bounds the text
       that is counted for it. Then items that cannot matter need not be counted.
    6. `write` may get a tier more than once: what follows the beginning of a previous prompt has
       sections of its own. A section that is written after others changes nothing before it but
       the end of the last one, so that a prompt cache keeps the beginning.
    """

    @property
    def id(self) -> str: ...

    @property
    def section_order(self) -> Sequence[MemoryTier]:
        """Every tier once, from the first section to the last."""

    @property
    def shows_content(self) -> bool:
        """Whether an item costs at least the tokens of its words."""

    @property
    def bytes_per_character(self) -> int | None:
        """A line has at most so many bytes for each character of its content, and `BYTES_BESIDES`.

        None where only `most_bytes` knows. Asked only if `shows_content`.
        """

    def most_bytes(self, item: MemoryItem) -> int:
        """Bytes of the item's text in UTF-8, or more; asked only if `shows_content`."""

    def order_of(self, tier: MemoryTier) -> ItemOrder:
        """The order of the items within the tier's section."""

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """What each item adds to a prompt."""

    def opening_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """What the first item of each tier adds besides, in the order of `MemoryTier`.

        *items* are all candidates.
        """

    def fixed_tokens(self, counter: TokenCounter) -> int:
        """What a prompt that is not empty costs besides."""

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        """The prompt of the chosen items; sections stand in their order."""

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        """What the prompt costs, exactly."""


def most_bytes(text: str) -> int:
    """Bytes of a text in UTF-8, at most: exact in ASCII."""
    return len(text) if text.isascii() else 4 * len(text)


def _content(item: MemoryItem) -> str:
    return item.content


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedTexts:
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

    def opening_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """Nothing: there are no headings."""
        return [0] * len(MemoryTier)

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
