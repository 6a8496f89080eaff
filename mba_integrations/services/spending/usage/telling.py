"""What the calls of a window used: in all, and by model, level or session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.routing.baselines import RouteReport, report
from mba_integrations.services.store.rows.gateway.usage import UsageBy, UsageFigures, UsageOf
from mba_integrations.services.store.rows.rollups import Span, floor, parts_of
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.gateway import usage

MOST_GROUPS = 200
"""Groups that are told apart: those with the most requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageGroup:
    """The calls of one model, level or session.

    Attributes:
        key: Which one.
        figures: What they used.
    """

    key: str
    figures: UsageFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayUsage:
    """The calls of a window.

    Attributes:
        since: Where it begins, at a full minute, hour or day; None for all.
        figures: What they used.
        routes: What routes cost, beside two ways without a router.
        groups: The same told apart, those with the most requests first.
    """

    since: datetime | None
    figures: UsageFigures
    routes: RouteReport
    groups: tuple[UsageGroup, ...] = ()


def gateway_usage(
    service: MemoryService,
    workspace_id: str,
    *,
    hours: float | None = None,
    by: UsageBy | None = None,
) -> GatewayUsage:
    """What the calls of a window used, as far as it was written.

    Args:
        service: Whose workspace.
        workspace_id: Which one.
        hours: How far to look back; None for all. Sessions are known by full hours of the last 60
            days.
        by: What they are told apart by.

    Raises:
        UnknownWorkspaceError: If there is no such workspace; with those of a like name.
    """
    now = service.now()
    since = None if hours is None else now - timedelta(hours=hours)
    with service.equipment.read(workspace_id) as reading:
        workspaces.get(reading)
        routes = _of_window(reading, since, now)
        parts = _sessions(reading, since, now) if by is UsageBy.SESSION else routes
    total = sum(routes.values(), UsageFigures())
    parts_begin = parts_of(since, now)[0].since
    return GatewayUsage(
        since=parts_begin,
        figures=total,
        routes=report(total),
        groups=() if by is None else _groups(parts, by),
    )


def _of_window(
    reading: Reading, since: datetime | None, now: datetime, *, sessions: bool = False
) -> dict[UsageOf, UsageFigures]:
    found: dict[UsageOf, UsageFigures] = {}
    for part in parts_of(since, now):
        for of, figures in usage.of_part(reading, part, sessions=sessions).items():
            found[of] = found.get(of, UsageFigures()) + figures
    return found


def _sessions(
    reading: Reading, since: datetime | None, now: datetime
) -> dict[UsageOf, UsageFigures]:
    from_hour = None if since is None else floor(since, Span.HOUR)
    return _of_window(reading, from_hour, now, sessions=True)


def _groups(parts: Mapping[UsageOf, UsageFigures], by: UsageBy) -> tuple[UsageGroup, ...]:
    found: dict[str, UsageFigures] = {}
    for of, figures in parts.items():
        key = of.session_id if by is UsageBy.SESSION else getattr(of, by.value)
        found[key] = found.get(key, UsageFigures()) + figures
    ordered = sorted(found.items(), key=lambda one: (-one[1].requests, one[0]))
    return tuple(UsageGroup(key=key, figures=one) for key, one in ordered[:MOST_GROUPS])
