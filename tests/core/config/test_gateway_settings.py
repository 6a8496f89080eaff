"""Settings of the gateway: off by default, money exact, and what contradicts itself is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspace_settings import make, refused

from mba_integrations.core.config.gateway_settings import (
    MOST_UNITS,
    GatewaySettings,
    Inject,
    OnError,
    Routing,
    SpendBudget,
)
from mba_integrations.core.config.workspace import WorkspaceConfig

DAY = {"unit": "tokens", "amount": 9, "period": "day"}
PRICES = {"m": {"input": 1, "output": 2}}


def test_by_default_nothing_is_done() -> None:
    settings = make().gateway
    assert (settings.inject, settings.route, settings.remember) == (Inject.OFF, Routing.OFF, False)
    assert (settings.models, settings.prices, settings.spend) == ({}, {}, ())
    assert settings.on_error is OnError.PASS


@pytest.mark.parametrize(
    ("gateway", "problem"),
    [
        pytest.param(
            {"spend": [DAY, {**DAY, "amount": "5"}]},
            "gateway.spend.1.amount: must be a number, got '5'. Remove the quotes.",
            id="quoted-amount",
        ),
        pytest.param(
            {"spend": [{**DAY, "amount": 0}]},
            "gateway.spend.0.amount: must be above 0, got 0.",
            id="nothing",
        ),
        pytest.param(
            {"spend": [{**DAY, "amount": 1.5}]},
            "gateway.spend.0: amount must be whole tokens, got 1.5.",
            id="half-a-token",
        ),
        pytest.param(
            {"prices": PRICES, "spend": [{**DAY, "unit": "usd", "amount": 2e-7}]},
            "gateway.spend.0.amount: must be a multiple of 0.000001, got 2e-07.",
            id="less-than-a-micro-dollar",
        ),
        pytest.param(
            {"prices": PRICES, "spend": [{**DAY, "unit": "usd", "amount": 2e9}]},
            "gateway.spend.0: amount must be at most 1,000,000,000 US dollars, got 2e+09.",
            id="more-than-is-counted",
        ),
        pytest.param(
            {"spend": [{**DAY, "period": "rolling"}]},
            "gateway.spend.0: rolling_seconds is required with period 'rolling'.",
            id="rolling-over-nothing",
        ),
        pytest.param(
            {"spend": [{**DAY, "rolling_seconds": 60}]},
            "gateway.spend.0: rolling_seconds is for period 'rolling', not for 'day'.",
            id="a-day-that-rolls",
        ),
        pytest.param(
            {"spend": [{**DAY, "time_zone": "Europe/Lisboa"}]},
            "gateway.spend.0.time_zone: must be a time zone such as 'Europe/Lisbon', "
            "got 'Europe/Lisboa'.",
            id="no-zone",
        ),
        pytest.param(
            {"spend": [DAY, {**DAY, "amount": 5}]},
            "gateway: spend.1 limits the same as spend.0; remove one.",
            id="twice",
        ),
        pytest.param(
            {"spend": [{**DAY, "unit": "usd"}]},
            "gateway: prices must have each model that a budget in usd is for.",
            id="usd-without-prices",
        ),
        pytest.param(
            {"prices": {"m": {"input": -1, "output": 2}}},
            "gateway.prices.m.input: must be at least 0, got -1.",
            id="negative-price",
        ),
        pytest.param(
            {"prices": {"m": {"input": 1}}},
            "gateway.prices.m.output: is required.",
            id="half-a-price",
        ),
        pytest.param(
            {"route": "on"},
            "gateway: models must name one, for route is 'on'.",
            id="nowhere-to-go",
        ),
        pytest.param(
            {"models": {"complex": " m"}},
            "gateway.models.complex: must be the name of a model, without blanks around it, "
            "got ' m'.",
            id="blank-in-a-name",
        ),
        pytest.param(
            {"spends": []},
            "gateway.spends: no such setting. Did you mean 'spend'?",
            id="misspelt",
        ),
    ],
)
def test_a_setting_that_cannot_hold_is_refused_by_its_name(
    gateway: dict[str, Any], problem: str
) -> None:
    assert problem in refused(gateway=gateway)


@pytest.mark.parametrize("name", ["sk-secret", "PATH", "mba_provider_key_a", "MBA_PROVIDER_KEY_"])
def test_a_key_is_named_by_its_variable_and_not_repeated(name: str) -> None:
    said = refused(gateway={"provider_keys": {"openai": name}})
    assert "the key of openai must be named by a variable of the server" in said[0]
    assert repr(name) not in said[0]


def test_a_warning_may_stand_before_a_limit_of_the_same_money() -> None:
    budgets = [{**DAY, "amount": 8, "on_exceed": "warn"}, DAY]
    first, second = make(gateway={"spend": budgets}).gateway.spend
    assert first.account == second.account


def test_a_change_of_one_setting_leaves_the_others() -> None:
    changed = make(gateway={"spend": [DAY]}).with_changes(gateway={"inject": "system"})
    assert changed.gateway.inject is Inject.SYSTEM
    assert changed.gateway.spend == (SpendBudget(**DAY),)


@given(st.integers(1, MOST_UNITS))
def test_dollars_are_kept_to_the_micro_dollar(micros: int) -> None:
    amount = float(Decimal(micros).scaleb(-6))
    settings = GatewaySettings(prices=PRICES, spend=[{**DAY, "unit": "usd", "amount": amount}])
    config = WorkspaceConfig(workspace_id="a", gateway=settings)
    again = WorkspaceConfig(**json.loads(config.model_dump_json()))
    assert again.gateway.spend[0].units == micros
