"""Which recalls were logged since one last looked."""

from __future__ import annotations

from datetime import datetime, timedelta

from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.store.statements.log import allocations

LATE = timedelta(seconds=10)
"""So much later than its time a recall may be written: rows come by batches, of many processes."""


class Arrivals:
    """Told by the log, each recall once; what was logged before it was made is none.

    Args:
        equipment: What reads.
        workspace_id: Of which workspace.
    """

    def __init__(self, equipment: Equipment, workspace_id: str) -> None:
        self._equipment = equipment
        self._workspace_id = workspace_id
        self._seen: dict[str, datetime] = {}
        self._since = equipment.clock() - LATE
        self.new()

    def new(self) -> tuple[tuple[str, datetime], ...]:
        """Ids and times of those that came, the first one first; of more than 500 the latest."""
        with self._equipment.read(self._workspace_id) as reading:
            found = allocations.logged_since(reading, self._since)
        came = [one for one in reversed(found) if one[0] not in self._seen]
        self._seen.update(came)
        self._since = max([self._since, *(at - LATE for _, at in came)])
        self._seen = {one: at for one, at in self._seen.items() if at >= self._since}
        return tuple(came)
