"""What became of each candidate and of each tier, and why, as a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mba_integrations.core.model import MemoryItem, MemoryTier, OmissionReason
from mba_integrations.core.value.grounds.signal import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An item with what was known of it when it was decided on.

    Attributes:
        item: The item as handed in.
        tokens: Tokens of its line in the prompt.
        score: By the workspace's scoring method, in [0, 1].
        relevance: In [0, 1], handed in or estimated.
        importance: In [0, 1].
        freshness: In [0, 1].
        signals: The two or three that decided on the score, the strongest first; where relevance
            and score disagree, with a word on it.
    """

    item: MemoryItem
    tokens: int
    score: float
    relevance: float
    importance: float
    freshness: float
    signals: tuple[Signal, ...] = ()

    @property
    def id(self) -> str:
        """The item's id."""
        return self.item.id

    @property
    def content(self) -> str:
        """The item's text."""
        return self.item.content

    @property
    def tier(self) -> MemoryTier:
        """The item's tier."""
        return self.item.tier

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the text."""
        return {
            "id": self.id,
            "tier": self.tier.value,
            "tokens": self.tokens,
            "score": self.score,
            "relevance": self.relevance,
            "importance": self.importance,
            "freshness": self.freshness,
            "signals": [signal.to_dict() for signal in self.signals],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected(Candidate):
    """An item that is in the prompt.

    Attributes:
        pinned: Whether it, or its group, had to be.
        passage: The part of its text that is in the prompt; None for the whole.
        sentences: How many of its sentences that part holds, and how many the text has; lines of
            the result of a tool. None for the whole.
    """

    pinned: bool
    passage: str | None = None
    sentences: tuple[int, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the text."""
        return {
            **Candidate.to_dict(self),
            "pinned": self.pinned,
            "shortened": self.passage is not None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted(Candidate):
    """An item that is not in the prompt.

    Attributes:
        reason: The one reason.
        detail: The reason with its numbers, as a sentence.
    """

    reason: OmissionReason
    detail: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the text."""
        return {**Candidate.to_dict(self), "reason": self.reason.value, "detail": self.detail}


@dataclass(frozen=True, slots=True, kw_only=True)
class TierAllocation:
    """Tokens of one tier.

    Attributes:
        share_tokens: What belongs to it by its share, floor and cap.
        borrowed_tokens: What it got from other tiers; negative if it lent.
        budget_tokens: `share_tokens + borrowed_tokens`.
        used_tokens: Tokens of its section, heading included.
        selected_count: Its items in the prompt.
        omitted_count: Its items that are not.
    """

    share_tokens: int
    borrowed_tokens: int
    used_tokens: int
    selected_count: int
    omitted_count: int

    @property
    def budget_tokens(self) -> int:
        """Tokens that it could use in the end."""
        return self.share_tokens + self.borrowed_tokens

    def to_dict(self) -> dict[str, int]:
        """JSON-ready."""
        return {
            "share_tokens": self.share_tokens,
            "borrowed_tokens": self.borrowed_tokens,
            "budget_tokens": self.budget_tokens,
            "used_tokens": self.used_tokens,
            "selected_count": self.selected_count,
            "omitted_count": self.omitted_count,
        }


def reason_sentence(
    reason: OmissionReason,
    *,
    tier: MemoryTier,
    tokens: int,
    unit_tokens: int,
    score: float,
    min_score: float,
    follows: bool,
) -> str:
    """Why an item is not in the prompt, with its numbers.

    Args:
        reason: The reason.
        tier: The item's tier.
        tokens: Tokens of its line.
        unit_tokens: Tokens of its group, or of its line if it has none.
        score: Its score.
        min_score: The score that it needed.
        follows: Whether items of the previous prompt are kept.
    """
    if reason is OmissionReason.BELOW_THRESHOLD:
        return f"its score {score:.3f} is below min_score {min_score:.3f}"
    if reason is OmissionReason.BELOW_PRICE:
        return f"its {unit_tokens:,} tokens are worth less than the price of a token"
    if reason is OmissionReason.TIER_EXCLUDED:
        return f"the workspace gives tier {tier.value} no tokens"
    if reason is OmissionReason.TOO_LARGE:
        return f"it needs {unit_tokens:,} tokens, more than it could have alone"
    if reason is OmissionReason.DUPLICATE:
        return "an item that is in the prompt says the same"
    stays = ", or stay from the previous prompt" if follows else ""
    return f"other items are worth more for its {tokens:,} tokens{stays}"
