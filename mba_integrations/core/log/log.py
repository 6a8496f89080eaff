"""`AllocationLog`: keep the latest records in memory and, if asked, append them to a file.

Many threads may use one log. At most `max_records` are kept, the oldest go first. A file that
cannot be written never fails a call: the caller is told, and the record stays in memory. Texts are
kept only if the settings say so.

Building a record from an allocation is left to the allocator.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from mba_integrations.core.config.settings import LoggingSettings
from mba_integrations.core.errors import InputError
from mba_integrations.core.log.file import (
    LineProblem,
    LogFile,
    append_record,
    export_records,
    read_log_file,
    unwritable_note,
)
from mba_integrations.core.log.records import (
    SCHEMA_VERSION,
    AllocationRecord,
    LogRecord,
    MovesRecord,
    TierRecord,
    record_from_dict,
)
from mba_integrations.core.log.statistics import (
    AllocationStatistics,
    TierStatistics,
    choose_records,
    statistics,
)

__all__ = [
    "SCHEMA_VERSION",
    "AllocationLog",
    "AllocationRecord",
    "AllocationStatistics",
    "LineProblem",
    "LogFile",
    "LogRecord",
    "MovesRecord",
    "TierRecord",
    "TierStatistics",
    "read_log_file",
    "recent_statistics",
    "record_from_dict",
    "statistics",
    "window",
]

LONGEST_WINDOW_HOURS = 1_000_000
"""About 114 years, which the calendar can be set back by."""


class AllocationLog:
    """The records of one set of logging settings.

    Args:
        settings: Whether, how many, where to, and whether with texts.
        clock: The present, with a time zone; used for moves, windows and exports.
    """

    def __init__(self, settings: LoggingSettings, *, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self._clock = clock
        self._records: deque[LogRecord] = deque(maxlen=settings.max_records)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._records)

    def record(self, record: AllocationRecord) -> str | None:
        """Keep a record; nothing happens if logging is off.

        Returns:
            A note for the caller if the file could not be written, else None.
        """
        if not self.settings.include_text and (record.query, record.texts) != (None, None):
            record = replace(record, query=None, texts=None)
        return self._keep(record)

    def take_over(self, records: Iterable[LogRecord]) -> None:
        """Keep records of an earlier log, without appending them to a file."""
        with self._lock:
            self._records.extend(records)

    def record_moves(self, workspace_id: str, *, promoted: int, demoted: int) -> str | None:
        """Keep how many moves a review recommended, at the present time; returns as `record`."""
        timestamp = self._clock().isoformat()
        return self._keep(
            MovesRecord(
                timestamp=timestamp,
                workspace_id=workspace_id,
                promoted=promoted,
                demoted=demoted,
            )
        )

    def records(
        self, workspace_id: str | None = None, since: datetime | None = None
    ) -> tuple[LogRecord, ...]:
        """The kept records, oldest first: of one workspace or all, from *since* on or all.

        Raises:
            InputError: If *since* has no time zone.
        """
        with self._lock:
            kept = tuple(self._records)
        return choose_records(kept, workspace_id=workspace_id, since=since)

    def statistics(
        self, workspace_id: str | None = None, time_window_hours: float | None = None
    ) -> AllocationStatistics:
        """Statistics of the kept records of the last hours, or of all.

        Raises:
            InputError: If the window is not a positive number of hours.
        """
        return recent_statistics(self.records(), workspace_id, time_window_hours, now=self._clock())

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write the kept records to a versioned JSON file; a crash leaves an old file whole.

        Raises:
            InputError: If the file cannot be written.
        """
        export_records(self.records(), path, exported_at=self._clock())

    def _keep(self, record: LogRecord) -> str | None:
        if not self.settings.enabled:
            return None
        with self._lock:
            self._records.append(record)
        if self.settings.path is None:
            return None
        try:
            append_record(self.settings.path, record)
        except (OSError, ValueError) as error:  # a ValueError is a path that cannot be encoded
            return unwritable_note(self.settings.path, error)
        return None


def recent_statistics(
    records: Iterable[LogRecord],
    workspace_id: str | None,
    time_window_hours: float | None,
    *,
    now: datetime,
) -> AllocationStatistics:
    """Statistics of the records of one workspace or all, of the hours before *now* or of all.

    Raises:
        InputError: If the window is not a positive number of hours.
    """
    since = None if time_window_hours is None else now - window(time_window_hours)
    return statistics(records, workspace_id=workspace_id, since=since)


def window(hours: float) -> timedelta:
    """A time span of that many hours.

    Raises:
        InputError: If it is not positive, or longer than `LONGEST_WINDOW_HOURS`.

    >>> window(1.5)
    datetime.timedelta(seconds=5400)
    """
    if not hours > 0:
        raise InputError(f"time_window_hours must be positive, got {hours!r}.")
    if hours > LONGEST_WINDOW_HOURS:
        raise InputError(
            f"time_window_hours is {hours!r}, more than {LONGEST_WINDOW_HOURS:,}. "
            "Use None for all records."
        )
    return timedelta(hours=hours)
