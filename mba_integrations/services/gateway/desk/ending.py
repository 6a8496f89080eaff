"""`Ending`: what is done when a call is over: its spending settled, its use noted, its turns kept.

A call that a provider answered is settled by what the reply says that it used; where the reply does
not say, or the client went while it came, by what was sent and what had come, counted. A call that
a provider never answered cost nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from mba_integrations.services.gateway.desk.deciding import Decided
from mba_integrations.services.gateway.desk.state import keep_state
from mba_integrations.services.gateway.desk.traced import trace_call
from mba_integrations.services.gateway.passing.calls import Outcome
from mba_integrations.services.gateway.rewriting.remembering import remember_turns
from mba_integrations.services.gateway.wire.replies import Reply
from mba_integrations.services.gateway.wire.usage import Usage
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.costs import CallTokens
from mba_integrations.services.spending.budgets.spending import Spending
from mba_integrations.services.spending.usage.noting import CallUsage, UsageLog

log = logging.getLogger("mba.gateway")


class Ending:
    """Notes how calls end. Thread-safe.

    Args:
        service: The memories.
        spending: The budgets.
        usage: Where use is noted.
    """

    def __init__(self, service: MemoryService, spending: Spending, usage: UsageLog) -> None:
        self._service = service
        self._spending = spending
        self._usage = usage

    def note(
        self, decided: Decided, outcome: Outcome, used: Usage | None, reply: Reply | None
    ) -> None:
        """Note the end of a call; a step that fails is logged, and the others are done.

        What it used is written later, by `write_if_due`.

        Args:
            decided: What was sent on.
            outcome: How it ended.
            used: What the reply says that it used; None where it does not say.
            reply: What was said; None where nothing was.
        """
        asked = decided.asked
        answered = outcome.status is not None and outcome.status < 400
        tokens = _tokens(decided, outcome, used, reply, answered=answered)
        _step(partial(self._settle, decided, outcome, tokens, answered=answered))
        _step(partial(trace_call, self._service.equipment.traces, decided, outcome, used))
        if not answered or asked.session_id is None:
            return
        if decided.after != decided.before:
            keep = partial(keep_state, self._service, asked.workspace_id, asked.session_id)
            _step(partial(keep, decided.after))
        if asked.settings.remember and outcome.finished == "done":
            _step(
                partial(
                    remember_turns,
                    self._service,
                    asked.workspace_id,
                    asked.request,
                    reply,
                    session_id=asked.session_id,
                )
            )

    def write_if_due(self) -> None:
        """Write what calls used, where so much of it waits; waits for the store."""
        _step(self._usage.flush_if_full)

    def _settle(
        self, decided: Decided, outcome: Outcome, tokens: CallTokens | None, *, answered: bool
    ) -> None:
        asked, plan = decided.asked, decided.rewritten.plan
        model = decided.models[outcome.attempt]
        if tokens is None:
            self._spending.release(decided.reservation)
        else:
            self._spending.settle(decided.reservation, tokens, model=model)
        call = CallUsage(
            route=replace(decided.route, model=model),
            asked=asked.request.model,
            outcome="done" if answered else "failed",
            tokens=tokens,
            memory_tokens=plan.injected_tokens,
            saved_tokens=max(0, plan.saved_tokens),
            overhead_ms=outcome.overhead_ms,
            session_id=asked.session_id,
        )
        self._usage.note(asked.workspace_id, asked.settings, call)


def _step(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:
        log.exception("the end of a call cannot be noted")


def _tokens(
    decided: Decided, outcome: Outcome, used: Usage | None, reply: Reply | None, *, answered: bool
) -> CallTokens | None:
    """What a call used; None where it used nothing, or nobody knows."""
    if used is not None and (outcome.finished == "done" or used.output_tokens):
        return CallTokens(
            input=used.input_tokens,
            output=used.output_tokens,
            cached=used.cached_tokens,
            cache_write=used.cache_write_tokens,
        )
    # A client that goes before the reply leaves a provider that has read the request.
    if not answered and outcome.finished != "client_gone":
        return None
    if decided.input_tokens is None:
        return None
    said = "" if reply is None else reply.text
    after = decided.rewritten.plan.tokens_after
    sent = decided.input_tokens if after is None else after
    return CallTokens(input=sent, output=decided.counter.count(said))
