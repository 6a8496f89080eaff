"""`Equipment`: what a service lends to each of its jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.config.problems import nearest_hint
from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.memory.beyond.sizes import Sizes
from mba_integrations.services.memory.embedding.models import EmbeddingModels
from mba_integrations.services.memory.once import Once, done_once
from mba_integrations.services.memory.pools.cache import PoolCache
from mba_integrations.services.memory.pools.past_gains import PastGains
from mba_integrations.services.memory.recalling.handed_records import HandedRecords
from mba_integrations.services.memory.recalling.trail import Trail
from mba_integrations.services.memory.settings import KnownSettings
from mba_integrations.services.memory.tallies import Event, Tallies
from mba_integrations.services.memory.tracing.traces import Traces
from mba_integrations.services.store.errors import StoreBusyError
from mba_integrations.services.store.scopes import Reading, Writing, checked_id
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.store import Store

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What each job of the service works with.

    Attributes:
        store: Where everything is kept.
        allocator: What chooses.
        records: Where the allocator leaves the record of a call.
        settings: Settings of workspaces.
        models: What makes vectors.
        pools: Workspaces in memory.
        past_gains: What larger tiers would have brought to past recalls.
        sizes: Which workspaces are too large for that.
        trail: Where calls leave what is written after them.
        clock: The present, with a zone.
        tallies: How often what happened.
        traces: Where spans go.
        wake: Tells the worker that there is a job.
    """

    store: Store
    allocator: MemoryBudgetAllocator
    records: HandedRecords
    settings: KnownSettings
    models: EmbeddingModels
    pools: PoolCache
    past_gains: PastGains
    sizes: Sizes
    wake: Callable[[], None]
    trail: Trail
    clock: Callable[[], datetime]
    tallies: Tallies
    traces: Traces

    @contextmanager
    def read(self, workspace_id: str) -> Iterator[Reading]:
        """A scope that reads of a workspace, as it stands now.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._watched("read", workspace_id), self.store.read(workspace_id) as reading:
            yield reading

    def write(
        self,
        workspace_id: str,
        act: Callable[[Writing], Result],
        *,
        actor: str | None = None,
        once: Once | None = None,
    ) -> Result:
        """Do an act in one transaction; what it gives is durable.

        Raises:
            AnsweredBeforeError: If *once* was done before.
            InputError: If *actor* is no name.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        if actor is not None:
            checked_id("actor", actor)
        with self._watched("write", workspace_id):
            return self.store.write(workspace_id, partial(_held, done_once(once, act)), actor=actor)

    def put(self, workspace_id: str, act: Callable[[Writing], Result]) -> Result:
        """As `write`, for an act that looks up nothing of the memories.

        So the workspace's other writers do not wait for it.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._watched("write", workspace_id):
            return self.store.write(workspace_id, act)

    @contextmanager
    def _watched(self, what: str, workspace_id: str) -> Iterator[None]:
        """Count the time of a transaction, and whether the store was too busy for it."""
        began = time.perf_counter()
        try:
            with self.named(workspace_id):
                yield
        except StoreBusyError:
            self.tallies.count(Event.BUSY, what)
            raise
        finally:
            self.tallies.spend(what, time.perf_counter() - began)

    @contextmanager
    def named(self, workspace_id: str) -> Iterator[None]:
        """Errors of the block that say of a workspace that is not there what its like is called."""
        try:
            yield
        except UnknownWorkspaceError as error:
            raise self._unknown(workspace_id) from error

    def _unknown(self, workspace_id: str) -> UnknownWorkspaceError:
        with self.store.read_all() as reading:
            known = [row.workspace_id for row in workspaces.listed(reading)]
        hint = nearest_hint(workspace_id, known[:1_000])
        create = f"Make it with create_workspace({workspace_id!r})."
        return UnknownWorkspaceError(
            " ".join(filter(None, (f"there is no workspace {workspace_id!r}.", hint, create))),
            key="workspace_id",
            value=workspace_id,
        )


def _held(act: Callable[[Writing], Result], writing: Writing) -> Result:
    """The act, while other writers of the workspace wait: what it looks up holds to its end."""
    writing.hold()
    return act(writing)
