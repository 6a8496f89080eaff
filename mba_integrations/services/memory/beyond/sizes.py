"""`Sizes`: which workspaces are too large for a pool.

A workspace has at most as many memories as it had changes, so most are never counted. What was
counted stands until a hundredth of the limit has changed since: counting a million takes a third of
a second.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.rows.workspaces import WorkspaceRow
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import finding

DEFAULT_POOL_MEMORIES = 1_000_000
MOST_CANDIDATES = 20_000
"""From which a choice in a larger workspace is made."""
_MOST_KNOWN = 10_000
_DRIFT = 100


@dataclass(frozen=True, slots=True)
class Size:
    """How large a workspace was.

    Attributes:
        made_at: When the workspace was made: another one of its name is counted anew.
        change_seq: Where its sequence stood.
        active: How many memories could be recalled, by tier.
        total: How many there were in any state.
    """

    made_at: datetime
    change_seq: int
    active: Mapping[MemoryTier, int]
    total: int

    @property
    def count(self) -> int:
        """How many memories could be recalled."""
        return sum(self.active.values())


class Sizes:
    """How large workspaces are, about. Thread-safe.

    Args:
        limit: Memories that a pool may have.
    """

    def __init__(self, limit: int = DEFAULT_POOL_MEMORIES) -> None:
        self.limit = checked_whole("pool_memories", limit, at_least=1)
        self._known: OrderedDict[str, Size] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def candidates(self) -> int:
        """How many candidates a choice is made from, where a pool would be too large."""
        return min(self.limit, MOST_CANDIDATES)

    def beyond(self, reading: Reading, row: WorkspaceRow) -> Size | None:
        """The size of the scope's workspace; None if a pool may hold it."""
        if row.change_seq <= self.limit:
            return None
        with self._lock:
            size = self._known.get(row.workspace_id)
        if size is None or self._is_old(size, row):
            active, total = finding.count(reading), finding.total(reading)
            size = Size(row.created_at, row.change_seq, active, total)
            self._keep(row.workspace_id, size)
        return size if size.count > self.limit else None

    def _is_old(self, size: Size, row: WorkspaceRow) -> bool:
        since = row.change_seq - size.change_seq
        return size.made_at != row.created_at or since > self.limit // _DRIFT

    def _keep(self, workspace_id: str, size: Size) -> None:
        with self._lock:
            self._known[workspace_id] = size
            self._known.move_to_end(workspace_id)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
