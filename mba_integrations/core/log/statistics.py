"""Statistics over log records: counts, utilisation, complexity mix, omissions, latency, moves.

A pure function of the records, and of the present where the window is one of hours. What cannot be
known, such as the mean of nothing, is None; counts of nothing are 0. O(n log n) in the number of
records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from numbers import Real
from typing import Any

import numpy as np

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.log.records import (
    SCHEMA_VERSION,
    AllocationRecord,
    LogRecord,
    MovesRecord,
    TierRecord,
    check_zone,
)
from mba_integrations.core.model import MemoryTier, QueryComplexity

LONGEST_WINDOW_HOURS = 1_000_000
"""About 114 years, which the calendar can be set back by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierStatistics:
    """One tier over all allocations that have it.

    Attributes:
        mean_utilisation: Mean of used by budget tokens, where the tier had a budget; above 1 where
            it borrows. None if it never had one.
        median_utilisation: Median of the same.
        mean_used_tokens: Mean over the allocations that have the tier; None without any.
        selected: Items in prompts, in all.
        omitted: Items left out, in all.
    """

    mean_utilisation: float | None = None
    median_utilisation: float | None = None
    mean_used_tokens: float | None = None
    selected: int = 0
    omitted: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "mean_utilisation": self.mean_utilisation,
            "median_utilisation": self.median_utilisation,
            "mean_used_tokens": self.mean_used_tokens,
            "selected": self.selected,
            "omitted": self.omitted,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationStatistics:
    """What the allocations of a time window have in common.

    Attributes:
        workspace_id: Whose records were counted; None for all workspaces.
        since: Start of the window, ISO 8601 text; None if open.
        until: End of the window; None if open.
        allocation_count: Allocations in the window.
        first_timestamp: Of the earliest allocation; None without any.
        last_timestamp: Of the latest one; None without any.
        mean_utilisation: Mean of used by budget tokens, in [0, 1]; None without allocations.
        median_utilisation: Median of the same.
        mean_used_tokens: Tokens of a prompt; None without allocations.
        mean_gap: Mean distance of the value to its upper bound, as a part of it.
        tiers: Every tier.
        complexity_counts: How many queries were of each complexity; every complexity is there.
        omission_counts: How many items were left out for each reason, most frequent first.
        latency_ms_p50: Median duration of a call in milliseconds; None without allocations.
        latency_ms_p95: Its 95th percentile.
        latency_ms_p99: Its 99th percentile.
        inexact_count: Allocations whose tokens were counted by an estimate.
        noted_count: Allocations that told their caller something.
        promoted: Recommended moves to a nearer tier.
        demoted: Recommended moves to a farther tier.
    """

    workspace_id: str | None = None
    since: str | None = None
    until: str | None = None
    allocation_count: int = 0
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    mean_utilisation: float | None = None
    median_utilisation: float | None = None
    mean_used_tokens: float | None = None
    mean_gap: float | None = None
    tiers: Mapping[MemoryTier, TierStatistics] = field(default_factory=dict)
    complexity_counts: Mapping[QueryComplexity, int] = field(default_factory=dict)
    omission_counts: Mapping[str, int] = field(default_factory=dict)
    latency_ms_p50: float | None = None
    latency_ms_p95: float | None = None
    latency_ms_p99: float | None = None
    inexact_count: int = 0
    noted_count: int = 0
    promoted: int = 0
    demoted: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with `schema_version`; unknown values are None."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            "schema_version": SCHEMA_VERSION,
            **plain,
            "tiers": {tier.value: one.to_dict() for tier, one in self.tiers.items()},
            "complexity_counts": {one.value: n for one, n in self.complexity_counts.items()},
            "omission_counts": dict(self.omission_counts),
        }


def statistics(
    records: Iterable[LogRecord],
    *,
    workspace_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> AllocationStatistics:
    """Statistics of the records of one workspace, or of all, in a time window.

    Args:
        records: In any order.
        workspace_id: Whose; None for all.
        since: Earliest time that counts; None for no limit.
        until: Latest time that counts; None for no limit.

    Raises:
        InputError: If *since* or *until* has no time zone.

    >>> statistics([]).mean_utilisation is None
    True
    """
    chosen = choose_records(records, workspace_id=workspace_id, since=since, until=until)
    allocations = [one for one in chosen if isinstance(one, AllocationRecord)]
    allocations.sort(key=lambda record: record.time)
    moves = [one for one in chosen if isinstance(one, MovesRecord)]
    latency_ms = _percentiles([one.duration_ms for one in allocations], (50, 95, 99))
    utilisation = [one.utilisation for one in allocations if one.utilisation is not None]
    complexities = Counter(one.complexity for one in allocations)
    return AllocationStatistics(
        workspace_id=workspace_id,
        since=since.isoformat() if since else None,
        until=until.isoformat() if until else None,
        allocation_count=len(allocations),
        first_timestamp=allocations[0].timestamp if allocations else None,
        last_timestamp=allocations[-1].timestamp if allocations else None,
        mean_utilisation=_mean(utilisation),
        median_utilisation=_percentiles(utilisation, (50,))[0],
        mean_used_tokens=_mean([one.used_tokens for one in allocations]),
        mean_gap=_mean([_gap(one) for one in allocations]),
        tiers={tier: _tier_statistics(allocations, tier) for tier in MemoryTier},
        complexity_counts={one: complexities[one] for one in QueryComplexity},
        omission_counts=_omissions(allocations),
        latency_ms_p50=latency_ms[0],
        latency_ms_p95=latency_ms[1],
        latency_ms_p99=latency_ms[2],
        inexact_count=sum(not one.exact for one in allocations),
        noted_count=sum(bool(one.notes) for one in allocations),
        promoted=sum(one.promoted for one in moves),
        demoted=sum(one.demoted for one in moves),
    )


def recent_statistics(
    records: Iterable[LogRecord],
    workspace_id: str | None,
    time_window_hours: float | None,
    *,
    now: datetime,
) -> AllocationStatistics:
    """Statistics of the records of one workspace or all, of the hours before *now* or of all.

    Raises:
        InputError: If the window is not a positive number of hours.
    """
    since = None if time_window_hours is None else now - window(time_window_hours)
    return statistics(records, workspace_id=workspace_id, since=since)


def window(hours: float) -> timedelta:
    """A time span of that many hours.

    Raises:
        InputError: If it is not a number, not positive, or longer than `LONGEST_WINDOW_HOURS`.

    >>> window(1.5)
    datetime.timedelta(seconds=5400)
    """
    if not isinstance(hours, Real) or isinstance(hours, bool) or not hours > 0:
        raise InputError(f"time_window_hours must be a positive number, got {shown(hours)}.")
    if hours > LONGEST_WINDOW_HOURS:
        raise InputError(
            f"time_window_hours is {shown(hours)}, more than {LONGEST_WINDOW_HOURS:,}. "
            "Use None for all records."
        )
    return timedelta(hours=float(hours))


def choose_records(
    records: Iterable[LogRecord],
    *,
    workspace_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[LogRecord, ...]:
    """The records of a workspace in a time window, both ends included, in the order given.

    Raises:
        InputError: If *since* or *until* has no time zone.
    """
    for name, limit in (("since", since), ("until", until)):
        if limit is not None:
            check_zone(name, limit)
    return tuple(
        one
        for one in records
        if (workspace_id is None or one.workspace_id == workspace_id)
        and (since is None or one.time >= since)
        and (until is None or one.time <= until)
    )


def _tier_statistics(allocations: Sequence[AllocationRecord], tier: MemoryTier) -> TierStatistics:
    parts: list[TierRecord] = [one.tiers[tier] for one in allocations if tier in one.tiers]
    used = [part.used_tokens / part.budget_tokens for part in parts if part.budget_tokens]
    return TierStatistics(
        mean_utilisation=_mean(used),
        median_utilisation=_percentiles(used, (50,))[0],
        mean_used_tokens=_mean([part.used_tokens for part in parts]),
        selected=sum(part.selected for part in parts),
        omitted=sum(part.omitted for part in parts),
    )


def _omissions(allocations: Sequence[AllocationRecord]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for one in allocations:
        counts.update(one.omission_reasons)
    return dict(counts.most_common())


def _gap(record: AllocationRecord) -> float:
    if record.upper_bound <= 0.0:
        return 0.0
    return max(0.0, (record.upper_bound - record.value) / record.upper_bound)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _percentiles(values: Sequence[float], ranks: Sequence[int]) -> list[float | None]:
    """Percentiles with linear interpolation between neighbours; None for no values."""
    if not values:
        return [None] * len(ranks)
    return [float(value) for value in np.percentile(values, ranks)]
