"""The allocator's logs: one for each workspace, with that workspace's logging settings.

Thread-safe. A workspace whose settings change gets a new log that takes over the old records.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from mba_integrations.core.config.settings import LoggingSettings
from mba_integrations.core.log.file import export_records
from mba_integrations.core.log.log import (
    AllocationLog,
    AllocationRecord,
    AllocationStatistics,
    LogRecord,
    TierRecord,
    recent_statistics,
)
from mba_integrations.core.result.allocation import Allocation


class AllocationLogs:
    """Logs by workspace.

    Args:
        clock: The present, with a time zone.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._logs: dict[str, AllocationLog] = {}
        self._lock = threading.Lock()

    def record(self, allocation: Allocation, settings: LoggingSettings) -> Allocation:
        """Record an allocation; returns it with a note if a log file could not be written."""
        if not settings.enabled:
            return allocation
        log = self._log(allocation.workspace_id, settings)
        note = log.record(_record(allocation, self._clock(), include_text=settings.include_text))
        return allocation if note is None else replace(allocation, notes=(*allocation.notes, note))

    def record_moves(
        self, workspace_id: str, settings: LoggingSettings, *, promoted: int, demoted: int
    ) -> None:
        """Record how many moves a review recommended."""
        if settings.enabled and promoted + demoted:
            log = self._log(workspace_id, settings)
            log.record_moves(workspace_id, promoted=promoted, demoted=demoted)

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
            InputError: If the file cannot be written.
        """
        export_records(self.records(), path, exported_at=self._clock())

    def records(self) -> tuple[LogRecord, ...]:
        """The kept records of all workspaces, oldest first."""
        with self._lock:
            logs = tuple(self._logs.values())
        kept = [record for log in logs for record in log.records()]
        return tuple(sorted(kept, key=lambda record: record.time))

    def _log(self, workspace_id: str, settings: LoggingSettings) -> AllocationLog:
        with self._lock:
            log = self._logs.get(workspace_id)
            if log is None or log.settings != settings:
                kept = log.records() if log else ()
                log = AllocationLog(settings, clock=self._clock)
                log.take_over(kept)
                self._logs[workspace_id] = log
            return log


def _record(allocation: Allocation, now: datetime, *, include_text: bool) -> AllocationRecord:
    tiers = {
        tier: TierRecord(
            budget_tokens=usage.budget_tokens,
            used_tokens=usage.used_tokens,
            selected=usage.selected_count,
            omitted=usage.omitted_count,
        )
        for tier, usage in allocation.tiers.items()
    }
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
        omission_reasons={
            reason.value: count for reason, count in allocation.omission_counts().items()
        },
        selected_count=sum(usage.selected_count for usage in allocation.tiers.values()),
        counter_id=allocation.counter_id,
        exact=allocation.exact,
        notes=allocation.notes,
        query=allocation.query if include_text else None,
        texts=texts,
    )
