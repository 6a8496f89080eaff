"""What a provider's prompt cache can reuse of a prompt, and what the prompt costs with it.

Each token of a prompt is read from the cache, written to it, or neither, and each has its price. A
token is read if it belongs to the beginning that the prompt shares with the previous one; the
tokens behind it are written, but for those of items whose text changes from turn to turn, which
stand last.

The cost is that of a cache that finds any shared beginning. Where only marked places are found,
where a prompt below a minimum is not kept, or where it was kept too long ago, it is higher.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mba_integrations.core.config.settings import CachingSettings
from mba_integrations.core.counting.counter import TokenCounter, checked_count
from mba_integrations.core.selection.assembly import reused_beginning
from mba_integrations.core.selection.portable import portable_counter
from mba_integrations.core.turns.previous import PreviousPrompt

MOST_BREAKS = 16
"""Places that stay marked; Anthropic's cache looks back over 20 blocks."""
_MARKED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptCost:
    """The tokens of a prompt by what is paid for them.

    Attributes:
        read_tokens: Read from the cache.
        written_tokens: Written to it.
        uncached_tokens: Neither.
        cost: What they cost together, in the unit of the prices.
    """

    read_tokens: int
    written_tokens: int
    uncached_tokens: int
    cost: float


@dataclass(frozen=True, kw_only=True)
class PromptReuse:
    """A prompt beside the one that it followed.

    Args:
        text: The prompt.
        used_tokens: Its tokens.
        steady_characters: Where the items begin whose text changes from turn to turn.
        first_line: How the text of the first item begins; empty if there is none.
        followed: The prompt before; None for the first one.
        counter: Counts tokens.
        prices: Prices of a token.
    """

    text: str
    used_tokens: int
    steady_characters: int
    first_line: str
    followed: PreviousPrompt | None
    counter: TokenCounter
    prices: CachingSettings

    def __getstate__(self) -> dict[str, Any]:
        """With the tokens that need the counter, which may not be able to go along."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        counter = portable_counter(self.counter)
        return {**fields, "counter": counter, "stable_tokens": self.stable_tokens}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__["counter"] = state["counter"].unpacked()

    def __deepcopy__(self, memo: object) -> PromptReuse:
        """Itself: it never changes."""
        return self

    def __copy__(self) -> PromptReuse:
        return self

    @cached_property
    def stable_text(self) -> str:
        """The beginning that stands as in the prompt before."""
        return self._shared(self.followed)

    @cached_property
    def stable_tokens(self) -> int:
        """Tokens of it."""
        return self._tokens(self.stable_text)

    @cached_property
    def stable_hash(self) -> str:
        """Stands for it, as 32 hexadecimal digits; empty if it is empty."""
        encoded = self.stable_text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(encoded, digest_size=16).hexdigest() if encoded else ""

    @cached_property
    def breaks(self) -> tuple[int, ...]:
        """Places in the text up to which a provider may keep it, ascending: those of earlier
        prompts that are shared, the end of what is shared, the end of what is steady. A provider
        takes few marks, so none stands where a heading is all that it would keep."""
        shared = len(self.stable_text)
        before = self.followed.breaks if self.followed is not None else ()
        places = {place for place in (*before, shared) if place <= shared}
        places.add(self.steady_characters)
        heading = max(0, self.text.find(self.first_line))
        return tuple(sorted(place for place in places if place > heading)[-MOST_BREAKS:])

    def blocks(self) -> list[dict[str, Any]]:
        """The text as blocks that end at the breaks; the last two of those are marked."""
        ends = sorted({*self.breaks, len(self.text)} - {0})
        blocks: list[dict[str, Any]] = []
        for start, end in zip([0, *ends], ends, strict=False):
            block: dict[str, Any] = {"type": "text", "text": self.text[start:end]}
            if end in self.breaks[-_MARKED:]:
                block["cache_control"] = {"type": "ephemeral"}
            blocks.append(block)
        return blocks

    def cost(self, previous: PreviousPrompt | None) -> PromptCost:
        """What the prompt costs after *previous*; None for the first of a session."""
        follows = previous is not None and previous is self.followed
        read = self.stable_tokens if follows else self._tokens(self._shared(previous))
        kept = self._tokens(self.text[: self.steady_characters])
        written = max(0, kept - read)
        uncached = self.used_tokens - read - written
        prices = self.prices
        return PromptCost(
            read_tokens=read,
            written_tokens=written,
            uncached_tokens=uncached,
            cost=read * prices.cached_read_price
            + written * prices.cache_write_price
            + uncached * prices.uncached_price,
        )

    def _shared(self, previous: PreviousPrompt | None) -> str:
        if previous is None:
            return ""
        return self.text[: reused_beginning(previous.text, self.text)]

    def _tokens(self, text: str) -> int:
        """Tokens of a beginning of the prompt."""
        if len(text) == len(self.text):
            return self.used_tokens
        return min(self.used_tokens, checked_count(self.counter, text)) if text else 0
