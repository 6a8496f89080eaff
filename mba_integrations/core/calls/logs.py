"""The allocator's log: what is recorded of its calls, and what the records say.

Where the records are kept is the store's business; whether there are any, and whether they have
texts, is decided here, so that no store sees more than it may.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

from mba_integrations.core.arguments import check_methods
from mba_integrations.core.config.settings import LoggingSettings
from mba_integrations.core.log.file import export_records
from mba_integrations.core.log.records import AllocationRecord, LogRecord, MovesRecord, TierRecord
from mba_integrations.core.log.statistics import AllocationStatistics, recent_statistics
from mba_integrations.core.log.store import LogStore
from mba_integrations.core.result.allocation import Allocation


class AllocationLogs:
    """Records of allocations and reviews, in a store.

    Args:
        store: Where they are kept.
        clock: The present, with a time zone.

    Raises:
        InputError: If *store* is none.
    """

    def __init__(self, store: LogStore, clock: Callable[[], datetime]) -> None:
        check_methods("logs", store, "a LogStore", ("record", "records"))
        self._store = store
        self._clock = clock

    def record(self, allocation: Allocation, settings: LoggingSettings) -> Allocation:
        """Record an allocation; returns it with a note if the store has one."""
        if not settings.enabled:
            return allocation
        record = record_of(allocation, self._clock(), include_text=settings.include_text)
        note = self._store.record(record, settings)
        return allocation if note is None else allocation.with_note(note)

    def record_moves(
        self, workspace_id: str, settings: LoggingSettings, *, promoted: int, demoted: int
    ) -> None:
        """Record how many moves a review recommended, if any."""
        if settings.enabled and promoted + demoted:
            timestamp = self._clock().isoformat()
            record = MovesRecord(
                timestamp=timestamp, workspace_id=workspace_id, promoted=promoted, demoted=demoted
            )
            self._store.record(record, settings)

    def statistics(
        self, workspace_id: str | None, time_window_hours: float | None
    ) -> AllocationStatistics:
        """Statistics of one workspace or all, of the last hours or all.

        Raises:
            InputError: If the window is not a positive number of hours.
        """
        return recent_statistics(self.records(), workspace_id, time_window_hours, now=self._clock())

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write all records to a versioned JSON file; a crash leaves an old file whole.

        Raises:
            InputError: If the file cannot be written, or *path* is none.
        """
        export_records(self.records(), path, exported_at=self._clock())

    def records(self) -> tuple[LogRecord, ...]:
        """The kept records of all workspaces, oldest first."""
        return tuple(sorted(self._store.records(), key=lambda record: record.time))


def record_of(allocation: Allocation, now: datetime, *, include_text: bool) -> AllocationRecord:
    """What the log keeps of an allocation; the query and the selected texts only if asked for."""
    tiers = {
        tier: TierRecord(
            budget_tokens=usage.budget_tokens,
            used_tokens=usage.used_tokens,
            selected=usage.selected_count,
            omitted=usage.omitted_count,
        )
        for tier, usage in allocation.tiers.items()
    }
    omissions = allocation.omission_counts().items()
    texts = tuple(entry.content for entry in allocation.selected) if include_text else None
    return AllocationRecord(
        timestamp=now.isoformat(),
        workspace_id=allocation.workspace_id,
        complexity=allocation.complexity,
        budget_tokens=allocation.budget_tokens,
        used_tokens=allocation.used_tokens,
        value=allocation.value,
        upper_bound=allocation.upper_bound,
        duration_ms=allocation.duration_ms,
        tiers=tiers,
        omission_reasons={reason.value: count for reason, count in omissions},
        selected_count=sum(tier.selected for tier in tiers.values()),
        counter_id=allocation.counter_id,
        exact=allocation.exact,
        notes=allocation.notes,
        query=allocation.query if include_text else None,
        texts=texts,
    )
