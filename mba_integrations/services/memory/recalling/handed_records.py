"""`HandedRecords`: the record of an allocation, on its way from the allocator to its caller."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from mba_integrations.core.config.settings import LoggingSettings
from mba_integrations.core.log.records import AllocationRecord, LogRecord


class HandedRecords:
    """A `LogStore` that keeps the last record of each thread until it is taken.

    The allocator decides whether a call is logged and whether with texts; what it does not know,
    the session and the place in the sequence, is added by the recall that takes the record.
    """

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def record(self, record: LogRecord, settings: LoggingSettings, /) -> str | None:
        """Keep a record for this thread."""
        self._of_thread.record = record
        return None

    def records(self) -> Iterable[LogRecord]:
        """None: the store has the log."""
        return ()

    def take(self) -> AllocationRecord | None:
        """The record of this thread's last call; None if it was not logged."""
        record = getattr(self._of_thread, "record", None)
        self._of_thread.record = None
        return record if isinstance(record, AllocationRecord) else None
