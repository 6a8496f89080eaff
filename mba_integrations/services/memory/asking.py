"""What a service answers: recall, search, get, list, history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mba_integrations.core.arguments import checked_iterable, checked_whole
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.protocol import PromptLayout
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.past.statistics import By, LoggedStatistics
from mba_integrations.services.memory.past.views import statistics_of
from mba_integrations.services.memory.recalling.given_items import (
    ItemsRequest,
    allocate_items,
    config_of_request,
)
from mba_integrations.services.memory.recalling.recall import recall
from mba_integrations.services.memory.recalling.reply import RecallReply, SearchReply
from mba_integrations.services.memory.recalling.request import (
    RecallRequest,
    check_listed,
    checked_filter,
    checked_items,
    narrowed,
)
from mba_integrations.services.memory.recalling.search import search
from mba_integrations.services.memory.recalling.trail import Trace
from mba_integrations.services.memory.recalling.whole_reply import Written
from mba_integrations.services.memory.remembering.change import named_ids
from mba_integrations.services.memory.remembering.histories import history_of
from mba_integrations.services.memory.remembering.results import MemoryHistory
from mba_integrations.services.memory.tracing.recalls import traced_recall
from mba_integrations.services.store.rows.changes import ChangeFeed
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryPage, MemoryRow
from mba_integrations.services.store.scopes import checked_id
from mba_integrations.services.store.statements import changes, finding, workspaces

if TYPE_CHECKING:
    from mba_integrations import ComplexityEstimate


class Asking:
    """The part of `MemoryService` that reads."""

    _equipment: Equipment

    def recall(
        self,
        workspace_id: str,
        query: str,
        *,
        budget_tokens: int | None = None,
        reserved_tokens: int | None = None,
        session_id: str | None = None,
        tiers: Iterable[MemoryTier | str] | None = None,
        subject: str | None = None,
        filters: MemoryFilter | None = None,
        as_of: datetime | None = None,
        query_embedding: Sequence[float] | FloatArray | None = None,
        layout: PromptLayout | None = None,
        record_access: bool = True,
        min_change_seq: int | None = None,
        items: Iterable[MemoryItem] = (),
        written: Written | None = None,
        around_tokens: int = 0,
    ) -> RecallReply:
        """Choose memories for a question and write the prompt, never over the budget.

        Args:
            workspace_id: Of which workspace.
            query: What is asked; at most 64 KiB.
            budget_tokens: An exact total, >= 1, instead of the workspace's own ceiling.
            reserved_tokens: Tokens that the caller needs for itself, off the workspace's ceiling.
            session_id: The conversation that the prompt belongs to: what stood in its last prompt
                keeps its place, so that a provider's cache keeps the beginning. Also after a
                restart.
            tiers: Only memories of these tiers.
            subject: Only memories about this person.
            filters: Only memories that it lets through.
            as_of: What a recall at that time would have seen, but what was erased or pruned since.
                Nothing is counted, logged or followed then.
            query_embedding: Vector of the query, shape (d,); else the embedder makes it.
            layout: How the prompt is written, where a framework writes it.
            record_access: Whether what comes into the prompt counts as used, once in a session and
                hour.
            min_change_seq: The `change_seq` of a write that must be seen; of this service's own
                writes every recall sees all.
            items: What the caller brings, such as hits of an index of its own: chosen together with
                the memories, and not kept.
            written: How the caller writes the reply, whole: the budget is that of this text then,
                or of these texts together, prompt and all around it.
            around_tokens: About how many tokens are written around the prompt, which saves a try;
                the budget holds whatever it says.

        Raises:
            InputError: If an argument is unusable.
            PinnedOverBudgetError: If the pinned memories do not fit.
            NotYetThereError: If *min_change_seq* is not reached within a second.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        request = RecallRequest(
            workspace_id=workspace_id,
            query=query,
            budget_tokens=budget_tokens,
            reserved_tokens=reserved_tokens,
            session_id=session_id,
            wanted=narrowed(filters, tiers, subject),
            as_of=as_of,
            query_embedding=query_embedding,
            layout=layout,
            record_access=record_access,
            min_change_seq=min_change_seq,
            items=checked_items(items),
        )
        with traced_recall(self._equipment.traces, request) as told:
            return told(recall(self._equipment, request, written, around=around_tokens))

    def allocate(
        self,
        query: str,
        items: Sequence[MemoryItem],
        *,
        settings: Mapping[str, Any] | None = None,
        budget_tokens: int | None = None,
        reserved_tokens: int | None = None,
        query_embedding: Sequence[float] | FloatArray | None = None,
        now: datetime | None = None,
    ) -> Allocation:
        """Choose among items that the caller brings. No workspace is read, nothing is kept.

        Args:
            query: What is asked.
            items: What there is to choose from.
            settings: Settings that differ from the defaults, by name.
            budget_tokens: An exact total, >= 1, instead of the ceiling of the settings.
            reserved_tokens: Tokens that the caller needs for itself, off that ceiling.
            query_embedding: Vector of the query, where items have vectors.
            now: The present, for ages; the clock's by default.

        Raises:
            InputError: If an argument is unusable.
            InvalidWorkspaceError: If a setting is out of its range.
            PinnedOverBudgetError: If the pinned items do not fit.
        """
        request = ItemsRequest(
            query=query,
            items=items,
            settings=settings or {},
            budget_tokens=budget_tokens,
            reserved_tokens=reserved_tokens,
            query_embedding=query_embedding,
            now=now,
        )
        return allocate_items(self._equipment, request)

    def complexity_of(
        self, query: str, *, settings: Mapping[str, Any] | None = None
    ) -> ComplexityEstimate:
        """How much a query asks for, with the evidence, under the defaults or what differs."""
        config = config_of_request(settings or {})
        self._equipment.settings.lend(config)
        return self._equipment.allocator.estimate_query_complexity(
            query, workspace_id=config.workspace_id
        )

    def note_used(
        self, workspace_id: str, memory_ids: str | Sequence[str], *, session_id: str | None = None
    ) -> None:
        """Count that memories came into a prompt which no recall wrote.

        A recall counts what it selects by itself. Who chooses among what a recall gave, without
        `record_access`, says here what it took. It is written a moment later, as a recall's own.

        Args:
            workspace_id: Of which workspace.
            memory_ids: Which ones; ids that are not known or not active are passed over.
            session_id: In which session; each memory counts once in a session and hour, and all
                calls without one are one session.

        Raises:
            InputError: If an argument is no id.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        used = tuple(named_ids(memory_ids))
        if session_id is not None:
            checked_id("session_id", session_id)
        with self._equipment.read(workspace_id) as reading:
            seq = workspaces.change_seq(reading)
        self._equipment.trail.leave(
            Trace(workspace_id=workspace_id, change_seq=seq, session_id=session_id, used=used)
        )

    def search(
        self,
        workspace_id: str,
        query: str,
        *,
        limit: int = 10,
        budget_tokens: int | None = None,
        tiers: Iterable[MemoryTier | str] | None = None,
        subject: str | None = None,
        filters: MemoryFilter | None = None,
        query_embedding: Sequence[float] | FloatArray | None = None,
        min_change_seq: int | None = None,
    ) -> SearchReply:
        """Memories by how well they answer, the best first. Nothing counts as used.

        Args:
            workspace_id: Of which workspace.
            query: What is asked; at most 64 KiB.
            limit: How many at most, 1 to 100.
            budget_tokens: Tokens that the list may have as it is written in JSON; a memory that
                does not fit is passed over.
            tiers: As for `recall`, like all that follow.
        """
        request = RecallRequest(
            workspace_id=workspace_id,
            query=query,
            wanted=narrowed(filters, tiers, subject),
            query_embedding=query_embedding,
            min_change_seq=min_change_seq,
        )
        return search(self._equipment, request, limit=limit, list_tokens=budget_tokens)

    def get(self, workspace_id: str, memory_id: str) -> MemoryRow:
        """One memory, also one that is superseded or forgotten.

        Raises:
            UnknownMemoryError: If there is none of that id.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return finding.get(reading, memory_id)

    def list(
        self,
        workspace_id: str,
        filters: MemoryFilter | None = None,
        *,
        after: int | None = None,
        limit: int = 100,
        newest_first: bool = True,
    ) -> MemoryPage:
        """A page of memories, in the order in which they were added.

        Args:
            workspace_id: Of which workspace.
            filters: Which ones; all active ones by default.
            after: `after` of the page before; None for the first one.
            limit: How many at most, 1 to 500.
            newest_first: Whether the one that was added last stands first.

        Raises:
            InputError: If an argument is unusable.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        check_listed(limit)
        if after is not None:
            checked_whole("after", after)
        if filters is not None:
            checked_filter(filters)
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return finding.listed(
                reading, filters, after=after, limit=limit, newest_first=newest_first
            )

    def counts(self, workspace_id: str) -> Mapping[MemoryTier, int]:
        """How many active memories each tier has, by one statement.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return finding.count(reading)

    def metadata_values(
        self, workspace_id: str, path: str | Sequence[str], filters: MemoryFilter | None = None
    ) -> tuple[Any, ...]:
        """What memories have at a place of their metadata, each once, by one statement.

        Args:
            workspace_id: Of which workspace.
            path: The name of an entry, or the names on the way to one within others.
            filters: Of which memories; all active ones by default.

        Returns:
            Lists and objects as they are; texts, numbers and truth values as texts.

        Raises:
            InputError: If *path* names nothing.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        given = (path,) if isinstance(path, str) else path
        checked_iterable("path", given, "names of entries")
        names = tuple(given)
        if not names:
            raise InputError("path is empty. Name an entry of the metadata.")
        for name in names:
            checked_id("a name of path", name)
        if filters is not None:
            checked_filter(filters)
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return finding.metadata_values(reading, names, filters)

    def changes_since(self, workspace_id: str, seq: int, *, limit: int = 500) -> ChangeFeed:
        """What happened after a place of the workspace's sequence, without texts.

        Args:
            workspace_id: Of which workspace.
            seq: The last place that is known; 0 for none.
            limit: The most changes to give.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            return changes.changes_since(reading, seq, limit=limit)

    def statistics(
        self,
        workspace_id: str,
        *,
        time_window_hours: float | None = None,
        by: By | str | None = None,
    ) -> LoggedStatistics:
        """Counts, tokens, utilisation, omissions, latency and cost of past recalls.

        They are added up as recalls are logged, so they outlive the log, and cost the same however
        long it is.

        Args:
            workspace_id: Of which workspace.
            time_window_hours: How far to look back, > 0, from a full minute on; from a full hour
                where it is more than two days, from a full day where it is more than 60. None for
                all there ever were.
            by: Told apart by `complexity`, `tier`, `minute`, `hour` or `day`, in `groups`.

        Raises:
            InputError: If the window is not positive, or has 500 groups or more.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        return statistics_of(self._equipment, workspace_id, time_window_hours, by)

    def history(self, workspace_id: str, memory_id: str) -> MemoryHistory:
        """What happened to a memory, and to those before and after it.

        Raises:
            UnknownMemoryError: If nothing is known of it.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return history_of(reading, memory_id)
