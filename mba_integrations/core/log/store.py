"""Where an allocator's records are kept: the protocol of a store, and the one in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Protocol

from mba_integrations.core.config.settings import LoggingSettings
from mba_integrations.core.live import LiveHandle
from mba_integrations.core.log.log import AllocationLog
from mba_integrations.core.log.records import LogRecord


class LogStore(Protocol):
    """Keeps log records. It does not decide what a record says, nor what is made of the records.

    1. `record` is called only where logging is on, and its record has texts only where they may be
       logged. `settings` are the workspace's of this moment: `max_records` and `path` say how many
       to keep and where else to write, as far as the store can.
    2. `record` does not raise because of what lies outside, such as a full disk: it returns a
       sentence, which the call gives its caller as a note, or None if all went well.
    3. `records` gives every record that is kept, of all workspaces, equal to what was recorded;
       records of a workspace in the order in which they came.
    4. Both may be called from several threads at once, and by several allocators.

    A store of another process can keep `record.to_dict()` and give `record_from_dict` of it.
    """

    def record(self, record: LogRecord, settings: LoggingSettings, /) -> str | None: ...

    def records(self) -> Iterable[LogRecord]: ...


class LogMemory(LiveHandle):
    """A `LogStore` in memory: a log for each workspace, with that workspace's settings.

    A workspace whose settings change gets a new log that takes over the old records. Thread-safe.
    """

    _holds = "the records that it keeps"
    _instead = (
        "Pickle its records(), give logging.path for a file that several processes write, or "
        "give their allocators a LogStore of your own that they share."
    )

    def __init__(self) -> None:
        self._logs: dict[str, AllocationLog] = {}
        self._lock = threading.Lock()

    def record(self, record: LogRecord, settings: LoggingSettings, /) -> str | None:
        """Keep a record; a note if the log file could not be written."""
        return self._log(record.workspace_id, settings).record(record)

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
                log = AllocationLog(settings)
                log.take_over(kept)
                self._logs[workspace_id] = log
            return log
