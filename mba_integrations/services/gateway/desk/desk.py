"""`Desk`: what becomes of each call of the gateway, by the settings of its workspace."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import anyio
import anyio.to_thread

from mba_integrations.conversation.older import Chooser
from mba_integrations.core.config.gateway_settings import Provider
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.contracts.problems import problem_of
from mba_integrations.services.gateway.callers import failure_from, upstream_for, workspace_of
from mba_integrations.services.gateway.desk.asked import Asked, understood
from mba_integrations.services.gateway.desk.deciding import Decided
from mba_integrations.services.gateway.desk.headers import not_understood
from mba_integrations.services.gateway.desk.listening import Listening
from mba_integrations.services.gateway.desk.parts import Parts
from mba_integrations.services.gateway.desk.quickness import is_decided_quickly, is_ended_quickly
from mba_integrations.services.gateway.desk.sending import lacks_usage, sent_bodies
from mba_integrations.services.gateway.passing.calls import (
    Attempt,
    Call,
    Outcome,
    Prepared,
    Refusal,
    Upstream,
)
from mba_integrations.services.gateway.passing.failures import Failure, refused
from mba_integrations.services.gateway.wire.apis import only_counts
from mba_integrations.services.gateway.wire.reading import Unread
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.errors import SpendExceededError

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
        ending: Notes how calls end.
    """

    def __init__(
        self,
        service: MemoryService,
        upstreams: Mapping[Provider, Upstream],
        *,
        chooser: Chooser | None = None,
    ) -> None:
        parts = Parts.of(service, chooser)
        self.spending, self.usage, self.ending = parts.spending, parts.usage, parts.ending
        self._deciding = parts.deciding
        self._service = service
        self._upstreams = upstreams
        self._limit = anyio.CapacityLimiter(_THREADS)
        self._ends = anyio.CapacityLimiter(_ENDS)

    async def prepare(self, call: Call) -> Prepared | Refusal:
        """Decide; in a thread where that takes long, or waits for the store.

        What is reserved is told of even if the client went meanwhile.
        """
        config = self._config_at_once(call)
        if config is not None and is_decided_quickly(call, config.gateway):
            return self._prepared(call, config)
        decide = partial(self._prepared, call, None)
        with anyio.CancelScope(shield=True):
            decided = await anyio.to_thread.run_sync(decide, limiter=self._limit)
        return decided

    def _config_at_once(self, call: Call) -> WorkspaceConfig | None:
        try:
            return self._service.workspaces.config_at_once(workspace_of(call)[1])
        except MemoryBudgetError:  # as whoever decides will find, and say
            return None

    def _prepared(self, call: Call, config: WorkspaceConfig | None) -> Prepared | Refusal:
        try:
            return self._decided(call, config)
        except SpendExceededError as error:
            seconds = error.retry_after_seconds
            after = () if seconds is None else ((b"retry-after", b"%d" % seconds),)
            return refused(call.provider, failure_from(problem_of(error)), after)
        except MemoryBudgetError as error:
            return refused(call.provider, failure_from(problem_of(error)))

    def _decided(self, call: Call, known: WorkspaceConfig | None) -> Prepared | Refusal:
        principal, workspace_id = workspace_of(call)
        config = self._service.workspaces.config(workspace_id) if known is None else known
        upstream = upstream_for(call, self._upstreams[call.provider], config.gateway.provider_keys)
        if isinstance(upstream, Failure):
            return refused(call.provider, upstream)
        if call.api is None or call.body is None:
            return Prepared(first=Attempt(upstream=upstream))
        asked = understood(
            config,
            call.api,
            call.body,
            headers=call.headers,
            key_id=principal.key_id,
            only_counts=only_counts(call.path),
        )
        if isinstance(asked, Unread):
            said = not_understood(asked.reason)
            return Prepared(first=Attempt(upstream=upstream, headers_out=said))
        return self._handled(asked, upstream)

    def _handled(self, asked: Asked, upstream: Upstream) -> Prepared:
        decided = self._deciding.decided(asked)
        decided.log_notes()
        with_usage = lacks_usage(asked.request) and decided.needs_usage
        bodies = sent_bodies(
            decided.rewritten, asked.request, decided.models, with_usage=with_usage
        )
        said = decided.headers
        first, *fallbacks = (
            Attempt(upstream=upstream, body=body, headers_out=said) for body in bodies
        )
        if asked.only_counts:
            return Prepared(first=first, fallbacks=tuple(fallbacks))
        listening = Listening(asked.request.api, wants_words=decided.needs_words)
        return Prepared(
            first=first,
            fallbacks=tuple(fallbacks),
            hide_usage=with_usage,
            read=listening.begin,
            on_end=partial(self._ended, decided, listening),
        )

    async def _ended(self, decided: Decided, listening: Listening, outcome: Outcome) -> None:
        """Note the end of a call, in a thread where that takes long or writes."""
        if is_ended_quickly(decided, listening.held_bytes):
            self.ending.note(decided, outcome, *listening.end())
            if self.usage.is_full:
                await anyio.to_thread.run_sync(self.ending.write_if_due, limiter=self._ends)
            return

        def noted() -> None:
            self.ending.note(decided, outcome, *listening.end())
            self.ending.write_if_due()

        await anyio.to_thread.run_sync(noted, limiter=self._ends)
