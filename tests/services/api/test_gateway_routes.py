"""Routes on the gateway: how budgets stand, what calls used; numbers make no series for good."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from http_server import problem_in

from mba_integrations.core.config.gateway_settings import GatewaySettings
from mba_integrations.core.model import QueryComplexity
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.costs import CallTokens
from mba_integrations.services.spending.budgets.errors import SpendExceededError
from mba_integrations.services.spending.budgets.spending import Demand, Spending
from mba_integrations.services.spending.routing.choosing import Reason, Route
from mba_integrations.services.spending.usage.noting import CallUsage, UsageLog

GATEWAY: dict[str, Any] = {
    "models": {"complex": "large"},
    "prices": {"large": {"input": 2, "output": 4}},
    "spend": [
        {"unit": "usd", "amount": 0.01, "period": "day"},
        {"unit": "tokens", "amount": 900, "period": "rolling", "rolling_seconds": 60,
         "scope": "session", "on_exceed": "shrink"},
    ],
}  # fmt: skip
NAMED = Route(model="m/x", level=None, reason=Reason.NAMED)
CALL = Demand(models=("large",), input_tokens=100, output_tokens=50, session_id="s1")


async def with_budgets(http: httpx2.AsyncClient) -> GatewaySettings:
    changed = await http.patch(
        "/v1/workspaces/kate", json={"settings": {"gateway": GATEWAY}}, headers={"If-Match": "*"}
    )
    assert changed.status_code == 200, changed.text
    return GatewaySettings(**changed.json()["settings"]["gateway"])


async def test_budgets_are_set_as_settings_and_shown_as_they_stand(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    settings = await with_budgets(http)
    spending = Spending(service)
    held = spending.reserve("kate", settings, CALL)
    spending.settle(held, CallTokens(input=100, output=10))
    spending.reserve("kate", settings, CALL)
    told = (await http.get("/v1/workspaces/kate/budgets")).json()["budgets"]
    names = ("scope", "subject", "unit", "amount", "used", "reserved", "left", "on_exceed")
    assert [[one[name] for name in names] for one in told] == [
        ["workspace", None, "usd", 0.01, 0.00024, 0.0004, 0.00936, "block"],
        ["session", "s1", "tokens", 900.0, 110.0, 150.0, 640.0, "shrink"],
    ]
    assert [one["ends_at"] is None for one in told] == [False, True]


async def test_a_budget_that_cannot_hold_is_refused_with_where_it_stands(
    http: httpx2.AsyncClient,
) -> None:
    wrong = {"gateway": {"spend": [{"unit": "tokens", "amount": -1, "period": "day"}]}}
    reply = await http.patch(
        "/v1/workspaces/kate", json={"settings": wrong}, headers={"If-Match": "*"}
    )
    assert problem_in(reply) == (422, "invalid-settings")
    [told] = reply.json()["errors"]
    assert told == {
        "pointer": "/gateway/spend/0/amount",
        "detail": "must be above 0, got -1.",
    }


async def test_usage_is_told_with_its_costs_and_baselines(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    settings = await with_budgets(http)
    log = UsageLog(service)
    route = Route(model="large", level=QueryComplexity.EXPERT, reason=Reason.LEVEL)
    tokens = CallTokens(input=100, output=50)
    log.note("kate", settings, CallUsage(route=route, asked="x", tokens=tokens, overhead_ms=3))
    log.flush()
    told = (await http.get("/v1/workspaces/kate/gateway/usage?window=1h&by=level")).json()
    assert [(one["key"], one["usage"]["cost"]) for one in told["groups"]] == [("expert", 0.0004)]
    assert (told["usage"]["overhead_ms"], told["routes"]["saved"]) == (3.0, 0.0)
    assert (await http.get("/v1/workspaces/tom/gateway/usage")).json()["usage"]["requests"] == 0
    unknown = await http.get("/v1/workspaces/kate/gateway/usage?by=key")
    assert problem_in(unknown) == (422, "invalid-request")


async def test_calls_are_counted_by_closed_labels(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    settings = await with_budgets(http)
    spending, log = Spending(service), UsageLog(service)
    with pytest.raises(SpendExceededError):
        spending.reserve(
            "kate", settings, Demand(models=("large",), input_tokens=10_000, output_tokens=1)
        )
    log.note("kate", settings, CallUsage(route=NAMED, asked="m/x"))
    text = (await http.get("/metrics")).text
    for line in (
        'mba_gateway_budgets_total{outcome="blocked"} 1.0',
        'mba_gateway_requests_total{level="unknown",outcome="done"} 1.0',
        'mba_gateway_routes_total{decision="kept",level="unknown"} 1.0',
        'mba_gateway_tokens_total{kind="input"} 0.0',
    ):
        assert line in text
    assert "m/x" not in text
