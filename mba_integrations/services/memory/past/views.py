"""The views of statistics: which rollups make up a window, and how they are told apart.

No row of the log is read. What a view costs grows with the rollups of its window, some 85 for each
complexity and one for each day, not with the log. A window begins at a full minute, hour or day,
whichever is still kept of that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from mba_integrations.core.arguments import checked_member
from mba_integrations.core.errors import InputError
from mba_integrations.core.log.statistics import TierStatistics, window
from mba_integrations.core.model import MemoryTier, QueryComplexity
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.past.statistics import (
    Bar,
    By,
    Group,
    LoggedStatistics,
    OmittedTokens,
    TierTokens,
)
from mba_integrations.services.memory.past.totals import BARS, Totals
from mba_integrations.services.store.rows import figures
from mba_integrations.services.store.rows.figures import MILLION, PHASES
from mba_integrations.services.store.rows.rollups import (
    Part,
    Rollup,
    Span,
    finest,
    floor,
    moment,
    parts_of,
)
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.log import rollups

MOST_GROUPS = 500
"""Spans of a window that are told apart: more are no picture that anybody could read, and so many
minutes, or hours, are kept."""


def statistics_of(
    equipment: Equipment, workspace_id: str, hours: float | None, by: By | str | None = None
) -> LoggedStatistics:
    """Statistics of one workspace; see `MemoryService.statistics`."""
    resolution, parts = _window(hours, by, equipment.clock())
    equipment.trail.flush()
    with equipment.read(workspace_id) as reading:
        workspaces.get(reading)
        view = _view(_read(reading, parts), by)
    return replace(view, workspace_id=workspace_id, **_begins(resolution, parts))


def statistics_of_all(
    equipment: Equipment,
    workspace_ids: Iterable[str],
    hours: float | None,
    by: By | str | None = None,
) -> LoggedStatistics:
    """Statistics of several workspaces together; see `Allocations.statistics`."""
    resolution, parts = _window(hours, by, equipment.clock())
    equipment.trail.flush()
    with equipment.store.read_all() as everything:
        known = {row.workspace_id for row in workspaces.listed(everything)}
        found: list[Rollup] = []
        for workspace_id in workspace_ids:
            reading = everything.within(workspace_id)
            if workspace_id not in known:
                workspaces.get(reading)  # says that it is not there
            found.extend(_read(reading, parts))
    return replace(_view(found, by), **_begins(resolution, parts))


def _window(
    hours: float | None, by: By | str | None, now: datetime
) -> tuple[Span, tuple[Part, ...]]:
    """At a full one of what a window begins, and the rollups that make it up."""
    by = None if by is None else checked_member("by", by, By)
    since = None if hours is None else now - window(hours)
    if by is None or by in (By.COMPLEXITY, By.TIER):
        return finest(since, now), parts_of(since, now)
    span = Span(by.value)
    begin = None if since is None else floor(since, span)
    if begin is None or (now - begin) / span.length >= MOST_GROUPS:
        raise InputError(
            f"by={span} needs a window of less than {MOST_GROUPS} {span}s. Shorten it, or ask by a "
            "longer span."
        )
    return span, (Part(span, begin, None),)


def _begins(resolution: Span, parts: Sequence[Part]) -> dict[str, Any]:
    since = parts[0].since
    return {"resolution": resolution, "since": None if since is None else since.isoformat()}


def _read(reading: Reading, parts: Sequence[Part]) -> list[Rollup]:
    return [one for part in parts for one in rollups.of_part(reading, part)]


def _view(found: Sequence[Rollup], by: By | str | None) -> LoggedStatistics:
    levels = _told_apart(found, By.COMPLEXITY)
    total = Totals.together(list(levels.values()))
    return LoggedStatistics(
        complexity_counts={
            one: levels[one.value].sum(figures.COUNT) if one.value in levels else 0
            for one in QueryComplexity
        },
        groups=_groups(found, total, by),
        **_of_the_log(total),
        **_added(total),
    )


def _of_the_log(total: Totals) -> dict[str, Any]:
    """What the core says of the records of a log."""
    latency, count = total.latency("choose"), figures.COUNT
    return {
        "allocation_count": total.sum(count),
        "first_timestamp": None if total.first_at is None else total.first_at.isoformat(),
        "last_timestamp": None if total.last_at is None else total.last_at.isoformat(),
        "mean_utilisation": total.mean_utilisation(),
        "median_utilisation": total.median_utilisation(),
        "mean_used_tokens": total.mean(figures.USED_TOKENS, by=count),
        "mean_gap": total.mean(figures.GAP, by=count, unit=MILLION),
        "tiers": {tier: _tier(total, tier) for tier in MemoryTier},
        "omission_counts": {reason: one[0] for reason, one in total.omissions().items()},
        "latency_ms_p50": latency.p50_ms,
        "latency_ms_p95": latency.p95_ms,
        "latency_ms_p99": latency.p99_ms,
        "inexact_count": total.sum(figures.INEXACT),
        "noted_count": total.sum(figures.NOTED),
    }


def _added(total: Totals) -> dict[str, Any]:
    """What a service knows besides."""
    bars = enumerate(total.utilisation_bars(), start=1)
    omissions = total.omissions()
    return {
        "used_tokens": total.sum(figures.USED_TOKENS),
        "budget_tokens": total.sum(figures.BUDGET_TOKENS),
        "tier_tokens": {
            tier: TierTokens(
                used=total.of_tier(tier, "used_tokens"),
                available=total.of_tier(tier, "budget_tokens"),
            )
            for tier in MemoryTier
        },
        "omission_tokens": {
            reason: OmittedTokens(tokens=tokens, counted=counted)
            for reason, (_, tokens, counted) in omissions.items()
        },
        "saved_tokens": sum(tokens for _, tokens, _ in omissions.values()),
        "stable_prefix_tokens": total.sum(figures.STABLE_TOKENS),
        "cost": _cost(total, figures.COST),
        "uncached_cost": _cost(total, figures.UNCACHED_COST),
        "utilisation_histogram": tuple(
            Bar(up_to=number / BARS, count=count) for number, count in bars
        ),
        "phases": {phase: total.latency(phase) for phase in PHASES},
    }


def _cost(total: Totals, slot: int) -> float | None:
    return total.sum(slot) / MILLION if total.sum(figures.COSTED) else None


def _tier(total: Totals, tier: MemoryTier) -> TierStatistics:
    return TierStatistics(
        mean_utilisation=total.mean_utilisation(tier),
        median_utilisation=total.median_utilisation(tier),
        mean_used_tokens=total.mean_of_tier(tier, "used_tokens"),
        selected=total.of_tier(tier, "selected"),
        omitted=total.of_tier(tier, "omitted"),
    )


def _groups(found: Sequence[Rollup], total: Totals, by: By | str | None) -> tuple[Group, ...]:
    if by is None:
        return ()
    if by == By.TIER:
        tiers = (_tier_group(total, tier) for tier in MemoryTier)
        return tuple(one for one in tiers if one.allocation_count)
    apart = _told_apart(found, By(by))
    order = [level.value for level in QueryComplexity] if by == By.COMPLEXITY else sorted(apart)
    return tuple(_group(key, apart[key]) for key in order if key in apart)


def _told_apart(found: Sequence[Rollup], by: By) -> dict[str, Totals]:
    parts: dict[str | int, list[Rollup]] = {}
    for one in found:
        parts.setdefault(one.complexity if by is By.COMPLEXITY else one.start, []).append(one)
    return {
        key if isinstance(key, str) else moment(key).isoformat(): Totals.of(several)
        for key, several in parts.items()
    }


def _group(key: str, part: Totals) -> Group:
    tiers = {tier: part.of_tier(tier, "used_tokens") for tier in MemoryTier}
    omissions = part.omissions()
    counts = {reason: one[0] for reason, one in omissions.items()}
    latency = part.latency("choose")
    return Group(
        key=key,
        allocation_count=part.sum(figures.COUNT),
        used_tokens=part.sum(figures.USED_TOKENS),
        budget_tokens=part.sum(figures.BUDGET_TOKENS),
        mean_utilisation=part.mean_utilisation(),
        median_utilisation=part.median_utilisation(),
        omitted=sum(counts.values()),
        tier_used_tokens=tiers,
        omission_counts=counts,
        latency_ms_p50=latency.p50_ms,
        latency_ms_p95=latency.p95_ms,
        stable_prefix_tokens=part.sum(figures.STABLE_TOKENS),
        saved_tokens=sum(tokens for _, tokens, _ in omissions.values()),
    )


def _tier_group(total: Totals, tier: MemoryTier) -> Group:
    used = total.of_tier(tier, "used_tokens")
    return Group(
        key=tier.value,
        allocation_count=total.of_tier(tier, "count"),
        used_tokens=used,
        budget_tokens=total.of_tier(tier, "budget_tokens"),
        mean_utilisation=total.mean_utilisation(tier),
        median_utilisation=total.median_utilisation(tier),
        omitted=total.of_tier(tier, "omitted"),
        tier_used_tokens={tier: used},
    )
