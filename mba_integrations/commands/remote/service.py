"""`RemoteService`: what the commands use of `MemoryService`, asked of a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from mba_integrations.commands.printing.memories import plain
from mba_integrations.commands.remote.administering import RemoteKeys, RemoteWorkspaces
from mba_integrations.commands.remote.feedback import RemoteAllocations, given_to
from mba_integrations.commands.remote.gateway import RemoteBudgets, RemoteRoutes
from mba_integrations.commands.remote.keeping import (
    RemoteErasures,
    RemoteJobs,
    RemoteMerges,
    RemoteOrganisation,
    RemoteRetention,
    RemoteTiers,
)
from mba_integrations.commands.remote.reading import filter_body, memory_body, read, read_all
from mba_integrations.commands.remote.recalled import ToldRecall
from mba_integrations.commands.remote.transfer import RemoteTransfer, backed_up
from mba_integrations.commands.remote.tuning import RemoteTuning
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.feedback.giving import FeedbackReply
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.remembering.results import MemoryHistory, RememberReply
from mba_integrations.services.store.rows.memories import (
    MemoryFilter,
    MemoryPage,
    MemoryRow,
    MemoryState,
)

if TYPE_CHECKING:
    from pathlib import Path

    from mba_integrations.commands.remote.connecting import Server
    from mba_integrations.commands.remote.documents import RemoteDocuments
    from mba_integrations.services.memory.past.statistics import LoggedStatistics
    from mba_integrations.services.store.sqlite.backups import Manifest
    from mba_integrations.services.store.store import StoreStatus

_ATTEMPTS = 4
"""Within half a second: a person waits, and a server that goes down for a moment comes back."""
_ANSWER_SECONDS = 120.0
"""What erases or moves many memories of a large store takes a while; files have more time."""
_EXPLAINED = 20
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldChange:
    """What an act changed; its memories are asked for when they are printed."""

    service: RemoteService
    workspace_id: str
    memory_ids: tuple[str, ...]
    change_seq: int

    @property
    def memories(self) -> tuple[MemoryRow, ...]:
        """The memories that changed, as they are now."""
        return self.service.rows(self.workspace_id, self.memory_ids)

    def __len__(self) -> int:
        return len(self.memory_ids)


@dataclass(frozen=True, slots=True)
class RemoteStatus:
    """How a server's store is."""

    store: StoreStatus


class RemoteEmbeddings:
    """Which vectors workspaces of a server have."""

    def __init__(self, service: RemoteService) -> None:
        self._service = service

    def coverage(self, workspace_id: str) -> Mapping[str, float]:
        """Which part of the memories has a vector, by model."""
        found = self._service.client.embeddings(workspace_id)["coverage"]
        return cast(Mapping[str, float], found)


class RemoteService:
    """A server's memories.

    Args:
        server: Which one.

    Raises:
        InputError: If its URL or its key is none.
        MissingExtraError: If the client's library is not installed.
    """

    def __init__(self, server: Server) -> None:
        from mba_integrations.services import MbaClient

        self.url = server.url
        self.client = MbaClient(
            server.url, key=server.key, attempts=_ATTEMPTS, timeout_seconds=_ANSWER_SECONDS
        )
        self.workspaces = RemoteWorkspaces(self.client)
        self.keys = RemoteKeys(self.client)
        self.budgets = RemoteBudgets(self.client)
        self.routes = RemoteRoutes(self.client)
        self.jobs = RemoteJobs(self.client)
        self.retention = RemoteRetention(self.client)
        self.tiers = RemoteTiers(self, self.client)
        self.organisation = RemoteOrganisation(self.client)
        self.merges = RemoteMerges(self, self.client)
        self.erasures = RemoteErasures(self.client)
        self.transfer = RemoteTransfer(self.client)
        self.embeddings = RemoteEmbeddings(self)
        self.allocations = RemoteAllocations(self.client)
        self.tuning = RemoteTuning(self.client)

    @cached_property
    def documents(self) -> RemoteDocuments:
        """Documents of the server."""
        from mba_integrations.commands.remote.documents import RemoteDocuments

        return RemoteDocuments(self.client)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def remember(self, workspace_id: str, memories: Sequence[NewMemory]) -> RememberReply:
        """Keep memories."""
        told = self.client.remember(workspace_id, [memory_body(one) for one in memories])
        return RememberReply.from_dict(cast(Mapping[str, Any], told), replayed=False)

    def recall(
        self,
        workspace_id: str,
        query: str,
        *,
        budget_tokens: int | None = None,
        session_id: str | None = None,
        filters: MemoryFilter | None = None,
        as_of: datetime | None = None,
    ) -> ToldRecall:
        """Choose memories for a question."""
        told = self.client.recall(
            workspace_id,
            query,
            budget_tokens=budget_tokens,
            session_id=session_id,
            filters=filter_body(filters),
            as_of=plain(as_of),
            format="messages",
            explain=_EXPLAINED,
        )
        return ToldRecall(cast(Mapping[str, Any], told))

    def feedback(self, workspace_id: str, allocation_id: str, **given: Any) -> FeedbackReply:
        """Say what the answer to a past recall used, or what a person thinks of it."""
        return given_to(self.client, workspace_id, allocation_id, given)

    def get(self, workspace_id: str, memory_id: str) -> MemoryRow:
        """One memory."""
        return read(MemoryRow, self.client.get(workspace_id, memory_id))

    def list(
        self,
        workspace_id: str,
        filters: MemoryFilter | None = None,
        *,
        after: int | None = None,
        limit: int = 100,
    ) -> MemoryPage:
        """A page of memories, the newest first."""
        asked = {"filters": filter_body(filters), "after": after, "limit": limit}
        told = self.client.list(workspace_id, **asked)
        rows = read_all(MemoryRow, told["memories"])
        more = told["next_cursor"] is not None
        return MemoryPage(rows=rows, after=rows[-1].added_seq if more else None)

    def rows(self, workspace_id: str, memory_ids: Sequence[str]) -> tuple[MemoryRow, ...]:
        """Memories by their ids, in any state, in their order."""
        found: dict[str, MemoryRow] = {}
        for first in range(0, len(memory_ids), _AT_ONCE):
            part = frozenset(memory_ids[first : first + _AT_ONCE])
            filters = MemoryFilter(memory_ids=part, states=frozenset(MemoryState))
            page = self.list(workspace_id, filters, limit=_AT_ONCE)
            found.update((row.memory_id, row) for row in page.rows)
        return tuple(found[one] for one in memory_ids if one in found)

    def changed(self, workspace_id: str, told: Any) -> ToldChange:
        """What a server says that an act changed."""
        return ToldChange(
            service=self,
            workspace_id=workspace_id,
            memory_ids=tuple(told["memory_ids"]),
            change_seq=told["change_seq"],
        )

    def revise(
        self, workspace_id: str, memory_id: str, content: str, *, reason: str | None = None
    ) -> ToldChange:
        """Put another text in the place of a memory's."""
        told = self.client.revise(workspace_id, memory_id, content, reason=reason)
        return self.changed(workspace_id, told)

    def move(
        self,
        workspace_id: str,
        memory_ids: Sequence[str],
        tier: MemoryTier,
        *,
        reason: str | None = None,
    ) -> ToldChange:
        """Move memories to a tier."""
        told = self.client.move(workspace_id, memory_ids, tier.value, reason=reason)
        return self.changed(workspace_id, told)

    def pin(
        self,
        workspace_id: str,
        memory_ids: Sequence[str],
        pinned: bool,
        *,
        reason: str | None = None,
    ) -> ToldChange:
        """Have memories in every prompt, or no longer."""
        told = self.client.pin(workspace_id, memory_ids, pinned, reason=reason)
        return self.changed(workspace_id, told)

    def hold(
        self, workspace_id: str, memory_ids: Sequence[str], held: bool, *, reason: str | None = None
    ) -> ToldChange:
        """Keep memories from retention, or no longer."""
        told = self.client.hold(workspace_id, memory_ids, held, reason=reason)
        return self.changed(workspace_id, told)

    def expire(
        self,
        workspace_id: str,
        memory_ids: Sequence[str],
        at: datetime | None,
        *,
        reason: str | None = None,
    ) -> ToldChange:
        """Say from when memories are recalled no longer."""
        told = self.client.expire(workspace_id, memory_ids, plain(at), reason=reason)
        return self.changed(workspace_id, told)

    def forget(
        self,
        workspace_id: str,
        memory_ids: Sequence[str] | None = None,
        *,
        filters: MemoryFilter | None = None,
        expected: int | None = None,
        reason: str | None = None,
    ) -> ToldChange:
        """Forget memories."""
        how = {"filters": filter_body(filters), "expected": expected, "reason": reason}
        return self.changed(workspace_id, self.client.forget(workspace_id, memory_ids, **how))

    def history(self, workspace_id: str, memory_id: str) -> MemoryHistory:
        """What happened to a memory."""
        return read(MemoryHistory, self.client.history(workspace_id, memory_id))

    def counts(self, workspace_id: str) -> Mapping[MemoryTier, int]:
        """How many active memories each tier has."""
        counts = self.client.counts(workspace_id)["counts"]
        return {MemoryTier(name): count for name, count in counts.items()}

    def statistics(
        self, workspace_id: str, *, time_window_hours: float | None = None
    ) -> LoggedStatistics:
        """What past recalls have in common."""
        from mba_integrations.services.memory.past.statistics import LoggedStatistics

        told = self.client.statistics(workspace_id, hours=time_window_hours)
        return read(LoggedStatistics, told)

    def create_workspace(self, workspace_id: str, **more: Any) -> None:
        """Make a workspace: `template`, `time_zone`."""
        self.workspaces.create(workspace_id, **more)

    def status(self) -> RemoteStatus:
        """How the server's store is."""
        from mba_integrations.services.store.store import StoreStatus

        told = {"url": self.url, "queued_writes": None, **self.client.status()}
        return RemoteStatus(store=read(StoreStatus, told))

    def backup(self, path: Path) -> Path:
        """Write a copy of the server's store into a file that must not be there."""
        return backed_up(self.client, path)

    @staticmethod
    def verify_backup(path: Path) -> Manifest:
        """What a copy has, once it was found to be whole."""
        from mba_integrations.services.store.sqlite.backups import verify

        return verify(path)
