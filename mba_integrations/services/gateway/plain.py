"""`PlainPreparing`: calls of those who may call, sent as they came."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

import anyio
import anyio.to_thread

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.contracts.problems import problem_of
from mba_integrations.services.gateway.callers import failure_from, upstream_for, workspace_of
from mba_integrations.services.gateway.passing.calls import (
    Attempt,
    Call,
    Prepared,
    Provider,
    Refusal,
    Upstream,
)
from mba_integrations.services.gateway.passing.failures import Failure, refused
from mba_integrations.services.memory.service import MemoryService

_THREADS = 16
"""Look-ups of workspaces at once; each is one read."""
KNOWN_SECONDS = 1.0
"""So long a workspace is taken to be there: a look-up would take longer than all else here."""


class PlainPreparing:
    """Checks who calls and in which workspace, and changes nothing.

    Args:
        service: Whose workspaces.
        upstreams: The providers.
    """

    def __init__(self, service: MemoryService, upstreams: Mapping[Provider, Upstream]) -> None:
        self._service = service
        self._upstreams = upstreams
        self._limit = anyio.CapacityLimiter(_THREADS)
        self._known: dict[str, float] = {}

    async def prepare(self, call: Call) -> Prepared | Refusal:
        """The request as it came, with the key of the provider."""
        try:
            _, workspace_id = workspace_of(call)
            await self._find(workspace_id)
        except MemoryBudgetError as error:
            return refused(call.provider, failure_from(problem_of(error)))
        upstream = upstream_for(call, self._upstreams[call.provider])
        if isinstance(upstream, Failure):
            return refused(call.provider, upstream)
        return Prepared(first=Attempt(upstream=upstream))

    async def _find(self, workspace_id: str) -> None:
        """Raise what the service does where there is no such workspace."""
        now = time.monotonic()
        if self._known.get(workspace_id, 0.0) < now:
            self._known.pop(workspace_id, None)
            find = partial(self._service.workspaces.row, workspace_id)
            await anyio.to_thread.run_sync(find, limiter=self._limit)
            self._known[workspace_id] = now + KNOWN_SECONDS
