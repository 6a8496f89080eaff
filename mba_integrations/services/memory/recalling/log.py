"""What the log of a workspace says: its records, read page by page, and their statistics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mba_integrations.core.log.records import LogRecord, record_from_dict
from mba_integrations.core.log.statistics import AllocationStatistics, statistics, window
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import allocations, workspaces

_PAGE = 500


def log_statistics(
    equipment: Equipment, workspace_id: str, hours: float | None
) -> AllocationStatistics:
    """Statistics of the last hours, or of all that is in the log. O(n) rows."""
    since = None if hours is None else equipment.clock() - window(hours)
    equipment.trail.flush()
    with equipment.read(workspace_id) as reading:
        workspaces.get(reading)
        return statistics(_records(reading, since), workspace_id=workspace_id, since=since)


def _records(reading: Reading, since: datetime | None) -> Iterator[LogRecord]:
    after = None
    while True:
        rows = allocations.listed(reading, since=since, after=after, limit=_PAGE)
        yield from (record_from_dict(row.record) for row in rows)
        if len(rows) < _PAGE:
            return
        after = (rows[-1].at, rows[-1].allocation_id)
