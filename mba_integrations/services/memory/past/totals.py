"""`Totals`: rollups added up, and what can be said of them: sums, means, percentiles.

Counts, sums and means are those of the log, to a millionth. A percentile is a place within a
bucket of a histogram: a utilisation is right to one percent, a duration to a tenth of itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.model import REASONS, MemoryTier
from mba_integrations.services.store.rows import figures
from mba_integrations.services.store.rows.figures import MILLION, PERCENTS, PHASES
from mba_integrations.services.store.rows.rollups import Rollup, moment

BARS = 20
"""Of the histogram of utilisation that is shown, 5 percent each."""
_PERCENT_BOUNDS = np.maximum(np.arange(-1, PERCENTS + 1), 0) / 100.0
_DURATION_BOUNDS = np.array((0, *figures.DURATIONS_US)) / 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long a phase took; None where it was never timed.

    Attributes:
        count: How often it was timed.
        mean_ms: Mean in milliseconds.
        p50_ms: Median.
        p95_ms: 95th percentile.
        p99_ms: 99th percentile.
    """

    count: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What some rollups add up to.

    Attributes:
        sums: By slot.
        first_at: When the first allocation was; None without any.
        last_at: When the last one was.
    """

    sums: IntArray
    first_at: datetime | None
    last_at: datetime | None

    @classmethod
    def of(cls, rollups: Sequence[Rollup]) -> Self:
        """Of these rollups."""
        return cls(
            sums=figures.sums(one.figures for one in rollups),
            first_at=moment(min(one.first_at for one in rollups)) if rollups else None,
            last_at=moment(max(one.last_at for one in rollups)) if rollups else None,
        )

    @classmethod
    def together(cls, several: Sequence[Totals]) -> Self:
        """Of all that these are of."""
        first = [one.first_at for one in several if one.first_at is not None]
        last = [one.last_at for one in several if one.last_at is not None]
        return cls(
            sums=sum((one.sums for one in several), figures.sums(())),
            first_at=min(first, default=None),
            last_at=max(last, default=None),
        )

    def sum(self, slot: int) -> int:
        """The sum of a figure."""
        return int(self.sums[slot])

    def mean(self, slot: int, *, by: int, unit: int = 1) -> float | None:
        """The mean of a figure; None of nothing."""
        count = self.sum(by)
        return self.sum(slot) / count / unit if count else None

    def of_tier(self, tier: MemoryTier, figure: str) -> int:
        """The sum of a figure of a tier."""
        return self.sum(figures.tier_slot(tier.code, figure))

    def mean_of_tier(self, tier: MemoryTier, figure: str) -> float | None:
        """The mean of a figure over the allocations that have the tier; None of nothing."""
        count = figures.tier_slot(tier.code, "count")
        return self.mean(figures.tier_slot(tier.code, figure), by=count)

    def mean_utilisation(self, tier: MemoryTier | None = None) -> float | None:
        """The mean utilisation of prompts, or of a tier's part of them, where there is a budget."""
        slots = figures.UTILISATION, figures.WITH_BUDGET
        if tier is not None:
            names = ("utilisation", "with_budget")
            slots = (
                figures.tier_slot(tier.code, names[0]),
                figures.tier_slot(tier.code, names[1]),
            )
        return self.mean(slots[0], by=slots[1], unit=MILLION)

    def median_utilisation(self, tier: MemoryTier | None = None) -> float | None:
        """The median utilisation of prompts, or of a tier's part of them."""
        counts = self.sums[figures.utilisation_row(None if tier is None else tier.code)]
        return percentiles(counts, _PERCENT_BOUNDS, [0.5])[0]

    def utilisation_bars(self) -> list[int]:
        """How many prompts have each twentieth of their budget filled, from the emptiest."""
        nothing, *percents = self.sums[figures.utilisation_row()][:101].tolist()
        width = len(percents) // BARS
        bars = [sum(percents[first : first + width]) for first in range(0, 100, width)]
        return [bars[0] + nothing, *bars[1:]]

    def latency(self, phase: str) -> Latency:
        """How long a phase took."""
        code = PHASES.index(phase)
        timed, microseconds = figures.phase_slots(code)
        counts = self.sums[figures.duration_row(code)]
        p50, p95, p99 = percentiles(counts, _DURATION_BOUNDS, [0.5, 0.95, 0.99])
        mean = self.mean(microseconds, by=timed, unit=1_000)
        return Latency(count=self.sum(timed), mean_ms=mean, p50_ms=p50, p95_ms=p95, p99_ms=p99)

    def omissions(self) -> Mapping[str, tuple[int, int, int]]:
        """By reason how many were left out, their tokens, and of how many those are; the most
        frequent first."""
        rows = self.sums[figures.omission_rows()].reshape(-1, 3).tolist()
        found = zip((reason.value for reason in REASONS), rows, strict=True)
        ordered = sorted(found, key=lambda one: -one[1][0])
        return {reason: (one[0], one[1], one[2]) for reason, one in ordered if one[0]}


def percentiles(counts: IntArray, bounds: FloatArray, parts: Sequence[float]) -> list[float | None]:
    """Values that parts of all lie below, as numpy has them of the values; None of nothing.

    The values of a bucket stand evenly in it, so each is right to the width of its bucket.

    Args:
        counts: How many there are in each bucket, shape (n,).
        bounds: Where each bucket begins, shape (n,). The last one has no end.
        parts: Which parts, in [0, 1].

    >>> percentiles(np.array([0, 4, 0]), np.array([0.0, 1.0, 2.0]), [0.5])
    [1.5]
    """
    upto = np.cumsum(counts)
    if not upto[-1]:
        return [None] * len(parts)
    rank = np.array(parts) * (upto[-1] - 1)
    ranks = np.stack([np.floor(rank), np.ceil(rank)])
    buckets = np.searchsorted(upto, ranks, side="right")
    ends = bounds[np.minimum(buckets + 1, len(bounds) - 1)]
    inside = (ranks + 0.5 - upto[buckets] + counts[buckets]) / counts[buckets]
    lower, upper = bounds[buckets] + inside * (ends - bounds[buckets])
    found: list[float | None] = (lower + (rank - ranks[0]) * (upper - lower)).tolist()
    return found
