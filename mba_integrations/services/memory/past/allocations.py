"""`Allocations`: past recalls, as `service.allocations`: list, read, ask again, compare.

The log has numbers, ids and reasons; texts only where the workspace logs them. So who asks again
says the question where the log has not kept it, and its hash shows whether it is the same one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from mba_integrations.core.model import QueryComplexity
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.errors import UnknownAllocationError
from mba_integrations.services.memory.past.apart import Apart, taken_apart
from mba_integrations.services.memory.past.arrivals import Arrivals
from mba_integrations.services.memory.past.beside import Beside, side_by_side
from mba_integrations.services.memory.past.rebuild import rebuild
from mba_integrations.services.memory.past.replays import arm_of_then, replayed
from mba_integrations.services.memory.past.statistics import By, LoggedStatistics
from mba_integrations.services.memory.past.trials import Effect, StarvingTier, effect, starving
from mba_integrations.services.memory.past.views import statistics_of_all
from mba_integrations.services.memory.recalling.arms import Arm
from mba_integrations.services.memory.recalling.request import check_listed
from mba_integrations.services.store.rows.allocations import AllocationRow, FeedbackRow
from mba_integrations.services.store.scopes import Reading, checked_id
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.log import allocations

if TYPE_CHECKING:
    from mba_integrations.services.memory.past.exports.replay_records import Records

_PAGE = 500
MOST_LOOKED_AT = 1_000
"""Rows that one page of a list looks at for those that it wants."""
Place = tuple[datetime, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationPage:
    """Some allocations of a list, without their items.

    Attributes:
        rows: They, the latest first.
        after: What to give to get those that follow; None where none follow.
    """

    rows: tuple[AllocationRow, ...]
    after: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two choices differ.

    Attributes:
        entering: Ids that are in the second alone.
        leaving: Ids that are in the first alone.
        staying: Ids that are in both.
    """

    entering: tuple[str, ...]
    leaving: tuple[str, ...]
    staying: tuple[str, ...]


def difference(first: Iterable[str], second: Iterable[str]) -> Difference:
    """How the second differs from the first, each in its order.

    >>> difference("ab", "bc")
    Difference(entering=('c',), leaving=('a',), staying=('b',))
    """
    before, after = dict.fromkeys(first), dict.fromkeys(second)
    return Difference(
        entering=tuple(one for one in after if one not in before),
        leaving=tuple(one for one in before if one not in after),
        staying=tuple(one for one in before if one in after),
    )


class Allocations:
    """The log of allocations of workspaces."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    def list(
        self,
        workspace_id: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        session_id: str | None = None,
        complexity: QueryComplexity | None = None,
        reason: str | None = None,
        after: Place | None = None,
        limit: int = 100,
    ) -> AllocationPage:
        """A page of past recalls, the latest first.

        Args:
            workspace_id: Of which workspace.
            since: At this time or later.
            until: Before this time.
            session_id: Of this session.
            complexity: Of queries of this complexity.
            reason: Only those that left something out for this reason.
            after: `after` of the page before; None for the first one.
            limit: How many at most, 1 to 500.

        Raises:
            InputError: If *limit* is out of its range.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        check_listed(limit)
        self._equipment.trail.flush()
        found: list[AllocationRow] = []
        size = limit + 1 if complexity is None and reason is None else _PAGE
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            narrowed = partial(_rows, reading, since=since, until=until, session_id=session_id)
            for looked_at, row in enumerate(narrowed(after=after, size=size)):
                if len(found) == limit or looked_at == MOST_LOOKED_AT:
                    return AllocationPage(rows=tuple(found), after=after)
                after = (row.at, row.allocation_id)
                if _is_wanted(row.record, complexity, reason):
                    found.append(row)
        return AllocationPage(rows=tuple(found), after=None)

    def rows(
        self, workspace_id: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[AllocationRow]:
        """All past recalls of a time, the latest first, as they stood when the first is read."""
        self._equipment.trail.flush()
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            yield from _rows(reading, since=since, until=until)

    def rows_with_feedback(
        self, workspace_id: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[tuple[AllocationRow, tuple[FeedbackRow, ...]]]:
        """As `rows`, each with what was said of it, by memory and origin."""
        rows = self.rows(workspace_id, since=since, until=until)
        while page := tuple(islice(rows, _PAGE)):
            with self._equipment.read(workspace_id) as reading:
                said = allocations.feedback_on(reading, [row.allocation_id for row in page])
            yield from ((row, said.get(row.allocation_id, ())) for row in page)

    def replay_records(
        self,
        workspace_id: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        texts: bool = True,
    ) -> Records:
        """Past recalls of a time as records that are replayed without the service.

        They come the oldest first, as they are made; `skipped` of what is given counts those that
        cannot be decided again as they were, by reason.

        Args:
            workspace_id: Of which workspace.
            since: At this time or later.
            until: Before this time.
            texts: Whether they have texts; else numbers alone.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        from mba_integrations.services.memory.past.exports.replay_records import Records

        self._equipment.trail.flush()
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
        return Records(self._equipment, workspace_id, since=since, until=until, texts=texts)

    def get(self, workspace_id: str, allocation_id: str) -> AllocationRow:
        """One past recall with what was decided on memories: the selected, and the best omitted.

        Raises:
            UnknownAllocationError: If there is none of that id.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        checked_id("allocation_id", allocation_id)
        self._equipment.trail.flush()
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return logged(reading, allocation_id)

    def feedback(self, workspace_id: str, allocation_id: str) -> tuple[FeedbackRow, ...]:
        """What was said of one past recall, by memory and origin; of the whole prompt first.

        Raises:
            UnknownAllocationError: If there is none of that id.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        self.get(workspace_id, allocation_id)
        with self._equipment.read(workspace_id) as reading:
            return allocations.feedback_of(reading, allocation_id)

    def arm(self, workspace_id: str, allocation_id: str) -> Arm | None:
        """In which arm of an experiment one past recall was; None where none ran then.

        Raises:
            UnknownAllocationError: If there is none of that id.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        row = self.get(workspace_id, allocation_id)
        return arm_of_then(self._equipment, workspace_id, row)

    def replay(
        self,
        workspace_id: str,
        allocation_id: str,
        *,
        query: str | None = None,
        settings: Mapping[str, Any] | None = None,
        budget_tokens: int | None = None,
    ) -> Allocation:
        """Ask again, of the memories of then, under the settings of then with these changes.

        Filters, tiers, subject, budget and reserved tokens are those of then. What was erased or
        pruned since is not there any more, and pins and metadata are those of now. A vector or a
        layout of the caller's, and the session's earlier prompt, are not followed. Nothing is
        logged.

        Args:
            workspace_id: Of which workspace.
            allocation_id: What is asked again.
            query: The question, where the log has not kept it.
            settings: Settings that differ from those of then.
            budget_tokens: Another budget; that of then by default.

        Raises:
            UnknownAllocationError: If there is none of that id.
            InputError: If the question is needed, or is another one than that of then; or if the
                log has not kept what narrowed the choice.
            InvalidWorkspaceError: If a setting is out of its range.
        """
        row = self.get(workspace_id, allocation_id)
        return replayed(
            self._equipment,
            workspace_id,
            row,
            query=query,
            changes=settings or {},
            budget_tokens=budget_tokens,
        )

    def difference(self, workspace_id: str, first: str, second: str) -> Difference:
        """How the memories in two prompts differ.

        Raises:
            UnknownAllocationError: If there is none of an id.
        """
        return difference(
            selected_ids(self.get(workspace_id, first)),
            selected_ids(self.get(workspace_id, second)),
        )

    def apart(self, workspace_id: str, allocation_id: str, *, query: str | None = None) -> Apart:
        """One past recall taken apart: each memory in or out, and the prompt, asked again.

        Where it cannot be asked again there is only what the log has, and a note says why.

        Args:
            workspace_id: Of which workspace.
            allocation_id: Which recall.
            query: The question, where the log has not kept it.

        Raises:
            UnknownAllocationError: If there is none of that id.
            InputError: If the question is another one than that of then.
        """
        row = self.get(workspace_id, allocation_id)
        return taken_apart(self._equipment, workspace_id, row, query=query)

    def beside(self, workspace_id: str, first: str, second: str) -> Beside:
        """Two past recalls side by side, with what their prompts begin with alike.

        Raises:
            UnknownAllocationError: If there is none of an id.
        """
        rows = self.get(workspace_id, first), self.get(workspace_id, second)
        return side_by_side(self._equipment, workspace_id, *rows)

    def starving(self, workspace_id: str, *, latest: int = 20) -> tuple[StarvingTier, ...]:
        """What 100 more tokens would buy for each tier, the most first.

        The latest recalls are asked again with so many more tokens for one tier alone, under the
        settings of now: one at least, and others until 0.06 seconds have passed. What was found is
        kept while those settings hold, so who asks again has further ones tried.

        Args:
            workspace_id: Of which workspace.
            latest: How many recalls, 1 to 500.

        Raises:
            InputError: If *latest* is out of its range.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        rows = self.list(workspace_id, limit=latest).rows
        return starving(self._equipment, workspace_id, rows)

    def effect(
        self, workspace_id: str, settings: Mapping[str, Any], *, latest: int = 200
    ) -> Effect:
        """What other settings would have done to the latest recalls, before they are saved.

        Each is asked again under the settings of now, and under those with the changes, for 20
        seconds at most. Nothing is logged and nothing changes.

        Args:
            workspace_id: Of which workspace.
            settings: What differs, by name; groups as mappings of what differs.
            latest: How many recalls, 1 to 500.

        Raises:
            InputError: If *latest* is out of its range.
            InvalidWorkspaceError: If a setting is out of its range.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        rows = self.list(workspace_id, limit=latest).rows
        return effect(self._equipment, workspace_id, rows, settings)

    def statistics(
        self,
        workspace_ids: Iterable[str],
        *,
        time_window_hours: float | None = None,
        by: By | str | None = None,
    ) -> LoggedStatistics:
        """Statistics over several workspaces together; see `MemoryService.statistics`.

        Raises:
            InputError: As there.
            UnknownWorkspaceError: If there is no such workspace.
        """
        return statistics_of_all(self._equipment, workspace_ids, time_window_hours, by)

    def arrivals(self, workspace_id: str) -> Arrivals:
        """Tells which recalls are logged from now on, whenever it is asked.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        return Arrivals(self._equipment, workspace_id)

    def rebuild_statistics(self, workspace_id: str) -> int:
        """Add up what the log has and the statistics lack; gives how many hours were looked at.

        Each hour is a write of its own, which other writers get between. A second time changes
        nothing, and what was pruned from the log stays in the statistics.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        self._equipment.trail.flush()
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
        return rebuild(self._equipment, workspace_id)


def selected_ids(row: AllocationRow) -> tuple[str, ...]:
    """Ids of the memories in the prompt, in its order."""
    return tuple(item.memory_id for item in row.items if item.selected)


def logged(reading: Reading, allocation_id: str) -> AllocationRow:
    """One past recall as the log has it.

    Raises:
        UnknownAllocationError: If there is none of that id.
    """
    row = allocations.find(reading, allocation_id)
    if row is None:
        raise UnknownAllocationError(
            f"workspace {reading.workspace_id!r} has no allocation {allocation_id!r} in its log."
        )
    return row


def _rows(
    reading: Reading,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    session_id: str | None = None,
    after: Place | None = None,
    size: int = _PAGE,
) -> Iterator[AllocationRow]:
    """Rows by pages of a size: who wants a few does not have hundreds read."""
    while True:
        page = allocations.listed(
            reading, since=since, until=until, session_id=session_id, after=after, limit=size
        )
        yield from page
        if len(page) < size:
            return
        after = (page[-1].at, page[-1].allocation_id)


def _is_wanted(
    record: Mapping[str, Any], complexity: QueryComplexity | None, reason: str | None
) -> bool:
    right = complexity is None or record["complexity"] == complexity
    return right and (reason is None or bool(record["omission_reasons"].get(reason)))
