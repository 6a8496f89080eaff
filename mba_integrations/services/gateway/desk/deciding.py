"""`Deciding`: what is sent on of a call, by the settings of its workspace.

    route      which model is asked, by the query's level, the session and the settings
    reserve    what the call may cost at most, held against its budgets; memory shrinks first
    recall     what memory says, within what is left for it
    rewrite    memory in its place, the whole within the budget of a request

What was reserved is given back where one of the later steps fails.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from mba_integrations.conversation.older import Chooser
from mba_integrations.core.config.gateway_settings import (
    GatewaySettings,
    Inject,
    OnError,
    Routing,
)
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.gateway.desk.asked import Asked
from mba_integrations.services.gateway.desk.headers import told
from mba_integrations.services.gateway.desk.state import NEW, SessionState, state_of
from mba_integrations.services.gateway.passing.calls import Pairs
from mba_integrations.services.gateway.rewriting.memory import Recalled, recalled
from mba_integrations.services.gateway.rewriting.rewrite import (
    NO_ROOM,
    Rewritten,
    memory_room,
    rewrite,
)
from mba_integrations.services.gateway.rewriting.shortening import chooser_for
from mba_integrations.services.gateway.wire.counting import RequestCounter
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.errors import SpendExceededError
from mba_integrations.services.spending.budgets.spending import Demand, Reservation, Spending
from mba_integrations.services.spending.routing.choosing import AUTO, Route, choose, level_of_query
from mba_integrations.services.spending.usage.noting import CallUsage, UsageLog

log = logging.getLogger("mba.gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What is sent on of a call.

    Attributes:
        asked: The call.
        counter: Counts the texts of its workspace.
        route: Where it goes.
        models: The model of the route, then its fallbacks.
        reservation: What it may spend.
        input_tokens: What it sent, counted; None where nobody goes by that.
        rewritten: The request with its memory, within its budget.
        problem: Why it goes on without the memory that it should have; None if nothing is wrong.
        before: What was kept of its session.
        after: What is to be kept.
        began_ns: When it was decided, in nanoseconds since 1970.
    """

    asked: Asked
    counter: TokenCounter
    route: Route
    models: tuple[str, ...]
    reservation: Reservation
    input_tokens: int | None
    rewritten: Rewritten
    problem: str | None
    before: SessionState
    after: SessionState
    began_ns: int = field(default_factory=time.time_ns)

    @property
    def headers(self) -> Pairs:
        """What the client is told."""
        said = self.rewritten.plan.headers()
        return told(self.route, said, len(self.reservation.warnings), self.problem)

    def log_notes(self) -> None:
        """Say in the log what was not done to the request, and why; it holds no text of it."""
        if self.rewritten.plan.notes:
            log.info("a request is sent on: %s", " ".join(self.rewritten.plan.notes))

    @property
    def needs_usage(self) -> bool:
        """Whether somebody goes by what calls use: budgets, prices, routes or memory."""
        settings = self.asked.settings
        counted = settings.spend or settings.prices or settings.inject is not Inject.OFF
        return bool(counted) or _routes(self.asked)

    @property
    def needs_words(self) -> bool:
        """Whether somebody goes by what replies say: they are remembered, or counted."""
        return self.asked.settings.remember or self.input_tokens is not None


class Deciding:
    """Decides what is sent on.

    Args:
        service: The memories.
        spending: The budgets.
        usage: Where refusals are noted.
        chooser: Chooses older messages of a conversation; None for the package's own.
    """

    def __init__(
        self,
        service: MemoryService,
        spending: Spending,
        usage: UsageLog,
        chooser: Chooser | None = None,
    ) -> None:
        self._service = service
        self._spending = spending
        self._usage = usage
        self._given = chooser
        self._choosers: dict[str, Chooser] = {}

    def decided(self, asked: Asked) -> Decided:
        """Decide.

        Raises:
            SpendExceededError: If a budget has no room for the call.
            PinnedOverBudgetError: If what must be sent is over the budget of a request.
            InputError: If it asks for `mba/auto` and there are no models.
        """
        settings = asked.settings
        counter = self._service.equipment.allocator.token_counter(asked.workspace_id)
        counts, chooser = RequestCounter(counter, asked.request), self._chooser(asked, counter)
        before = self._state(asked)
        route = self._route(asked, before)
        models = (route.model, *(one for one in settings.fallbacks if one != route.model))
        input_tokens = counts.total() if _is_counted(asked.settings) else None
        reservation = self._reserved(asked, route, models, input_tokens or 0)
        try:
            tokens = _memory_tokens(asked, counts, chooser, reservation.memory_tokens)
            memory, problem = self._memory(asked, before, tokens, input_tokens or 0)
            rewritten = rewrite(
                asked.request,
                counts,
                memory=None if memory is None else memory.block,
                inject=settings.inject,
                request_tokens=settings.request_tokens,
                before=before.sent,
                chooser=chooser,
            )
            if tokens < 1 <= reservation.memory_tokens:
                rewritten = rewritten.with_note(NO_ROOM)
        except BaseException:
            self._spending.release(reservation)
            raise
        return Decided(
            asked=asked,
            counter=counter,
            route=route,
            models=models,
            reservation=reservation,
            input_tokens=input_tokens,
            rewritten=rewritten,
            problem=problem,
            before=before,
            after=_state_after(before, route, memory, rewritten),
        )

    def _chooser(self, asked: Asked, counter: TokenCounter) -> Chooser | None:
        """What chooses older messages, where any may stay out; one for each counter, which keeps
        its counts."""
        if self._given is not None or asked.settings.request_tokens is None:
            return self._given
        model = asked.config.counting.model
        if model not in self._choosers:
            self._choosers[model] = chooser_for(counter)
        return self._choosers[model]

    def _state(self, asked: Asked) -> SessionState:
        if asked.session_id is None or not _keeps_state(asked):
            return NEW
        return state_of(self._service, asked.workspace_id, asked.session_id)

    def _route(self, asked: Asked, before: SessionState) -> Route:
        estimate = self._service.equipment.allocator.estimate_query_complexity(
            asked.request.query,
            workspace_id=asked.workspace_id,
            conversation_turns=len(asked.request.turns),
        )
        level = level_of_query(estimate, asked.settings)
        return choose(asked.settings, asked.request.model, level, before.route)

    def _reserved(
        self, asked: Asked, route: Route, models: tuple[str, ...], input_tokens: int
    ) -> Reservation:
        if asked.only_counts:
            return Reservation(
                workspace_id=asked.workspace_id,
                reservation_id="",
                memory_tokens=asked.memory_tokens,
            )
        demand = Demand(
            models=models,
            input_tokens=input_tokens,
            output_tokens=asked.output_tokens,
            memory_tokens=asked.memory_tokens,
            key_id=asked.key_id,
            session_id=asked.session_id,
        )
        try:
            return self._spending.reserve(asked.workspace_id, asked.settings, demand)
        except SpendExceededError:
            call = CallUsage(
                route=route,
                asked=asked.request.model,
                outcome="refused",
                session_id=asked.session_id,
            )
            self._usage.note(asked.workspace_id, asked.settings, call)
            self._usage.flush_if_full()
            raise

    def _memory(
        self, asked: Asked, before: SessionState, memory_tokens: int, history_tokens: int
    ) -> tuple[Recalled | None, str | None]:
        """What memory says, or why it says nothing where it should."""
        if memory_tokens < 1:
            return None, None
        try:
            found = recalled(
                self._service,
                asked.workspace_id,
                asked.request,
                memory_tokens=memory_tokens,
                session_id=asked.session_id,
                held=before.held,
                history_tokens=history_tokens,
            )
        except Exception as error:
            if asked.settings.on_error is OnError.FAIL:
                raise
            if not isinstance(error, MemoryBudgetError):
                log.exception("memory failed")
            return None, f"no memory: {error}"
        return found, None


def _keeps_state(asked: Asked) -> bool:
    settings = asked.settings
    is_bounded = settings.request_tokens is not None
    return is_bounded or settings.inject is not Inject.OFF or _routes(asked)


def _routes(asked: Asked) -> bool:
    return asked.settings.route is not Routing.OFF or asked.request.model == AUTO


def _memory_tokens(
    asked: Asked, counts: RequestCounter, chooser: Chooser | None, reserved: int
) -> int:
    """What memory may have beside what must be sent."""
    if reserved < 1:
        return 0
    room = memory_room(asked.request, counts, asked.settings.request_tokens, chooser)
    return reserved if room is None else min(reserved, room)


def _is_counted(settings: GatewaySettings) -> bool:
    """Whether somebody goes by what a request costs as it came."""
    bounded = settings.request_tokens is not None or bool(settings.spend)
    return bounded or settings.inject is not Inject.OFF


def _state_after(
    before: SessionState, route: Route, memory: Recalled | None, rewritten: Rewritten
) -> SessionState:
    return SessionState(
        route=route.session or before.route,
        held=before.held if memory is None else memory.held,
        sent=rewritten.sent or before.sent,
    )
