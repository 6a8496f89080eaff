"""`Desk`: what becomes of each call of the gateway, by the settings of its workspace.

    route      which model is asked, by the query's level, the session and the settings
    reserve    what the call may cost at most, held against its budgets; memory shrinks first
    recall     what memory says, within what is left for it
    rewrite    memory in its place, the whole within the budget of a request
    end        spending settled, use noted, the session's state and its new turns kept

A request that is not understood goes through as it came, with a header that says so, unless budgets
hold for it: those would not hold then.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

import anyio
import anyio.to_thread

from mba_integrations.conversation.older import Chooser
from mba_integrations.core.config.gateway_settings import OnError, Routing
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.errors import InputError, MemoryBudgetError
from mba_integrations.services.contracts.problems import problem_of
from mba_integrations.services.gateway.budgets.errors import SpendExceededError
from mba_integrations.services.gateway.budgets.spending import Demand, Reservation, Spending
from mba_integrations.services.gateway.callers import failure_from, upstream_for, workspace_of
from mba_integrations.services.gateway.desk.asked import Asked
from mba_integrations.services.gateway.desk.ending import Ending
from mba_integrations.services.gateway.desk.headers import header_value, told
from mba_integrations.services.gateway.desk.listening import Listening
from mba_integrations.services.gateway.desk.sending import lacks_usage, sent_body
from mba_integrations.services.gateway.desk.state import NEW, SessionState, state_of
from mba_integrations.services.gateway.passing.calls import (
    Attempt,
    Call,
    Prepared,
    Provider,
    Refusal,
    Upstream,
)
from mba_integrations.services.gateway.passing.failures import Failure, refused
from mba_integrations.services.gateway.rewriting.memory import Recalled, recalled
from mba_integrations.services.gateway.rewriting.rewrite import Rewritten, memory_room, rewrite
from mba_integrations.services.gateway.routing.choosing import AUTO, Route, choose, level_of_query
from mba_integrations.services.gateway.sessions.naming import session_of
from mba_integrations.services.gateway.usage.noting import CallUsage, UsageLog
from mba_integrations.services.gateway.wire.apis import only_counts
from mba_integrations.services.gateway.wire.counting import RequestCounter
from mba_integrations.services.gateway.wire.reading import Unread, read
from mba_integrations.services.memory.service import MemoryService

log = logging.getLogger("mba.gateway")
_THREADS = 16
_ENDS = 4
"""Ends of calls that are written at once; nobody waits for them."""


class Desk:
    """Says what becomes of calls.

    Args:
        service: Whose workspaces.
        upstreams: The providers.
        chooser: Chooses older messages of a conversation; None for the package's own.

    Attributes:
        spending: The budgets.
        usage: What calls used.
    """

    def __init__(
        self,
        service: MemoryService,
        upstreams: Mapping[Provider, Upstream],
        *,
        chooser: Chooser | None = None,
    ) -> None:
        self.spending = Spending(service)
        self.usage = UsageLog(service)
        self._service = service
        self._upstreams = upstreams
        self._chooser = chooser
        self._limit = anyio.CapacityLimiter(_THREADS)
        self._ends = anyio.CapacityLimiter(_ENDS)

    async def prepare(self, call: Call) -> Prepared | Refusal:
        """Decide, in a thread; what is reserved is told of even if the client went meanwhile."""
        decide = partial(self._prepared, call)
        with anyio.CancelScope(shield=True):
            decided = await anyio.to_thread.run_sync(decide, limiter=self._limit)
        return decided

    def _prepared(self, call: Call) -> Prepared | Refusal:
        try:
            return self._decided(call)
        except SpendExceededError as error:
            seconds = error.retry_after_seconds
            after = () if seconds is None else ((b"retry-after", b"%d" % seconds),)
            return refused(call.provider, failure_from(problem_of(error)), after)
        except MemoryBudgetError as error:
            return refused(call.provider, failure_from(problem_of(error)))

    def _decided(self, call: Call) -> Prepared | Refusal:
        principal, workspace_id = workspace_of(call)
        config = self._service.workspaces.config(workspace_id)
        upstream = upstream_for(call, self._upstreams[call.provider])
        if isinstance(upstream, Failure):
            return refused(call.provider, upstream)
        if call.api is None or call.body is None:
            return Prepared(first=Attempt(upstream=upstream))
        request = read(call.api, call.body)
        if isinstance(request, Unread):
            return _unread(upstream, request, has_budgets=bool(config.gateway.spend))
        name = session_of(
            call.headers, request.value, system=request.system, first_user=request.first_user
        )
        asked = Asked(
            config=config,
            request=request,
            key_id=principal.key_id,
            session_id=None if name is None else name.session_id,
            only_counts=only_counts(call.path),
        )
        return self._handled(asked, call.body, upstream)

    def _handled(self, asked: Asked, body: bytes, upstream: Upstream) -> Prepared:
        settings = asked.settings
        counter = self._service.equipment.allocator.token_counter(asked.workspace_id)
        before = NEW
        if asked.session_id is not None and _keeps_state(asked):
            before = state_of(self._service, asked.workspace_id, asked.session_id)
        route = self._route(asked, before)
        models = (route.model, *(one for one in settings.fallbacks if one != route.model))
        input_tokens = _input_tokens(asked, counter)
        reservation = self._reserved(asked, route, models, input_tokens or 0)
        try:
            memory, problem = self._memory(asked, counter, before, reservation, input_tokens or 0)
            rewritten = rewrite(
                asked.request,
                counter,
                memory=None if memory is None else memory.block,
                inject=settings.inject.value,
                request_tokens=settings.request_tokens,
                before=before.sent,
                chooser=self._chooser,
            )
        except BaseException:
            self.spending.release(reservation)
            raise
        said = told(route, rewritten.plan.headers(), len(reservation.warnings), problem)
        with_usage = lacks_usage(asked.request) and _needs_usage(asked)
        sent = rewritten.body if rewritten.plan.changed else body
        attempts = [
            Attempt(
                upstream=upstream,
                body=sent_body(sent, asked.request, model=model, with_usage=with_usage),
                headers_out=said,
            )
            for model in models
        ]
        if asked.only_counts:
            self.spending.release(reservation)
            return Prepared(first=attempts[0], fallbacks=tuple(attempts[1:]))
        ending = Ending(
            service=self._service,
            spending=self.spending,
            usage=self.usage,
            limit=self._ends,
            asked=asked,
            counter=counter,
            route=route,
            models=models,
            reservation=reservation,
            input_tokens=input_tokens,
            plan=rewritten.plan,
            listening=Listening(asked.request.api),
            before=before,
            after=_state_after(before, route, memory, rewritten),
        )
        return Prepared(
            first=attempts[0],
            fallbacks=tuple(attempts[1:]),
            hide_usage=with_usage,
            read=ending.listening.begin,
            on_end=ending.ended,
        )

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
            return self.spending.reserve(asked.workspace_id, asked.settings, demand)
        except SpendExceededError:
            call = CallUsage(
                route=route,
                asked=asked.request.model,
                outcome="refused",
                session_id=asked.session_id,
            )
            self.usage.note(asked.workspace_id, asked.settings, call)
            raise

    def _memory(
        self,
        asked: Asked,
        counter: TokenCounter,
        before: SessionState,
        reservation: Reservation,
        history_tokens: int,
    ) -> tuple[Recalled | None, str | None]:
        """What memory says, or why it says nothing where it should."""
        tokens = reservation.memory_tokens
        if asked.settings.inject == "off" or tokens < 1:
            return None, None
        room = memory_room(asked.request, counter, asked.settings.request_tokens)
        try:
            found = recalled(
                self._service,
                asked.workspace_id,
                asked.request,
                memory_tokens=tokens if room is None else min(tokens, room),
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


def _unread(upstream: Upstream, request: Unread, *, has_budgets: bool) -> Prepared:
    if has_budgets:
        raise InputError(
            f"the request is not understood ({request.reason}), so the budgets of this workspace "
            "cannot be kept. Send it as the provider's documentation has it."
        )
    said = ((b"x-mba-error", header_value(f"not understood: {request.reason}")),)
    return Prepared(first=Attempt(upstream=upstream, headers_out=said))


def _keeps_state(asked: Asked) -> bool:
    settings = asked.settings
    return settings.inject != "off" or settings.request_tokens is not None or _routes(asked)


def _routes(asked: Asked) -> bool:
    return asked.settings.route is not Routing.OFF or asked.request.model == AUTO


def _needs_usage(asked: Asked) -> bool:
    """Whether somebody goes by what calls use: budgets, prices, routes or memory."""
    settings = asked.settings
    return bool(settings.spend or settings.prices) or settings.inject != "off" or _routes(asked)


def _input_tokens(asked: Asked, counter: TokenCounter) -> int | None:
    """What the request costs as it came; None where nobody goes by that."""
    settings = asked.settings
    if settings.inject == "off" and settings.request_tokens is None and not settings.spend:
        return None
    return RequestCounter(counter, asked.request).total()


def _state_after(
    before: SessionState, route: Route, memory: Recalled | None, rewritten: Rewritten
) -> SessionState:
    return SessionState(
        route=route.session or before.route,
        held=before.held if memory is None else memory.held,
        sent=rewritten.sent or before.sent,
    )
