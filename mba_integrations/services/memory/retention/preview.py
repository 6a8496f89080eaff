"""What a sweep would do, before it does it: counts, and a few memories with the reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.retention.decisions import RetentionDecision
from mba_integrations.services.memory.retention.rules import OnLimit

SAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPreview:
    """What a retention policy would do now.

    Attributes:
        decisions: Every memory that would go.
        expired: How many more have passed their own `expires_at` and only take space.
        samples: The first 20 of the decisions, with their texts, each cut to 80 characters.
    """

    decisions: tuple[RetentionDecision, ...]
    expired: int = 0
    samples: tuple[tuple[RetentionDecision, str], ...] = field(default=())

    @property
    def counts(self) -> dict[tuple[MemoryTier, OnLimit, str], int]:
        """How many memories go, by tier, action and limit."""
        keys = ((one.tier, one.action, one.rule) for one in self.decisions)
        return dict(Counter(keys))

    def __len__(self) -> int:
        return len(self.decisions)

    def __str__(self) -> str:
        lines = [
            f"{tier}: {count:,} {action} by {rule}"
            for (tier, action, rule), count in self.counts.items()
        ]
        if self.expired:
            lines.append(f"{self.expired:,} expired")
        return "\n".join(lines) or "Nothing goes."
