"""`RecallReply` and `SearchReply`: what a question gets back, readable as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mba_integrations.core.model import MemoryTier, OmissionReason, QueryComplexity
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Selected, TierAllocation

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NotConsidered:
    """Memories that were no candidates.

    Attributes:
        expired: Their time had come.
        forgotten: They are superseded or forgotten, and not pruned yet.
        filtered: A filter, a tier or a subject kept them out.
        not_looked_at: The store found others more fitting, in a workspace too large for a pool;
            what a filter kept out is among them there.
    """

    expired: int = 0
    forgotten: int = 0
    filtered: int = 0
    not_looked_at: int = 0

    def to_dict(self) -> dict[str, int]:
        """JSON-ready; `not_looked_at` is there where it is not 0."""
        beyond = {"not_looked_at": self.not_looked_at} if self.not_looked_at else {}
        return {
            "expired": self.expired,
            "forgotten": self.forgotten,
            "filtered": self.filtered,
            **beyond,
        }


@dataclass(frozen=True, kw_only=True)
class RecallReply:
    """The memories for a question, within the budget.

    Attributes:
        allocation: The whole result of the choice.
        allocation_id: By which the log knows it.
        change_seq: Where the workspace's sequence of changes stood.
        not_considered: What was kept out before the choice.
        session_id: In which session it was asked.
        notes: What the caller should know.
    """

    allocation: Allocation = field(repr=False)
    allocation_id: str
    change_seq: int
    not_considered: NotConsidered
    session_id: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def prompt_text(self) -> str:
        """The prompt; `used_tokens` by the workspace's counter, never more than the budget."""
        return self.allocation.prompt_text

    def count(self, text: str) -> int:
        """Tokens of a text, by what counted the prompt."""
        return self.allocation.decided.problem.counter.count(text)

    def messages(self) -> list[dict[str, str]]:
        """The prompt as chat messages."""
        return self.allocation.to_messages()

    def blocks(self) -> list[dict[str, Any]]:
        """The prompt as text blocks with the marks of a prompt cache."""
        return self.allocation.to_cache_blocks()

    @property
    def used_tokens(self) -> int:
        """Tokens of the prompt."""
        return self.allocation.used_tokens

    @property
    def budget_tokens(self) -> int:
        """Tokens that the prompt may have."""
        return self.allocation.budget_tokens

    @property
    def complexity(self) -> QueryComplexity:
        """How much the query asks for."""
        return self.allocation.complexity

    @property
    def tiers(self) -> Mapping[MemoryTier, TierAllocation]:
        """Tokens and memories of each tier."""
        return self.allocation.tiers

    @property
    def selected(self) -> tuple[Selected, ...]:
        """The memories in the prompt, in its order."""
        return self.allocation.selected

    @property
    def omitted_by_reason(self) -> dict[OmissionReason, int]:
        """How many candidates stayed out for each reason."""
        return self.allocation.omission_counts()

    def explain(self, *, max_rows: int | None = 50) -> str:
        """A table of what came in, what stayed out and why, and what was no candidate."""
        counts = self.not_considered.to_dict().items()
        apart = ", ".join(f"{count:,} {name}" for name, count in counts if count)
        table = self.allocation.explain(max_rows=max_rows)
        return f"{table}\nNot considered: {apart}." if apart else table

    def to_dict(self, *, include_text: bool = True) -> dict[str, Any]:
        """JSON-ready, with `schema_version`; what was omitted is counted, not listed."""
        reply = self.allocation
        text = {"query": reply.query, "prompt_text": self.prompt_text} if include_text else {}
        return {
            "schema_version": SCHEMA_VERSION,
            "allocation_id": self.allocation_id,
            "workspace_id": reply.workspace_id,
            "session_id": self.session_id,
            **text,
            "used_tokens": self.used_tokens,
            "budget_tokens": self.budget_tokens,
            "complexity": self.complexity.value,
            "tiers": {tier.value: usage.to_dict() for tier, usage in self.tiers.items()},
            "selected": [_selected(one) for one in self.selected],
            "omitted_by_reason": {
                reason.value: count for reason, count in self.omitted_by_reason.items()
            },
            "not_considered": self.not_considered.to_dict(),
            "stable_prefix_tokens": reply.stable_prefix_tokens,
            "prefix_hash": reply.prefix_hash,
            "value": reply.value,
            "upper_bound": reply.upper_bound,
            "gap": reply.gap,
            "notes": list(self.notes),
            "change_seq": self.change_seq,
        }


def _selected(one: Selected) -> dict[str, Any]:
    return {
        "id": one.item.id,
        "tier": one.item.tier.value,
        "tokens": one.tokens,
        "score": one.score,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A memory that was found.

    Attributes:
        memory_id: Its id.
        content: Its text.
        tier: Its tier.
        score: How well it answers, in [0, 1]; comparable within one search.
    """

    memory_id: str
    content: str
    tier: MemoryTier
    score: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.memory_id,
            "content": self.content,
            "tier": self.tier.value,
            "score": round(self.score, 4),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchReply:
    """Memories by how well they answer, the best first.

    Attributes:
        hits: They.
        text: The hits as a JSON list.
        used_tokens: Tokens of `text`.
        budget_tokens: Tokens that `text` may have; None for any number.
        too_large: How many better hits were passed over, since they did not fit.
        not_considered: What was no candidate.
        change_seq: Where the workspace's sequence of changes stood.
    """

    hits: tuple[SearchHit, ...]
    text: str
    used_tokens: int
    budget_tokens: int | None
    too_large: int
    not_considered: NotConsidered
    change_seq: int
