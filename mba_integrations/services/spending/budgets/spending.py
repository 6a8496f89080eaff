"""`Spending`: holds a call against the budgets of its workspace, before it begins and after it.

    reservation = spending.reserve("kate", settings, demand)     # or SpendExceededError
    ... the call, with reservation.memory_tokens of memory ...
    spending.settle(reservation, tokens)                         # or release(reservation)

All budgets of a call are taken in one transaction, or none is. What a call may need at most is what
it sends, counted, and what it lets the model write; in dollars at the dearest price that its input
may have. A reservation lives as long as its process: its lease is renewed by `renew` while the call
runs, and what a killed process had reserved is free again when that is over. A call without budgets
writes nothing.

Never more than a budget is spent as long as a call uses no more than it reserved, and is settled
within its lease. What it used is counted in any case.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.config.gateway_settings import (
    GatewaySettings,
    ModelPrice,
    OnExceed,
    SpendBudget,
    SpendScope,
    SpendUnit,
)
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tallies import Event
from mba_integrations.services.spending.budgets.costs import (
    CallTokens,
    affordable_input,
    cost,
    most_cost,
    prices_of,
)
from mba_integrations.services.spending.budgets.errors import SpendExceededError
from mba_integrations.services.spending.budgets.periods import place_of
from mba_integrations.services.spending.budgets.standing import room_at
from mba_integrations.services.store.rows.gateway.spend import Balance, Hold, SpendPlace
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements.gateway import spend

LEASE = timedelta(seconds=60)
"""How long what a killed process had reserved is not free. `renew` comes three times as often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a call asks for.

    Attributes:
        models: Which models may answer it: that of the route, then its fallbacks.
        input_tokens: Tokens that it sends, without memory.
        output_tokens: Tokens that it lets the model write.
        memory_tokens: Tokens of memory that it would have.
        key_id: Of the key that asks; None for none.
        session_id: Of its session; None for none.
    """

    models: tuple[str, ...]
    input_tokens: int
    output_tokens: int
    memory_tokens: int = 0
    key_id: str | None = None
    session_id: str | None = None

    def __post_init__(self) -> None:
        for name in ("input_tokens", "output_tokens", "memory_tokens"):
            checked_whole(name, getattr(self, name))
        if not self.models:
            raise InputError("models must name at least one.")

    def tokens(self, memory_tokens: int = 0) -> CallTokens:
        """Its tokens with so much memory."""
        return CallTokens(input=self.input_tokens + memory_tokens, output=self.output_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A budget that warns, and that a call does not fit into.

    Attributes:
        budget: Which one.
        left: What it had left.
        needed: What the call may need.
    """

    budget: SpendBudget
    left: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What a call may spend.

    Attributes:
        workspace_id: Of which workspace.
        reservation_id: By which it is settled; empty where no budget holds.
        memory_tokens: How much memory it may have: what it asked for, or what is left.
        places: Where it holds something, with the unit that is counted there.
        prices: Of the models that may answer.
        warnings: Budgets that it goes beyond.
    """

    workspace_id: str
    reservation_id: str
    memory_tokens: int
    places: Mapping[SpendPlace, SpendUnit] = field(default_factory=dict)
    prices: Mapping[str, ModelPrice] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()


@dataclass(frozen=True, slots=True)
class _Limit:
    """A budget at the moment of a call."""

    budget: SpendBudget
    place: SpendPlace
    balance: Balance

    @property
    def left(self) -> int:
        return self.budget.units - self.balance.used - self.balance.reserved


class Spending:
    """Reserves and settles what calls spend. Thread-safe; one for a process.

    Args:
        service: Whose workspaces.
        lease: How long a reservation holds without `renew`.
    """

    def __init__(self, service: MemoryService, *, lease: timedelta = LEASE) -> None:
        self._equipment = service.equipment
        self._tallies = service.tallies
        self._lease = lease
        self._running: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def reserve(self, workspace_id: str, settings: GatewaySettings, demand: Demand) -> Reservation:
        """Hold what a call may need.

        Raises:
            SpendExceededError: If a budget has no room for it.
            MissingPriceError: If a budget is in dollars and a model has no price.
            UnknownWorkspaceError: If there is no such workspace.
        """
        budgets = [
            (one, subject)
            for one in settings.spend
            if (subject := _subject(one.scope, demand)) is not None
        ]
        in_money = any(one.unit is SpendUnit.USD for one, _ in budgets)
        prices = prices_of(settings.prices, demand.models, workspace_id) if in_money else {}
        if not budgets:
            return Reservation(
                workspace_id=workspace_id, reservation_id="", memory_tokens=demand.memory_tokens
            )
        name = secrets.token_hex(16)

        def act(writing: Writing) -> Reservation:
            return _reserved(writing, name, budgets, demand, prices, self._lease)

        try:
            made = self._equipment.put(workspace_id, act)
        except SpendExceededError:
            self._tallies.count(Event.SPEND, "blocked")
            raise
        with self._lock:
            self._running.setdefault(workspace_id, set()).add(name)
        self._tallies.count(Event.SPEND, _outcome(made, demand))
        return made

    def settle(
        self, reservation: Reservation, tokens: CallTokens, *, model: str | None = None
    ) -> bool:
        """Count what a call used in place of what it had reserved; False if that was done before.

        Args:
            reservation: Of the call.
            tokens: What it used.
            model: Which of its models answered; None for the first one.
        """
        price = reservation.prices.get(model or "") or next(iter(reservation.prices.values()), None)
        amounts = {SpendUnit.TOKENS: tokens.all}
        if price is not None:
            amounts[SpendUnit.USD] = cost(price, tokens)
        return self._settle(reservation, amounts)

    def release(self, reservation: Reservation) -> bool:
        """Give back all that a call had reserved, for it cost nothing."""
        return self._settle(reservation, dict.fromkeys(SpendUnit, 0))

    def renew(self) -> int:
        """Renew the leases of all calls of this process that run; gives how many calls.

        A service that has the store locked cannot be waited for here: call it from a thread.
        """
        with self._lock:
            running = {name: tuple(calls) for name, calls in self._running.items() if calls}
        for workspace_id, calls in running.items():
            self._equipment.put(
                workspace_id,
                lambda writing: spend.renew(writing, calls, writing.at + self._lease),  # noqa: B023
            )
        return sum(map(len, running.values()))

    def _settle(self, reservation: Reservation, amounts: Mapping[SpendUnit, int]) -> bool:
        if not reservation.reservation_id:
            return False
        spent = {place: amounts[unit] for place, unit in reservation.places.items()}
        name = reservation.reservation_id
        try:
            return self._equipment.put(
                reservation.workspace_id, lambda writing: spend.settle(writing, name, spent)
            )
        finally:
            with self._lock:
                running = self._running.get(reservation.workspace_id, set())
                running.discard(name)
                if not running:
                    self._running.pop(reservation.workspace_id, None)


def _subject(scope: SpendScope, demand: Demand) -> str | None:
    if scope is SpendScope.KEY:
        return demand.key_id
    return demand.session_id if scope is SpendScope.SESSION else ""


def _reserved(
    writing: Writing,
    name: str,
    budgets: Sequence[tuple[SpendBudget, str]],
    demand: Demand,
    prices: Mapping[str, ModelPrice],
    lease: timedelta,
) -> Reservation:
    places = [(one, place_of(one, subject, writing.at)) for one, subject in budgets]
    balances = spend.opened(writing, [place for _, place in places])
    limits = [_Limit(one, place, balances[place]) for one, place in places]
    memory = _memory_that_fits(limits, demand, prices)
    tokens = demand.tokens(memory)
    needed = {unit: _needed(unit, tokens, prices) for unit in SpendUnit}
    for limit in limits:
        if limit.budget.on_exceed is not OnExceed.WARN and needed[limit.budget.unit] > limit.left:
            raise _exceeded(writing, limit, needed[limit.budget.unit])
    holds = _holds(limits, needed)
    if not spend.reserve(writing, name, holds, lease_until=writing.at + lease):
        tightest = min(limits, key=lambda limit: limit.left)
        raise _exceeded(writing, tightest, needed[tightest.budget.unit])
    return Reservation(
        workspace_id=writing.workspace_id,
        reservation_id=name,
        memory_tokens=memory,
        places={limit.place: limit.budget.unit for limit in limits},
        prices=prices,
        warnings=tuple(_warned(limits, needed)),
    )


def _memory_that_fits(
    limits: Iterable[_Limit], demand: Demand, prices: Mapping[str, ModelPrice]
) -> int:
    """How much memory the budgets that shrink have room for; 0 where the call has none at all."""
    memory = demand.memory_tokens
    for limit in limits:
        if limit.budget.on_exceed is OnExceed.SHRINK:
            memory = min(memory, *_rooms(limit, demand, prices))
    return max(0, memory)


def _rooms(limit: _Limit, demand: Demand, prices: Mapping[str, ModelPrice]) -> list[int]:
    bare = demand.tokens()
    if limit.budget.unit is SpendUnit.TOKENS:
        return [limit.left - bare.all]
    found = [affordable_input(price, bare, limit.left) for price in prices.values()]
    return [demand.memory_tokens if room is None else room for room in found]


def _needed(unit: SpendUnit, tokens: CallTokens, prices: Mapping[str, ModelPrice]) -> int:
    if unit is SpendUnit.TOKENS:
        return tokens.all
    return max((most_cost(price, tokens) for price in prices.values()), default=0)


def _holds(limits: Iterable[_Limit], needed: Mapping[SpendUnit, int]) -> dict[SpendPlace, Hold]:
    """What is taken of each account: once, however many budgets limit it."""
    holds: dict[SpendPlace, Hold] = {}
    for limit in limits:
        most = None if limit.budget.on_exceed is OnExceed.WARN else limit.budget.units
        before = holds.get(limit.place)
        if before is not None and before.limit is not None:
            most = before.limit if most is None else min(most, before.limit)
        holds[limit.place] = Hold(needed[limit.budget.unit], most)
    return holds


def _warned(limits: Iterable[_Limit], needed: Mapping[SpendUnit, int]) -> Iterable[Warned]:
    for limit in limits:
        amount = needed[limit.budget.unit]
        if limit.budget.on_exceed is OnExceed.WARN and amount > limit.left:
            yield Warned(budget=limit.budget, left=max(0, limit.left), needed=amount)


def _exceeded(writing: Writing, limit: _Limit, needed: int) -> SpendExceededError:
    return SpendExceededError(
        limit.budget,
        subject=limit.place.subject or writing.workspace_id,
        used=limit.balance.used,
        reserved=limit.balance.reserved,
        needed=needed,
        ends_at=_room_again_at(writing, limit, needed),
        now=writing.at,
    )


def _room_again_at(writing: Writing, limit: _Limit, needed: int) -> datetime | None:
    if needed > limit.budget.units:
        return None
    return room_at(writing, limit.place, missing=needed - limit.left, at=writing.at)


def _outcome(made: Reservation, demand: Demand) -> str:
    if made.memory_tokens < demand.memory_tokens:
        return "shrunk"
    return "warned" if made.warnings else "admitted"
