"""What calls through the gateway may spend, and what they used."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from mba_integrations.core.config.gateway_settings import (
    OnExceed,
    SpendPeriod,
    SpendScope,
    SpendUnit,
)
from mba_integrations.services.contracts.body import View
from mba_integrations.services.spending.budgets.standing import BudgetState
from mba_integrations.services.spending.routing.baselines import MICROS
from mba_integrations.services.spending.routing.calibrating import Calibration
from mba_integrations.services.spending.usage.telling import GatewayUsage, UsageGroup
from mba_integrations.services.store.rows.gateway.usage import UsageFigures

_COSTS = ("cost", "routed_cost", "strong_cost", "cheap_cost")


class BudgetView(View):
    """How a budget stands, in its unit: whole tokens, or US dollars."""

    scope: SpendScope
    subject: str | None
    unit: SpendUnit
    period: SpendPeriod
    rolling_seconds: int | None
    time_zone: str
    on_exceed: OnExceed
    amount: float
    used: float
    reserved: float
    left: float
    begins_at: datetime
    ends_at: datetime | None

    @classmethod
    def of(cls, state: BudgetState) -> BudgetView:
        """The view of a state."""
        budget = state.budget
        by = MICROS if budget.unit is SpendUnit.USD else 1
        return cls(
            scope=budget.scope,
            subject=state.subject or None,
            unit=budget.unit,
            period=budget.period,
            rolling_seconds=budget.rolling_seconds,
            time_zone=budget.time_zone,
            on_exceed=budget.on_exceed,
            amount=budget.units / by,
            used=state.used / by,
            reserved=state.reserved / by,
            left=state.left / by,
            begins_at=state.begins_at,
            ends_at=state.ends_at,
        )


class BudgetsView(View):
    """The budgets of a workspace; of keys and sessions those that spent something, most first."""

    budgets: list[BudgetView]


class UsageView(View):
    """What some calls used. Costs are in US dollars, of the `priced` calls alone."""

    requests: int
    failed: int
    refused: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    memory_tokens: int
    saved_tokens: int
    routed: int
    shadowed: int
    strong: int
    overhead_ms: float | None
    priced: int
    cost: float
    routed_cost: float
    strong_cost: float
    cheap_cost: float

    @classmethod
    def of(cls, figures: UsageFigures) -> UsageView:
        """The view of figures."""
        told = asdict(figures)
        spent, timed = told.pop("overhead_us"), told.pop("timed")
        costs = {name: told[name] / MICROS for name in _COSTS}
        return cls(**{**told, **costs, "overhead_ms": spent / timed / 1_000 if timed else None})


class UsageGroupView(View):
    """The calls of one model, level or session."""

    key: str
    usage: UsageView

    @classmethod
    def of(cls, group: UsageGroup) -> UsageGroupView:
        """The view of a group."""
        return cls(key=group.key, usage=UsageView.of(group.figures))


class RoutesView(View):
    """What routes cost beside the strong model alone and a coin of equal cost, in US dollars."""

    calls: int
    cost: float | None
    routed_cost: float | None
    single_cost: float | None
    saved: float | None
    strong_share: float | None
    random_share: float | None


class GatewayUsageView(View):
    """The calls of a window."""

    since: datetime | None
    usage: UsageView
    routes: RoutesView
    groups: list[UsageGroupView]

    @classmethod
    def of(cls, found: GatewayUsage) -> GatewayUsageView:
        """The view of a window."""
        return cls(
            since=found.since,
            usage=UsageView.of(found.figures),
            routes=RoutesView(**asdict(found.routes)),
            groups=[UsageGroupView.of(one) for one in found.groups],
        )


class CalibrationView(View):
    """A threshold for `strong_points`, and what part of the queries reaches the strong model.

    `unknown_share` goes there whatever the threshold, since nothing is known of those queries.
    """

    strong_points: float
    share: float
    unknown_share: float
    queries: int

    @classmethod
    def of(cls, found: Calibration) -> CalibrationView:
        """The view of a calibration."""
        return cls(**asdict(found))
