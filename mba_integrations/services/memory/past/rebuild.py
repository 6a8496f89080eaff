"""Statistics made anew from the log, hour by hour."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.store.rows.rollups import Span, floor
from mba_integrations.services.store.statements.log import rebuilding


def rebuild(equipment: Equipment, workspace_id: str) -> int:
    """Rebuild; see `Allocations.rebuild_statistics`."""
    hours = 0
    at = _next(equipment, workspace_id, None)
    while at is not None:
        hour = floor(at, Span.HOUR)
        equipment.write(workspace_id, partial(rebuilding.rebuild_hour, hour=hour))
        hours += 1
        at = _next(equipment, workspace_id, hour + Span.HOUR.length)
        day = floor(hour, Span.DAY)
        if at is None or floor(at, Span.DAY) != day:
            equipment.write(workspace_id, partial(rebuilding.rebuild_day, day=day))
    return hours


def _next(equipment: Equipment, workspace_id: str, since: datetime | None) -> datetime | None:
    with equipment.read(workspace_id) as reading:
        return rebuilding.next_logged(reading, since)
