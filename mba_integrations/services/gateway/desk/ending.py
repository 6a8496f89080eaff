"""`Ending`: what is done when a call is over: its spending settled, its use noted, its turns kept.

A call that a provider answered is settled by what the reply says that it used; where the reply does
not say, or the client went while it came, by what was sent and what had come, counted. A call that
a provider never answered cost nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import anyio
import anyio.to_thread

from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.services.gateway.budgets.costs import CallTokens
from mba_integrations.services.gateway.budgets.spending import Reservation, Spending
from mba_integrations.services.gateway.desk.asked import Asked
from mba_integrations.services.gateway.desk.listening import Listening
from mba_integrations.services.gateway.desk.state import SessionState, keep_state
from mba_integrations.services.gateway.passing.calls import Outcome
from mba_integrations.services.gateway.rewriting.plan import Plan
from mba_integrations.services.gateway.rewriting.remembering import remember_turns
from mba_integrations.services.gateway.routing.choosing import Route
from mba_integrations.services.gateway.usage.noting import CallUsage, UsageLog
from mba_integrations.services.gateway.wire.replies import Reply
from mba_integrations.services.gateway.wire.usage import Usage
from mba_integrations.services.memory.service import MemoryService

log = logging.getLogger("mba.gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What the end of a call needs.

    Attributes:
        service: The memories.
        spending: The budgets.
        usage: Where use is noted.
        limit: How many ends are written at once.
        asked: The call.
        counter: Counts what a reply does not say.
        route: Where it went.
        models: The models of its attempts.
        reservation: What it may spend.
        input_tokens: What it sends, counted; None where nothing had to be.
        plan: What was done to it.
        listening: What its reply says.
        before: What was kept of its session.
        after: What is to be kept.
    """

    service: MemoryService
    spending: Spending
    usage: UsageLog
    limit: anyio.CapacityLimiter
    asked: Asked
    counter: TokenCounter
    route: Route
    models: tuple[str, ...]
    reservation: Reservation
    input_tokens: int | None
    plan: Plan
    listening: Listening
    before: SessionState
    after: SessionState

    async def ended(self, outcome: Outcome) -> None:
        """Note the end, in a thread."""
        await anyio.to_thread.run_sync(partial(self._note, outcome), limiter=self.limit)

    def _note(self, outcome: Outcome) -> None:
        used, reply = self.listening.end()
        answered = outcome.status is not None and outcome.status < 400
        self._step(partial(self._settle, outcome, answered, used, reply))
        if not answered:
            return
        if self.after != self.before:
            self._step(self._keep)
        if self.asked.settings.remember and outcome.finished == "done":
            self._step(partial(self._remember, reply))

    def _step(self, act: Callable[[], object]) -> None:
        """Do one of the acts; the others are done also where it fails."""
        try:
            act()
        except Exception:
            log.exception("the end of a call cannot be noted")

    def _settle(
        self, outcome: Outcome, answered: bool, used: Usage | None, reply: Reply | None
    ) -> None:
        tokens = self._tokens(outcome, answered, used, reply)
        model = self.models[outcome.attempt]
        if tokens is None:
            self.spending.release(self.reservation)
        else:
            self.spending.settle(self.reservation, tokens, model=model)
        call = CallUsage(
            route=replace(self.route, model=model),
            asked=self.asked.request.model,
            outcome="done" if answered else "failed",
            tokens=tokens,
            memory_tokens=self.plan.injected_tokens,
            saved_tokens=max(0, self.plan.saved_tokens),
            overhead_ms=outcome.overhead_ms,
            session_id=self.asked.session_id,
        )
        self.usage.note(self.asked.workspace_id, self.asked.settings, call)

    def _tokens(
        self, outcome: Outcome, answered: bool, used: Usage | None, reply: Reply | None
    ) -> CallTokens | None:
        """What a call used; None where it used nothing, or nobody knows."""
        is_whole = outcome.finished == "done"
        if used is not None and (is_whole or used.output_tokens):
            return CallTokens(
                input=used.input_tokens,
                output=used.output_tokens,
                cached=used.cached_tokens,
                cache_write=used.cache_write_tokens,
            )
        # A client that goes before the reply leaves a provider that has read the request.
        if not answered and outcome.finished != "client_gone":
            return None
        if self.input_tokens is None:
            return None
        said = "" if reply is None else reply.text
        return CallTokens(input=self.input_tokens, output=self.counter.count(said))

    def _keep(self) -> None:
        if self.asked.session_id is not None:
            keep_state(self.service, self.asked.workspace_id, self.asked.session_id, self.after)

    def _remember(self, reply: Reply | None) -> None:
        if self.asked.session_id is not None:
            remember_turns(
                self.service,
                self.asked.workspace_id,
                self.asked.request,
                reply,
                session_id=self.asked.session_id,
            )
