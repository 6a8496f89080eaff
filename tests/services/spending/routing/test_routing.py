"""Which model is asked, for which share of queries, and what that is worth beside a coin."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.budget.complexity import estimate_complexity
from mba_integrations.core.config.gateway_settings import GatewaySettings
from mba_integrations.core.config.settings import ComplexitySettings
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import QueryComplexity
from mba_integrations.services.spending.routing.baselines import report
from mba_integrations.services.spending.routing.calibrating import calibrate
from mba_integrations.services.spending.routing.choosing import (
    AUTO,
    Reason,
    Route,
    SessionRoute,
    choose,
    level_of_query,
    model_of,
)
from mba_integrations.services.store.rows.gateway.usage import UsageFigures

SIMPLE, MEDIUM, COMPLEX, EXPERT = QueryComplexity
MODELS = {"simple": "small", "medium": "middle", "complex": "large"}
PLAIN = "What is the capital of France?"
HARD = "Compare both designs, explain why one is slower, and analyze trade-offs step by step."


def settings(**more: Any) -> GatewaySettings:
    return GatewaySettings(**{"models": MODELS, **more})


def routed(given: GatewaySettings, asked: str, level: Any, session: Any = None) -> tuple[Any, ...]:
    found = choose(given, asked, level, session)
    return found.model, found.reason.value, found.shadow


@pytest.mark.parametrize(
    ("route", "asked", "level", "expected"),
    [
        pytest.param("off", "gpt", SIMPLE, ("gpt", "named", None), id="off-keeps-what-is-named"),
        pytest.param("off", AUTO, SIMPLE, ("small", "level", None), id="auto-is-routed-also-off"),
        pytest.param("on", "gpt", MEDIUM, ("middle", "level", None), id="on-routes-what-is-named"),
        pytest.param("on", AUTO, EXPERT, ("large", "level", None), id="above-the-highest-level"),
        pytest.param("on", AUTO, None, ("large", "unknown", None), id="not-known-is-not-simple"),
        pytest.param("shadow", "gpt", SIMPLE, ("gpt", "named", "small"), id="shadow-only-records"),
        pytest.param(
            "shadow", AUTO, SIMPLE, ("large", "shadow", "small"), id="auto-in-the-shadow-is-strong"
        ),
    ],
)
def test_a_request_goes_where_its_level_says(
    route: str, asked: str, level: Any, expected: tuple[Any, ...]
) -> None:
    assert routed(settings(route=route), asked, level) == expected


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        pytest.param(SIMPLE, ("small", "session", None), id="the-same-level"),
        pytest.param(MEDIUM, ("small", "session", None), id="one-step-up-stays"),
        pytest.param(COMPLEX, ("large", "level", None), id="two-steps-up-moves"),
        pytest.param(None, ("large", "unknown", None), id="not-known-counts-as-complex"),
    ],
)
def test_a_session_stays_with_its_model_unless_the_level_rises_two_steps(
    level: Any, expected: tuple[Any, ...]
) -> None:
    begun = SessionRoute(model="small", level=SIMPLE)
    assert routed(settings(route="on"), AUTO, level, begun) == expected


@given(st.lists(st.sampled_from([*QueryComplexity, None]), min_size=1, max_size=12))
def test_a_session_never_goes_back_to_a_lower_level(levels: list[QueryComplexity | None]) -> None:
    session = None
    of_session = []
    for level in levels:
        found = choose(settings(route="on"), AUTO, level, session)
        session = found.session or session
        assert session is not None
        assert found.model == session.model
        of_session.append(list(QueryComplexity).index(session.level))
    assert of_session == sorted(of_session)
    assert len(set(of_session)) <= 2


def test_a_session_leaves_a_model_that_the_settings_have_no_longer() -> None:
    gone = SessionRoute(model="retired", level=COMPLEX)
    assert routed(settings(route="on"), AUTO, SIMPLE, gone) == ("small", "level", None)


def test_auto_without_models_says_what_is_missing() -> None:
    with pytest.raises(InputError, match=r"'mba/auto' needs gateway\.models"):
        choose(GatewaySettings(), AUTO, SIMPLE)


def test_what_a_session_keeps_is_read_back_and_what_is_none_is_not() -> None:
    kept = SessionRoute(model="small", level=MEDIUM)
    assert SessionRoute.from_dict(kept.to_dict()) == kept
    for unusable in (None, {}, {"model": "m", "level": "arduous"}):
        assert SessionRoute.from_dict(unusable) is None


def level(query: str, **more: Any) -> QueryComplexity | None:
    read = estimate_complexity(query, settings=ComplexitySettings(), conversation_turns=50)
    return level_of_query(read, settings(**more))


def test_a_query_without_any_sign_has_no_level_however_long_the_conversation() -> None:
    assert level(PLAIN) is None
    assert level(HARD) is EXPERT
    assert level("Why is the sky blue?") is MEDIUM


def test_points_decide_between_strong_and_not_where_they_are_set() -> None:
    assert level("Why is the sky blue?", strong_points=2) is COMPLEX
    assert level(HARD, strong_points=100) is MEDIUM
    assert level(PLAIN, strong_points=0) is None
    assert model_of(settings(unknown="simple"), None) == "small"


QUERIES = [HARD, "Why is the sky blue?", "How does a cache work?", PLAIN, "List three fruits."]


@pytest.mark.parametrize(
    ("wanted", "unknown", "share"),
    [
        pytest.param(0.0, "simple", 0.0, id="none"),
        pytest.param(0.2, "simple", 0.2, id="one-of-five"),
        pytest.param(1.0, "simple", 0.6, id="all-that-show-something"),
        pytest.param(0.2, "complex", 0.4, id="more-are-not-known-than-wanted"),
        pytest.param(0.6, "complex", 0.6, id="those-not-known-and-one-more"),
    ],
)
def test_the_threshold_sends_at_most_the_wanted_share_to_the_strong_model(
    wanted: float, unknown: str, share: float
) -> None:
    gateway = settings(unknown=unknown)
    found = calibrate(map(_read, QUERIES), wanted, gateway=gateway)
    assert found.share == pytest.approx(share)
    tuned = settings(unknown=unknown, strong_points=found.strong_points)
    sent = [model_of(tuned, level_of_query(_read(one), tuned)) for one in QUERIES]
    assert sent.count("large") / len(QUERIES) == found.share


def _read(query: str) -> Any:
    return estimate_complexity(query, settings=ComplexitySettings())


def test_queries_of_the_same_points_go_together_or_not_at_all() -> None:
    alike = [_read(HARD), _read(HARD), _read(PLAIN), _read(PLAIN)]
    gateway = settings(unknown="simple")
    assert [calibrate(alike, one, gateway=gateway).share for one in (0.25, 0.5)] == [0.0, 0.5]


@given(st.floats(0, 1), st.lists(st.sampled_from(QUERIES), min_size=1, max_size=12))
def test_a_calibration_is_never_over_the_share_but_for_what_is_not_known(
    wanted: float, queries: list[str]
) -> None:
    found = calibrate(map(_read, queries), wanted)
    assert found.share <= max(wanted + 1e-6, found.unknown_share)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=r"strong_share must be in \[0, 1\]"):
        calibrate(map(_read, QUERIES), share)
    with pytest.raises(InputError, match="at least one"):
        calibrate([], 0.5)


def test_routes_are_told_beside_the_best_single_model_and_a_coin_of_equal_cost() -> None:
    figures = UsageFigures(
        requests=11, refused=1, priced=10, strong=4, cost=2_000_000, routed_cost=1_000_000,
        strong_cost=4_000_000, cheap_cost=500_000,
    )  # fmt: skip
    found = report(figures)
    assert (found.cost, found.routed_cost, found.single_cost) == (2.0, 1.0, 4.0)
    assert (found.saved, found.strong_share) == (0.75, 0.4)
    assert found.random_share == pytest.approx(1 / 7)
    assert report(UsageFigures(requests=3)).saved is None


def test_a_route_is_written_as_its_header_has_it() -> None:
    assert str(Route(model="small", level=SIMPLE, reason=Reason.SESSION)) == "small; session"
