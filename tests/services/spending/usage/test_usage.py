"""What calls used adds up by model, level and session, beside what others would have cost."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from memory_services import Opened

from mba_integrations.core.config.gateway_settings import GatewaySettings
from mba_integrations.core.model import QueryComplexity
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tallies import Event
from mba_integrations.services.spending.budgets.costs import CallTokens
from mba_integrations.services.spending.routing.choosing import Reason, Route
from mba_integrations.services.spending.usage import noting
from mba_integrations.services.spending.usage.noting import CallUsage, UsageLog
from mba_integrations.services.spending.usage.telling import gateway_usage
from mba_integrations.services.store.errors import StoreBusyError
from mba_integrations.services.store.rows.gateway.usage import NAMES, UsageBy, UsageFigures
from mba_integrations.testing import Clock

SETTINGS = GatewaySettings(
    models={"simple": "small", "complex": "large"},
    prices={"small": {"input": 1, "output": 2}, "large": {"input": 10, "output": 20}},
)
BOTH = pytest.mark.parametrize("where", ["sqlite", "postgres"], indirect=True)


def call(model: str = "small", *, level: Any = "simple", **more: Any) -> CallUsage:
    known = None if level is None else QueryComplexity(level)
    route = Route(model=model, level=known, reason=Reason.LEVEL, shadow=more.pop("shadow", None))
    tokens = CallTokens(input=100, output=10, cached=60)
    return CallUsage(**{"route": route, "asked": "small", "tokens": tokens, **more})


@pytest.fixture
def service(opened: Opened, clock: Clock) -> MemoryService:
    clock.now = datetime.fromisoformat("2026-03-02T17:43:05+00:00")
    made = opened()
    made.create_workspace("kate")
    return made


@BOTH
def test_calls_add_up_by_model_level_and_session(service: MemoryService) -> None:
    log = UsageLog(service)
    log.note("kate", SETTINGS, call(session_id="s1", memory_tokens=30, saved_tokens=5))
    log.note("kate", SETTINGS, call("large", level=None, session_id="s1", overhead_ms=1.5))
    log.flush()
    log.note("kate", SETTINGS, call("large", level="complex", session_id="s2", outcome="failed"))
    log.note("kate", SETTINGS, call(outcome="refused"))
    log.flush()
    told = gateway_usage(service, "kate", hours=1, by=UsageBy.MODEL)
    assert told.figures == UsageFigures(
        requests=4, failed=1, refused=1, input_tokens=300, output_tokens=30, cached_tokens=180,
        memory_tokens=30, saved_tokens=5, routed=2, strong=2, overhead_us=1_500, timed=1,
        priced=3, cost=2_520, routed_cost=2_520, strong_cost=3_600, cheap_cost=360,
    )  # fmt: skip
    assert _requests(told) == {"large": 2, "small": 2}
    assert _requests(gateway_usage(service, "kate", by=UsageBy.LEVEL)) == {
        "simple": 2,
        "complex": 1,
        "unknown": 1,
    }
    assert _requests(gateway_usage(service, "kate", hours=0.01, by=UsageBy.SESSION)) == {
        "s1": 2,
        "s2": 1,
    }
    assert told.routes.random_share == pytest.approx(2 / 3)


def _requests(told: Any) -> dict[str, int]:
    return {one.key: one.figures.requests for one in told.groups}


def test_what_a_route_would_have_cost_is_kept_in_the_shadow(service: MemoryService) -> None:
    log = UsageLog(service)
    log.note("kate", SETTINGS, call("large", asked="large", shadow="small"))
    log.flush()
    told = gateway_usage(service, "kate").figures
    assert (told.routed, told.shadowed, told.cost, told.routed_cost) == (0, 1, 1_200, 120)


def test_a_call_of_a_model_without_a_price_has_no_cost_and_is_none_of_the_baselines(
    service: MemoryService,
) -> None:
    log = UsageLog(service)
    log.note("kate", SETTINGS, call("other"))
    log.note("kate", SETTINGS, call(tokens=None))
    log.flush()
    told = gateway_usage(service, "kate")
    assert (told.figures.requests, told.figures.priced, told.routes.cost) == (2, 0, None)


@BOTH
def test_any_window_has_the_calls_that_were_in_it(service: MemoryService, clock: Clock) -> None:
    rng = random.Random(5)
    log = UsageLog(service)
    times = []
    for _ in range(60):
        clock.pass_seconds(rng.choice((0, 40, 3_000, 80_000)))
        log.note("kate", SETTINGS, call())
        times.append(clock.now)
        if rng.random() < 0.3:
            log.flush()
    log.flush()
    for hours in (0.02, 1, 5, 30, 24 * 20, None):
        told = gateway_usage(service, "kate", hours=hours)
        begin = told.since or datetime.fromisoformat("2000-01-01T00:00:00+00:00")
        assert told.figures.requests == sum(one >= begin for one in times)
        if hours is not None and hours <= 40:
            assert clock.now - begin <= timedelta(hours=hours, minutes=1)


def test_sessions_are_known_for_60_days_and_models_for_good(
    service: MemoryService, clock: Clock
) -> None:
    log = UsageLog(service)
    log.note("kate", SETTINGS, call(session_id="old"))
    log.flush()
    clock.pass_seconds(61 * 86_400)
    log.note("kate", SETTINGS, call(session_id="new"))
    log.flush()
    assert _requests(gateway_usage(service, "kate", by=UsageBy.SESSION)) == {"new": 1}
    assert _requests(gateway_usage(service, "kate", by=UsageBy.MODEL)) == {"small": 2}


def test_what_cannot_be_written_waits_and_a_deleted_workspace_is_let_go(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = UsageLog(service)
    log.note("gone", SETTINGS, call())
    log.flush()
    log.note("kate", SETTINGS, call())

    def busy(*_: object, **__: object) -> None:
        raise StoreBusyError("busy")

    with monkeypatch.context() as patched:
        patched.setattr(service.equipment.store, "write", busy)
        with pytest.raises(StoreBusyError):
            log.flush()
    log.flush()
    log.flush()
    assert gateway_usage(service, "kate").figures.requests == 1


def test_many_calls_are_written_together(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "MOST_WAITING", 3)
    log = UsageLog(service)
    for expected in (0, 0, 3, 3):
        log.note("kate", SETTINGS, call())
        log.flush_if_full()
        assert gateway_usage(service, "kate").figures.requests == expected


def test_calls_are_tallied_by_labels_of_closed_sets(service: MemoryService) -> None:
    log = UsageLog(service)
    log.note("kate", SETTINGS, call("some/model-nobody-knows", level=None, session_id="s"))
    log.note("kate", SETTINGS, call(outcome="refused"))
    assert service.tallies.of(Event.GATEWAY) == {
        ("unknown", "done"): 1,
        ("simple", "refused"): 1,
    }
    assert service.tallies.of(Event.GATEWAY_ROUTE) == {("unknown", "routed"): 1}
    assert service.tallies.of(Event.GATEWAY_TOKENS)[("cached",)] == 60


def test_figures_add_up_name_by_name() -> None:
    one = UsageFigures(**{name: place for place, name in enumerate(NAMES)})
    assert one + one == UsageFigures(**{name: 2 * place for place, name in enumerate(NAMES)})
