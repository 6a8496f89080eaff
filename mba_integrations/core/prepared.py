"""Snapshots of the lists that were handed in lately, so that the next call finds them prepared.

A list counts as the same if it holds the same item objects in the same order. Items cannot
change, so a hit is never stale. Bounded; the list that was unused for longest goes first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from mba_integrations.core.model import MemoryItem
from mba_integrations.core.snapshot import PoolSnapshot


class PreparedPools:
    """Least-recently-used cache from lists of items to snapshots. Thread-safe."""

    def __init__(self) -> None:
        self._snapshots: OrderedDict[tuple[int, ...], PoolSnapshot] = OrderedDict()
        self._lock = threading.Lock()

    def snapshot(self, items: Sequence[MemoryItem], *, capacity: int) -> PoolSnapshot:
        """The snapshot of the items; made now if it is not kept.

        Args:
            items: Any items; the snapshot holds them, so their identities stay theirs.
            capacity: How many lists to keep; 0 keeps none.
        """
        key = tuple(map(id, items))
        with self._lock:
            known = self._snapshots.get(key)
            if known is not None:
                self._snapshots.move_to_end(key)
                return known
        snapshot = PoolSnapshot(items, lazy=True)
        with self._lock:
            if capacity:
                self._snapshots[key] = snapshot
            while len(self._snapshots) > capacity:
                self._snapshots.popitem(last=False)
        return snapshot
