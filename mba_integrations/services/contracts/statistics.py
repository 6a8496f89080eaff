"""Statistics as they are shown, and windows as they are asked for."""

from __future__ import annotations

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier, QueryComplexity
from mba_integrations.services.contracts.body import View
from mba_integrations.services.memory.past.statistics import LoggedStatistics
from mba_integrations.services.store.rows.rollups import Span

WINDOW = r"^[1-9][0-9]{0,5}[mhd]$"
"""A number of minutes, hours or days, such as `24h`."""
_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0}


def hours_of(window: str | None, hours: float | None) -> float | None:
    """How many hours a request looks back; None for all.

    >>> hours_of("7d", None)
    168.0

    Raises:
        InputError: If it names both.
    """
    if window is None:
        return hours
    if hours is not None:
        raise InputError("window and hours both say how far to look back. Leave one out.")
    return int(window[:-1]) * _HOURS[window[-1]]


class TierStatisticsView(View):
    """One tier over all allocations that have it."""

    mean_utilisation: float | None
    median_utilisation: float | None
    mean_used_tokens: float | None
    selected: int
    omitted: int


class TierTokensView(View):
    """The tokens of a tier in all prompts together."""

    used: int
    available: int


class OmittedTokensView(View):
    """Tokens of what was left out for a reason, and of how many memories they are known."""

    tokens: int
    counted: int


class BarView(View):
    """Prompts that fill their budget to this part at most, and more than the bar before."""

    up_to: float
    count: int


class LatencyView(View):
    """How long a phase took."""

    count: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class GroupView(View):
    """A part of the statistics: a complexity, a tier, or a span of time by its beginning."""

    key: str
    allocation_count: int
    used_tokens: int
    budget_tokens: int
    mean_utilisation: float | None
    median_utilisation: float | None
    omitted: int
    tier_used_tokens: dict[MemoryTier, int]
    omission_counts: dict[str, int] | None
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    stable_prefix_tokens: int | None
    saved_tokens: int | None


class StatisticsView(View):
    """What past recalls have in common."""

    schema_version: int
    workspace_id: str | None
    since: str | None
    until: str | None
    resolution: Span | None
    allocation_count: int
    first_timestamp: str | None
    last_timestamp: str | None
    mean_utilisation: float | None
    median_utilisation: float | None
    mean_used_tokens: float | None
    mean_gap: float | None
    tiers: dict[MemoryTier, TierStatisticsView]
    complexity_counts: dict[QueryComplexity, int]
    omission_counts: dict[str, int]
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    latency_ms_p99: float | None
    inexact_count: int
    noted_count: int
    promoted: int
    demoted: int
    used_tokens: int
    budget_tokens: int
    tier_tokens: dict[MemoryTier, TierTokensView]
    omission_tokens: dict[str, OmittedTokensView]
    saved_tokens: int
    stable_prefix_tokens: int
    cost: float | None
    uncached_cost: float | None
    utilisation_histogram: list[BarView]
    phases: dict[str, LatencyView]
    groups: list[GroupView]

    @classmethod
    def of(cls, found: LoggedStatistics) -> StatisticsView:
        """The view of statistics."""
        return cls.model_validate(found.to_dict())
