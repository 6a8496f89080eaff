"""`Plan`: what was done to a request, for headers, metrics and logs. It holds no text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Dropped = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was done to a request. Tokens are None where nothing had to be counted.

    Attributes:
        changed: Whether another body is sent than came.
        dropped: Places of messages that are not sent.
        shortened: Places of messages with results of tools that are shortened.
        injected_tokens: Of memory, with its framing.
        tokens_before: Of the request as it came.
        tokens_after: Of the request as it is sent.
        budget_tokens: What the request may have; None for any number.
        prefix_tokens: Of what is sent, the beginning that stands as in the request before.
        allocation_id: By which the log knows the choice of memories.
        notes: What was not done, and why.
    """

    changed: bool = False
    dropped: Dropped = ()
    shortened: Dropped = ()
    injected_tokens: int = 0
    tokens_before: int | None = None
    tokens_after: int | None = None
    budget_tokens: int | None = None
    prefix_tokens: int | None = None
    allocation_id: str | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def saved_tokens(self) -> int:
        """Of the client's request, what is not sent."""
        if self.tokens_before is None or self.tokens_after is None:
            return 0
        return self.tokens_before + self.injected_tokens - self.tokens_after

    def headers(self) -> Mapping[str, str]:
        """What a client is told, by names of headers."""
        said = {
            "x-mba-allocation-id": self.allocation_id,
            "x-mba-used-tokens": self.tokens_after,
            "x-mba-budget-tokens": self.budget_tokens,
            "x-mba-saved-tokens": None if self.tokens_after is None else self.saved_tokens,
            "x-mba-prefix-tokens": self.prefix_tokens,
            "x-mba-note": " ".join(self.notes) or None,
        }
        return {name: str(value) for name, value in said.items() if value is not None}
