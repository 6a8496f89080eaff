"""Recalls that were logged since the service began, as families of metrics.

They are the figures of the rollups, in fewer buckets: each bucket is a series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.model import MemoryTier, OmissionReason
from mba_integrations.services.store.rows import figures
from mba_integrations.services.store.rows.figures import DURATIONS_US, MILLION, PHASES

_DOUBLINGS = slice(40, 169, 8)
"""Of the bounds of durations: each second power of two, from 0.3 ms to 21 s."""
_TENTHS = slice(10, 101, 10)


def recall_families(recalled: Mapping[str, Mapping[int, int]]) -> Iterator[Metric]:
    """The families.

    Args:
        recalled: Figures by complexity.
    """
    by_level = CounterMetricFamily(
        "mba_allocations", "Recalls that were logged, by complexity.", labels=["complexity"]
    )
    total = np.zeros(figures.SLOTS, dtype=np.int64)
    for level, found in sorted(recalled.items()):
        by_level.add_metric([level], found[figures.COUNT])
        total[list(found)] += list(found.values())
    yield by_level
    yield _phases(total)
    yield _utilisation(total)
    yield _tokens(total)
    yield from _omissions(total)
    used = int(total[figures.USED_TOKENS])
    reused = int(total[figures.STABLE_TOKENS]) / used if used else 0.0
    says = "Part of the tokens of prompts that a provider's cache can reuse."
    yield GaugeMetricFamily("mba_prompt_prefix_reused_ratio", says, value=reused)


def _phases(total: IntArray) -> Metric:
    family = HistogramMetricFamily(
        "mba_recall_phase_seconds", "Time of recalls, by phase.", labels=["phase"]
    )
    for code, phase in enumerate(PHASES):
        upto = np.cumsum(total[figures.duration_row(code)])
        bounds = [bound / MILLION for bound in DURATIONS_US[_DOUBLINGS]]
        spent = total[figures.phase_slots(code)[1]] / MILLION
        family.add_metric([phase], _buckets(bounds, upto[_DOUBLINGS], upto[-1]), spent)
    return family


def _utilisation(total: IntArray) -> Metric:
    upto = np.cumsum(total[figures.utilisation_row()])
    bounds = [tenth / 10 for tenth in range(1, 11)]
    return HistogramMetricFamily(
        "mba_budget_utilization_ratio",
        "Part of its budget that a prompt fills.",
        buckets=_buckets(bounds, upto[_TENTHS], upto[-1]),
        sum_value=total[figures.UTILISATION] / MILLION,
    )


def _buckets(bounds: list[float], counts: IntArray, all_of_them: int) -> list[tuple[str, float]]:
    pairs = zip(bounds, counts.tolist(), strict=True)
    return [*((f"{bound:.6g}", count) for bound, count in pairs), ("+Inf", int(all_of_them))]


def _tokens(total: IntArray) -> Metric:
    family = CounterMetricFamily(
        "mba_tokens",
        "Tokens of tiers that were available, and that are in prompts.",
        labels=["tier", "decision"],
    )
    for tier in MemoryTier:
        for decision, figure in (("available", "budget_tokens"), ("used", "used_tokens")):
            family.add_metric([tier.value, decision], total[figures.tier_slot(tier.code, figure)])
    return family


def _omissions(total: IntArray) -> Iterator[Metric]:
    counts = CounterMetricFamily(
        "mba_items_dropped", "Memories left out of prompts, by reason.", labels=["reason"]
    )
    tokens = CounterMetricFamily(
        "mba_items_dropped_tokens",
        "Tokens of memories left out, as far as they were counted, by reason.",
        labels=["reason"],
    )
    for reason in OmissionReason:
        count, sum_of_tokens, _ = figures.omission_slots(reason.code)
        counts.add_metric([reason.value], total[count])
        tokens.add_metric([reason.value], total[sum_of_tokens])
    yield counts
    yield tokens
