"""Snapshots of the lists that were handed in lately, so that the next call finds them prepared.

A list of the same item objects in the same order is found at once. A list of other objects is
compared with the kept one that it is most like: what is equal to an item there, or has its text, is
carried over, so a list that is made anew for each call, or that grows, is prepared once. Items
cannot change, so nothing is stale. Bounded; the list that was unused for longest goes first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.rows.row_map import RowMap

_SAMPLE = 16
_LEAST_KNOWN = 0.5  # with fewer items in common a list is prepared anew
_MOST_LEFT_OUT = 2  # times as many items as the list has; from a larger one little is carried over


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
            kept = list(self._snapshots.values())[::-1]
        snapshot = _derived(kept, items) or PoolSnapshot(items, lazy=True)
        with self._lock:
            if capacity:
                self._snapshots[key] = snapshot
            while len(self._snapshots) > capacity:
                self._snapshots.popitem(last=False)
        return snapshot


def _derived(kept: Sequence[PoolSnapshot], items: Sequence[MemoryItem]) -> PoolSnapshot | None:
    """The snapshot of the items, made from the kept one that they are most like; None if none is.

    None as well for items that cannot be prepared, which is refused where they are prepared anew.
    """
    if not items or not kept:
        return None
    ids = {item.id for item in items if isinstance(item, MemoryItem)}
    if len(ids) < len(items):
        return None
    known = [(_likeness(snapshot, items), -place) for place, snapshot in enumerate(kept)]
    likeness, place = max(known, default=(0.0, 0))
    if likeness < _LEAST_KNOWN:
        return None
    before = kept[-place]
    origin = _origin(before, items)
    rows = np.flatnonzero(origin >= 0).tolist()
    earlier = list(before.items)
    replaced = [row for row in rows if earlier[origin[row]] is not items[row]]
    if not replaced and len(rows) == len(before) and (origin[: len(rows)] == rows).all():
        return before.appended(items[len(rows) :])
    return before.changed(items, RowMap.of(origin, len(before)), replaced=replaced)


def _likeness(snapshot: PoolSnapshot, items: Sequence[MemoryItem]) -> float:
    """Share of a few of the items whose id, or else text, the snapshot has."""
    if len(snapshot) > _MOST_LEFT_OUT * len(items) + _SAMPLE:
        return 0.0
    sample = [items[row] for row in range(0, len(items), max(1, len(items) // _SAMPLE))]
    by_id = sum(snapshot.ids.get(item.id) is not None for item in sample)
    if by_id >= _LEAST_KNOWN * len(sample):
        return by_id / len(sample)
    texts = {item.content for item in sample}
    return sum(text in texts for text in set(snapshot.texts)) / len(sample)


def _origin(before: PoolSnapshot, items: Sequence[MemoryItem]) -> IntArray:
    """Row of the same id, else of the same text, in the earlier list; -1 for neither."""
    origin = np.full(len(items), -1, dtype=np.int64)
    same = 0
    for old, new in zip(before.items, items, strict=False):
        if old is not new and old.id != new.id:
            break
        same += 1
    origin[:same] = np.arange(same)
    for row in range(same, len(items)):
        found = before.ids.get(items[row].id)
        origin[row] = -1 if found is None else found
    free = set(range(len(before))).difference(origin.tolist())
    unknown = np.flatnonzero(origin < 0).tolist()
    if free and unknown:
        texts = list(before.texts)
        rows_of_texts = {texts[row]: row for row in sorted(free, reverse=True)}
        for row in unknown:
            origin[row] = rows_of_texts.pop(items[row].content, -1)
    return origin
