"""What is said of the recalls of a window: `LoggedStatistics`, and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mba_integrations.core.log.statistics import AllocationStatistics
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.past.totals import Latency
from mba_integrations.services.store.rows.rollups import Span


class By(StrEnum):
    """What statistics are told apart by."""

    COMPLEXITY = "complexity"
    TIER = "tier"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A part of the statistics. What is not known of such a part is None.

    Attributes:
        key: A complexity, a tier, or when a span of time begins, as ISO 8601 text.
        allocation_count: Allocations; of a tier, those that have it.
        used_tokens: Tokens in prompts.
        budget_tokens: Tokens that were available.
        mean_utilisation: Mean of used by available tokens.
        median_utilisation: Median of the same.
        omitted: Memories left out.
        tier_used_tokens: Tokens in prompts, by tier.
        omission_counts: Memories left out, by reason.
        latency_ms_p50: Median duration of the choice.
        latency_ms_p95: Its 95th percentile.
        stable_prefix_tokens: Tokens shared with the prompt before.
        saved_tokens: Tokens of memories left out, as far as they were counted.
    """

    key: str
    allocation_count: int
    used_tokens: int
    budget_tokens: int
    mean_utilisation: float | None
    median_utilisation: float | None
    omitted: int
    tier_used_tokens: Mapping[MemoryTier, int]
    omission_counts: Mapping[str, int] | None = None
    latency_ms_p50: float | None = None
    latency_ms_p95: float | None = None
    stable_prefix_tokens: int | None = None
    saved_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTokens:
    """The tokens of a tier in all prompts together.

    Attributes:
        used: In the prompts.
        available: What the tier was given.
    """

    used: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OmittedTokens:
    """Tokens of what was left out for a reason.

    Attributes:
        tokens: Of the memories that were counted.
        counted: How many those are: what cannot matter for a choice is not counted.
    """

    tokens: int
    counted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Prompts that fill their budget alike.

    Attributes:
        up_to: To this part of it at most, and more than the bar before.
        count: How many.
    """

    up_to: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedStatistics(AllocationStatistics):
    """What the recalls of a window have in common.

    Medians and percentiles are read off histograms: utilisations are right to one percent,
    durations to a tenth of themselves. All else is that of the log.

    Attributes:
        resolution: `minute`, `hour` or `day`: at a full one of which the window begins.
        used_tokens: Tokens of all prompts.
        budget_tokens: Tokens that they could have had.
        tier_tokens: The same, by tier.
        omission_tokens: Tokens of what was left out, by reason.
        saved_tokens: The sum of those: what sending everything would have cost besides.
        stable_prefix_tokens: Tokens that prompts share with those before them in their sessions.
        cost: Of all prompts, in the prices of their workspaces; None where it is not known.
        uncached_cost: What they would have cost without a provider's cache.
        utilisation_histogram: How many prompts fill how much of their budget.
        phases: How long what took: `choose`, which is the allocator's own, `load`, `embed`, and
            `recall` for all of it.
        groups: The same told apart, in order; without what has no allocations.
    """

    resolution: Span | None = None
    used_tokens: int = 0
    budget_tokens: int = 0
    tier_tokens: Mapping[MemoryTier, TierTokens] = field(default_factory=dict)
    omission_tokens: Mapping[str, OmittedTokens] = field(default_factory=dict)
    saved_tokens: int = 0
    stable_prefix_tokens: int = 0
    cost: float | None = None
    uncached_cost: float | None = None
    utilisation_histogram: tuple[Bar, ...] = ()
    phases: Mapping[str, Latency] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as `AllocationStatistics.to_dict` with what is added here."""
        return {
            # Without arguments `super` finds the class before it was remade with its slots.
            **AllocationStatistics.to_dict(self),
            "tier_tokens": {tier.value: _plain(one) for tier, one in self.tier_tokens.items()},
            "omission_tokens": {name: _plain(one) for name, one in self.omission_tokens.items()},
            "utilisation_histogram": [_plain(one) for one in self.utilisation_histogram],
            "phases": {name: _plain(one) for name, one in self.phases.items()},
            "groups": [_plain(one) for one in self.groups],
        }


def _plain(one: Group | TierTokens | OmittedTokens | Bar | Latency) -> dict[str, Any]:
    """Its fields; `asdict` copies their values too, which takes as long as making them."""
    return {name: getattr(one, name) for name in one.__dataclass_fields__}
