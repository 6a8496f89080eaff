"""`AllocationLog`: the latest records of one set of logging settings, and their file.

Many threads may use one log. At most `max_records` are kept, the oldest go first. A file that
cannot be written never fails a call: the caller is told, and the record stays in memory. Texts are
kept only if the settings say so.

Which workspace has which log is left to `store`; statistics and exports to whoever has the records.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mba_integrations.core.config.settings import LoggingSettings
from mba_integrations.core.log.file import LOCK_SECONDS, append_record, unwritable_note
from mba_integrations.core.log.records import AllocationRecord, LogRecord
from mba_integrations.core.log.statistics import choose_records


class AllocationLog:
    """The records of one set of logging settings.

    Args:
        settings: Whether, how many, where to, and whether with texts.
    """

    def __init__(self, settings: LoggingSettings) -> None:
        self.settings = settings
        self._records: deque[LogRecord] = deque(maxlen=settings.max_records)
        self._lock = threading.Lock()
        self._patience_seconds = LOCK_SECONDS

    def __len__(self) -> int:
        return len(self._records)

    def record(self, record: LogRecord) -> str | None:
        """Keep a record; nothing happens if logging is off.

        Returns:
            A note for the caller if the file could not be written, else None.
        """
        if not self.settings.enabled:
            return None
        if not self.settings.include_text:
            record = _without_texts(record)
        with self._lock:
            self._records.append(record)
        return self._append(record)

    def take_over(self, records: Iterable[LogRecord]) -> None:
        """Keep records of an earlier log, without appending them to a file."""
        with self._lock:
            self._records.extend(records)

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

    def _append(self, record: LogRecord) -> str | None:
        if self.settings.path is None:
            return None
        try:
            append_record(self.settings.path, record, patience_seconds=self._patience_seconds)
        except OSError as error:
            # Who holds the lock for ever must not delay every call: the next ones try once.
            self._patience_seconds = 0.0
            return unwritable_note(self.settings.path, error)
        self._patience_seconds = LOCK_SECONDS
        return None


def _without_texts(record: LogRecord) -> LogRecord:
    if isinstance(record, AllocationRecord) and (record.query, record.texts) != (None, None):
        return replace(record, query=None, texts=None)
    return record
