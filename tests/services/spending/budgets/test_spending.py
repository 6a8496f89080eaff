"""Budgets of spending: what is admitted, shrunk, warned of and refused, and what comes back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_services import Opened

from mba_integrations.core.config.gateway_settings import GatewaySettings, ModelPrice
from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.contracts.problems import problem_of
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tallies import Event
from mba_integrations.services.spending.budgets.costs import (
    CallTokens,
    affordable_input,
    cost,
    most_cost,
)
from mba_integrations.services.spending.budgets.errors import MissingPriceError, SpendExceededError
from mba_integrations.services.spending.budgets.spending import Demand, Reservation, Spending
from mba_integrations.services.spending.budgets.standing import budget_states
from mba_integrations.testing import Clock

PRICES = {
    "small": {"input": 0.15, "output": 0.6, "cached_input": 0.075},
    "large": {"input": 3, "output": 15, "cached_input": 0.3, "cache_write": 3.75},
}
DAY = {"unit": "tokens", "amount": 1_000, "period": "day"}
BOTH = pytest.mark.parametrize("where", ["sqlite", "postgres"], indirect=True)


def settings(*spend: dict[str, Any]) -> GatewaySettings:
    return GatewaySettings(prices=PRICES, spend=list(spend))


def demand(sent: int = 100, out: int = 100, memory: int = 0, **more: Any) -> Demand:
    models = more.pop("models", ("small",))
    return Demand(models=models, input_tokens=sent, output_tokens=out, memory_tokens=memory, **more)


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    made = opened()
    made.create_workspace("kate")
    return made


@pytest.fixture
def spending(service: MemoryService) -> Spending:
    return Spending(service)


def left(service: MemoryService, given: GatewaySettings) -> list[tuple[int, int, int]]:
    """What is used, reserved and left of each budget."""
    service.workspaces.change("kate", gateway=given)
    return [(one.used, one.reserved, one.left) for one in budget_states(service, "kate")]


@BOTH
def test_a_call_is_held_against_its_budget_and_settled(
    service: MemoryService, spending: Spending
) -> None:
    of_day = settings(DAY)
    held = spending.reserve("kate", of_day, demand(300, 200))
    assert left(service, of_day) == [(0, 500, 500)]
    assert spending.settle(held, CallTokens(input=310, output=20))
    assert left(service, of_day) == [(330, 0, 670)]
    assert not spending.release(held)


def test_without_budgets_nothing_is_written(service: MemoryService, spending: Spending) -> None:
    before = service.status().store.commits
    held = spending.reserve("kate", settings(), demand(memory=7))
    assert (held.reservation_id, held.memory_tokens) == ("", 7)
    assert not spending.settle(held, CallTokens(input=1, output=1))
    assert service.status().store.commits == before


def test_a_call_without_a_session_is_not_held_against_budgets_of_sessions(
    spending: Spending,
) -> None:
    of_session = settings({**DAY, "scope": "session", "amount": 5})
    assert spending.reserve("kate", of_session, demand()).reservation_id == ""
    with pytest.raises(SpendExceededError):
        spending.reserve("kate", of_session, demand(session_id="s1"))


def test_a_refusal_says_what_how_much_and_until_when(spending: Spending, clock: Clock) -> None:
    clock.now = datetime.fromisoformat("2026-03-28T22:30:00+00:00")
    of_key = settings(
        {**DAY, "unit": "usd", "amount": 0.01, "scope": "key", "time_zone": "Europe/Berlin"}
    )
    spending.reserve("kate", of_key, demand(1_000, 100, key_id="k1", models=("large",)))
    with pytest.raises(SpendExceededError) as caught:
        spending.reserve("kate", of_key, demand(2_000, 10, key_id="k1", models=("large",)))
    error = caught.value
    assert problem_of(error).members == {
        "scope": "key",
        "unit": "usd",
        "amount": 10_000,
        "used": 0,
        "reserved": 5_250,
        "needed": 7_650,
        "left": 4_750,
        "ends_at": "2026-03-28T23:00:00+00:00",
        "retry_after_seconds": 1_800,
    }
    assert str(error) == (
        "key 'k1' may spend 0.01 USD in a day: 0.00 USD are spent, 0.00525 USD are reserved, this "
        "call may need 0.00765 USD. Try after 2026-03-28T23:00:00+00:00; lower what the request "
        "may have as output, or raise the amount in gateway.spend."
    )
    assert spending.reserve("kate", of_key, demand(key_id="k2")).reservation_id


def test_a_call_that_never_fits_is_told_no_time(spending: Spending) -> None:
    with pytest.raises(SpendExceededError, match="It never fits") as caught:
        spending.reserve("kate", settings(DAY), demand(900, 101))
    assert caught.value.retry_after_seconds is None


def test_a_rolling_window_says_when_enough_has_left_it(spending: Spending, clock: Clock) -> None:
    clock.now = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
    of_hour = settings({**DAY, "period": "rolling", "rolling_seconds": 3_600})
    for spent in (300, 400):
        held = spending.reserve("kate", of_hour, demand(spent, 0))
        spending.settle(held, CallTokens(input=spent, output=0))
        clock.pass_seconds(600)
    with pytest.raises(SpendExceededError) as caught:
        spending.reserve("kate", of_hour, demand(700, 0))
    assert caught.value.ends_at == (clock.now + timedelta(minutes=51)).isoformat()
    clock.pass_seconds(51 * 60)
    spending.reserve("kate", of_hour, demand(700, 0))


def test_a_model_without_a_price_is_refused_by_name_under_a_budget_in_dollars(
    spending: Spending,
) -> None:
    in_usd = settings({**DAY, "unit": "usd", "amount": 5})
    with pytest.raises(MissingPriceError, match="no price for the model 'smal'") as caught:
        spending.reserve("kate", in_usd, demand(models=("large", "smal")))
    assert caught.value.model == "smal"
    assert "Did you mean 'small'?" in str(caught.value)
    assert spending.reserve("kate", settings(DAY), demand(models=("smal",)))


def test_the_dearest_model_that_may_answer_is_reserved_and_the_one_that_did_is_paid(
    service: MemoryService, spending: Spending
) -> None:
    in_usd = settings({**DAY, "unit": "usd", "amount": 5})
    held = spending.reserve("kate", in_usd, demand(1_000, 1_000, models=("small", "large")))
    assert left(service, in_usd) == [(0, 18_750, 4_981_250)]
    spending.settle(held, CallTokens(input=1_000, output=1_000, cached=800), model="small")
    assert left(service, in_usd) == [(690, 0, 4_999_310)]


@pytest.mark.parametrize(
    ("spent", "memory"),
    [
        pytest.param(0, 500, id="room-for-all"),
        pytest.param(301, 499, id="one-token-less"),
        pytest.param(800, 0, id="room-for-the-call-alone"),
    ],
)
def test_a_budget_that_shrinks_lowers_the_memory_to_what_is_left(
    spending: Spending, spent: int, memory: int
) -> None:
    shrinks = settings({**DAY, "on_exceed": "shrink"})
    used = spending.reserve("kate", shrinks, demand(spent, 0))
    spending.settle(used, CallTokens(input=spent, output=0))
    assert spending.reserve("kate", shrinks, demand(100, 100, 500)).memory_tokens == memory


def test_a_budget_that_shrinks_refuses_a_call_that_has_no_room_without_memory(
    spending: Spending,
) -> None:
    shrinks = settings({**DAY, "on_exceed": "shrink"})
    with pytest.raises(SpendExceededError):
        spending.reserve("kate", shrinks, demand(901, 100, 500))


def test_money_that_is_left_buys_memory_at_the_dearest_price(spending: Spending) -> None:
    shrinks = settings({**DAY, "unit": "usd", "amount": 0.002, "on_exceed": "shrink"})
    held = spending.reserve("kate", shrinks, demand(100, 100, 500, models=("large",)))
    assert held.memory_tokens == 33  # 2,000 - 375 - 1,500 micro-dollars, at 3.75 a token


def test_a_warning_lets_a_call_through_and_says_so(
    service: MemoryService, spending: Spending
) -> None:
    warns = settings({**DAY, "amount": 150, "on_exceed": "warn"}, {**DAY, "amount": 300})
    held = spending.reserve("kate", warns, demand())
    assert [(one.left, one.needed) for one in held.warnings] == [(150, 200)]
    assert left(service, warns) == [(0, 200, 0), (0, 200, 100)]
    with pytest.raises(SpendExceededError):
        spending.reserve("kate", warns, demand())
    assert service.tallies.of(Event.SPEND) == {("warned",): 1, ("blocked",): 1}


@BOTH
def test_what_a_dead_process_had_reserved_is_free_after_its_lease(
    opened: Opened, service: MemoryService, spending: Spending, clock: Clock
) -> None:
    of_day = settings(DAY)
    lives = spending.reserve("kate", of_day, demand(250, 250))
    beside = Spending(opened())
    dies = beside.reserve("kate", of_day, demand(250, 250))
    clock.pass_seconds(40)
    assert spending.renew() == 1
    clock.pass_seconds(40)
    spending.reserve("kate", of_day, demand(250, 250))
    with pytest.raises(SpendExceededError):
        beside.reserve("kate", of_day, demand(1, 0))
    assert beside.settle(dies, CallTokens(input=100, output=0))
    assert left(service, of_day) == [(100, 1_000, 0)]
    assert spending.settle(lives, CallTokens(input=1, output=0))


@BOTH
def test_of_64_calls_at_once_a_budget_for_10_admits_10(
    service: MemoryService, spending: Spending
) -> None:
    of_ten = settings({**DAY, "amount": 10 * 200}, {**DAY, "unit": "usd", "amount": 1})

    def call(_: int) -> Reservation | None:
        try:
            return spending.reserve("kate", of_ten, demand())
        except SpendExceededError:
            return None

    with ThreadPoolExecutor(16) as threads:
        held = [one for one in threads.map(call, range(64)) if one is not None]
    assert len(held) == 10
    assert left(service, of_ten)[0] == (0, 2_000, 0)


def test_a_workspace_that_is_not_there_is_named(spending: Spending) -> None:
    with pytest.raises(UnknownWorkspaceError, match="'nobody'"):
        spending.reserve("nobody", settings(DAY), demand())


rates = st.integers(0, 10**8).map(lambda millionths: millionths / 10**6)
counts = st.integers(0, 10**7)


@given(rates, rates, rates, rates, counts, counts, st.data())
def test_no_call_costs_more_than_it_reserved(
    sent: float, out: float, cached: float, written: float, tokens: int, reply: int, data: Any
) -> None:
    price = ModelPrice(input=sent, output=out, cached_input=cached, cache_write=written)
    read = data.draw(st.integers(0, tokens))
    wrote = data.draw(st.integers(0, tokens - read))
    used = CallTokens(input=tokens, output=reply, cached=read, cache_write=wrote)
    assert cost(price, used) <= most_cost(price, used)


@given(rates, rates, counts, counts, st.integers(0, 10**9))
def test_the_memory_that_money_is_left_for_is_paid_by_it_and_one_token_more_is_not(
    sent: float, out: float, tokens: int, reply: int, micros: int
) -> None:
    price = ModelPrice(input=sent, output=out)
    call = CallTokens(input=tokens, output=reply)
    room = affordable_input(price, call, micros)
    if room is None:
        assert most_cost(price, CallTokens(input=10**12, output=reply)) <= micros
        return
    with_one_more = CallTokens(input=tokens + max(0, room + 1), output=reply)
    assert most_cost(price, with_one_more) > micros
    if room >= 0:
        assert most_cost(price, CallTokens(input=tokens + room, output=reply)) <= micros
