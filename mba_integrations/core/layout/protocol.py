"""`PromptLayout`: how chosen items become what a model receives, and what that costs.

`Renderer` writes the library's own formats. Adapters give a layout of their own where a framework
writes the prompt: `JoinedTexts` where it joins texts, `PricedMessages` where it sends messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.counting.counter import TokenCounter, checked_count
from mba_integrations.core.model import MemoryItem, MemoryTier

BYTES_BESIDES = 64
"""Room for marks, roles and frames around the content of an item, in bytes."""

Section = tuple[MemoryTier, Sequence[MemoryItem]]
"""A tier with its chosen items, one or more, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPrompt:
    """What was written.

    Attributes:
        text: The prompt as one text.
        messages: The prompt as chat messages, where the layout has them.
        item_tokens: Tokens of each item besides the text, in the order in which the items stand,
            where the layout has such; `measure` reads them here.
    """

    text: str
    messages: tuple[dict[str, Any], ...] = ()
    item_tokens: tuple[int, ...] = ()


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

    A class that names it as its base has to define `id`, `item_tokens` and `write`; the rest is
    that of texts without headings, counted as they stand together:

    >>> class Lines(PromptLayout):
    ...     id = "lines"
    ...
    ...     def item_tokens(self, items, counter):
    ...         return counter.count_batch([item.content + "\\n" for item in items])
    ...
    ...     def write(self, sections):
    ...         contents = (item.content + "\\n" for _, items in sections for item in items)
    ...         return WrittenPrompt(text="".join(contents))
    >>> Lines().write([(MemoryTier.RAG, [MemoryItem("a", "one", "rag")])]).text
    'one\\n'
    """

    @property
    def id(self) -> str: ...

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """What each item adds to a prompt."""
        ...

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        """The prompt of the chosen items; sections stand in their order."""
        ...

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        """What the prompt costs, exactly: its text, unless a layout says otherwise."""
        tokens = checked_count(counter, written.text) if written.text else 0
        return PromptTokens(used=tokens, messages=0, needed=tokens)

    def opening_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """What the first item of each tier adds besides, in the order of `MemoryTier`: nothing.

        *items* are all candidates.
        """
        return [0] * len(MemoryTier)

    def saved_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> int:
        """What items cost less than alone where they follow each other in a section: nothing."""
        return 0

    def fixed_tokens(self, counter: TokenCounter) -> int:
        """What a prompt that is not empty costs besides: nothing."""
        return 0

    @property
    def section_order(self) -> Sequence[MemoryTier]:
        """Every tier once, from the first section to the last."""
        return tuple(MemoryTier)

    def order_of(self, tier: MemoryTier) -> ItemOrder:
        """The order of the items within the tier's section."""
        return ItemOrder.VALUE

    @property
    def shows_content(self) -> bool:
        """Whether an item costs at least the tokens of its words; not known."""
        return False

    @property
    def bytes_per_character(self) -> int | None:
        """A line has at most so many bytes for each character of its content, and `BYTES_BESIDES`.

        None where only `most_bytes` knows. Asked only if `shows_content`.
        """
        return None

    def most_bytes(self, item: MemoryItem) -> int:
        """Bytes of the item's text in UTF-8, or more; asked only if `shows_content`."""
        return most_bytes(item.content) + BYTES_BESIDES


def most_bytes(text: str) -> int:
    """Bytes of a text in UTF-8, at most: exact in ASCII."""
    return len(text) if text.isascii() else 4 * len(text)
