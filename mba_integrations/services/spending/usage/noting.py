"""`UsageLog`: what a call used, with what other models would have cost, until it is written.

Calls are added up in memory and written together, when they are `MOST_WAITING` or somebody asks.
Noting one never waits for the store. A process that is killed loses what it had not written: these
are statistics. What may be spent is counted by `budgets`, and is never lost.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mba_integrations.core.config.gateway_settings import GatewaySettings
from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tallies import Event
from mba_integrations.services.spending.budgets.costs import CallTokens, cost
from mba_integrations.services.spending.routing.choosing import Route
from mba_integrations.services.store.rows.gateway.usage import UsageAt, UsageFigures, UsageOf
from mba_integrations.services.store.statements.gateway import usage

MOST_WAITING = 200
UNKNOWN = "unknown"
Outcome = Literal["done", "failed", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUsage:
    """A call that has ended.

    Attributes:
        route: Where it went.
        asked: The model that the request named.
        outcome: Whether it was answered, broke, or had no room in a budget.
        tokens: What it used; None where that is not known.
        memory_tokens: Tokens of memory in it.
        saved_tokens: Tokens that the client sent and the provider did not get.
        overhead_ms: What the gateway took of it; None where that was not timed.
        session_id: Its session; None for none.
    """

    route: Route
    asked: str
    outcome: Outcome = "done"
    tokens: CallTokens | None = None
    memory_tokens: int = 0
    saved_tokens: int = 0
    overhead_ms: float | None = None
    session_id: str | None = None

    @property
    def level(self) -> str:
        """The level of its query, as it is counted."""
        return UNKNOWN if self.route.level is None else self.route.level.value


def figures_of(call: CallUsage, settings: GatewaySettings) -> UsageFigures:
    """What a call adds."""
    if call.outcome == "refused":
        return UsageFigures(requests=1, refused=1)
    tokens = call.tokens or CallTokens(input=0, output=0)
    shadow = call.route.shadow
    return UsageFigures(
        requests=1,
        failed=int(call.outcome == "failed"),
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cached_tokens=tokens.cached,
        cache_write_tokens=tokens.cache_write,
        memory_tokens=call.memory_tokens,
        saved_tokens=call.saved_tokens,
        routed=int(call.route.is_another_than(call.asked)),
        shadowed=int(shadow is not None and shadow != call.route.model),
        strong=int(call.route.model == settings.strong_model),
        overhead_us=round((call.overhead_ms or 0.0) * 1_000),
        timed=int(call.overhead_ms is not None),
        **_costs(call, settings),
    )


def _costs(call: CallUsage, settings: GatewaySettings) -> dict[str, int]:
    """What a call cost, and would have cost elsewhere; nothing if one of the prices is missing."""
    if call.tokens is None:
        return {}
    models = {call.route.model, call.route.shadow or call.route.model, *settings.models.values()}
    if not models <= settings.prices.keys():
        return {}
    costs = {model: cost(settings.prices[model], call.tokens) for model in models}
    own = costs[call.route.model]
    known = [costs[model] for model in settings.models.values()] or [own]
    return {
        "priced": 1,
        "cost": own,
        "routed_cost": costs[call.route.shadow or call.route.model],
        "strong_cost": own if settings.strong_model is None else costs[settings.strong_model],
        "cheap_cost": min(known),
    }


class UsageLog:
    """Notes what calls used. Thread-safe; one for a process.

    Args:
        service: Whose workspaces.
    """

    def __init__(self, service: MemoryService) -> None:
        self._service = service
        self._waiting: dict[str, list[UsageAt]] = {}
        self._count = 0
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Whether so much waits that it is to be written."""
        return self._count >= MOST_WAITING

    def note(self, workspace_id: str, settings: GatewaySettings, call: CallUsage) -> None:
        """Take a call that has ended. It waits until somebody writes: `flush_if_full`, `flush`."""
        figures = figures_of(call, settings)
        now = self._service.now()
        self._tally(call, figures)
        with self._lock:
            rows = self._waiting.setdefault(workspace_id, [])
            rows.extend(_rows(call, figures, now))
            self._count += 1

    def flush_if_full(self) -> None:
        """Write what waits, where it is so much.

        Raises:
            StoreError: If it cannot be written; it goes on waiting.
        """
        if self.is_full:
            self.flush()

    def flush(self) -> None:
        """Write what waits; what cannot be written goes on waiting.

        Raises:
            StoreError: If it cannot be written.
        """
        with self._lock:
            waiting, self._waiting, self._count = self._waiting, {}, 0
        for workspace_id in list(waiting):
            rows = waiting[workspace_id]
            try:
                self._written(workspace_id, rows)
            except BaseException:
                self._back(waiting)
                raise
            del waiting[workspace_id]

    def _written(self, workspace_id: str, rows: list[UsageAt]) -> None:
        try:
            self._service.equipment.put(workspace_id, lambda writing: usage.add(writing, rows))
        except UnknownWorkspaceError:
            return  # it was deleted, and its calls with it

    def _back(self, waiting: dict[str, list[UsageAt]]) -> None:
        with self._lock:
            for workspace_id, rows in waiting.items():
                self._waiting[workspace_id] = rows + self._waiting.get(workspace_id, [])

    def _tally(self, call: CallUsage, figures: UsageFigures) -> None:
        tallies = self._service.tallies
        tallies.count(Event.GATEWAY, call.level, call.outcome)
        if call.outcome == "refused":
            return
        decision = "routed" if figures.routed else "shadowed" if figures.shadowed else "kept"
        tallies.count(Event.GATEWAY_ROUTE, call.level, decision)
        tallies.count(Event.GATEWAY_OVERHEAD, by=figures.overhead_us)
        for name in ("input", "output", "cached", "memory", "saved"):
            tallies.count(Event.GATEWAY_TOKENS, name, by=getattr(figures, f"{name}_tokens"))


def _rows(call: CallUsage, figures: UsageFigures, now: datetime) -> list[UsageAt]:
    model = call.asked if call.outcome == "refused" else call.route.model
    rows = [UsageAt(now, UsageOf(level=call.level, model=model), figures)]
    if call.session_id:
        rows.append(UsageAt(now, UsageOf(session_id=call.session_id), figures))
    return rows
