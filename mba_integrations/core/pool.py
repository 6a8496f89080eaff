"""`MemoryPool`: memories kept as columns, prepared once and used by every query.

A pool may be changed and read by many threads. A query works on the snapshot of the moment it
began; a change makes the next query build a new one, from what the last one had.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator

from mba_integrations.core.errors import DuplicateItemError, PoolError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool_file import load_items, save_items
from mba_integrations.core.snapshot import PoolSnapshot


class MemoryPool:
    """An ordered collection of memory items with unique ids.

    >>> pool = MemoryPool.from_items([MemoryItem("a", "Kate likes skiing.", "project")])
    >>> pool.add(MemoryItem("b", "Kate lives in Oslo.", "project"))
    >>> len(pool), "b" in pool
    (2, True)
    """

    def __init__(self) -> None:
        self._items: dict[str, MemoryItem] = {}
        self._snapshot: PoolSnapshot | None = None
        self._lock = threading.RLock()

    @classmethod
    def from_items(cls, items: Iterable[MemoryItem]) -> MemoryPool:
        """A pool of the items, in their order.

        Raises:
            DuplicateItemError: If two items share an id.
        """
        pool = cls()
        snapshot = PoolSnapshot(tuple(items))
        pool._items = {item.id: item for item in snapshot.items}
        pool._snapshot = snapshot
        return pool

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> MemoryPool:
        """A pool that `save` wrote; its embeddings stay memory-mapped.

        Raises:
            PoolError: If the folder is not a saved pool, is damaged, or is of a newer version.
        """
        return cls.from_items(load_items(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the pool to a folder, in place of a pool that is there; a crash leaves one whole.

        Raises:
            PoolError: If metadata is not JSON, or the folder cannot be written.
        """
        save_items(self.items, path)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._items

    def __iter__(self) -> Iterator[MemoryItem]:
        return iter(self.items)

    @property
    def items(self) -> tuple[MemoryItem, ...]:
        """The items of this moment, in order."""
        with self._lock:
            return tuple(self._items.values())

    def get(self, item_id: str) -> MemoryItem:
        """The item of that id.

        Raises:
            PoolError: If the pool has none.
        """
        with self._lock:
            self._require(item_id)
            return self._items[item_id]

    def add(self, *items: MemoryItem) -> None:
        """Append items.

        Raises:
            DuplicateItemError: If an id is in the pool already; then nothing is added.
        """
        with self._lock:
            added: dict[str, MemoryItem] = {}
            for item in items:
                if item.id in self._items or item.id in added:
                    raise DuplicateItemError(
                        f"the pool has an item {item.id!r} already. Use update to replace it.",
                        item_id=item.id,
                    )
                added[item.id] = item
            self._items |= added
            self._snapshot = None

    def update(self, *items: MemoryItem) -> None:
        """Replace items of the same ids; they keep their places.

        Raises:
            PoolError: If the pool has no item of an id; then nothing is replaced.
        """
        with self._lock:
            for item in items:
                self._require(item.id)
            self._items |= {item.id: item for item in items}
            self._snapshot = None

    def remove(self, *item_ids: str) -> None:
        """Take items out.

        Raises:
            PoolError: If the pool has no item of an id; then nothing is removed.
        """
        with self._lock:
            for item_id in item_ids:
                self._require(item_id)
            for item_id in dict.fromkeys(item_ids):
                del self._items[item_id]
            self._snapshot = None

    def snapshot(self) -> PoolSnapshot:
        """The items of this moment as columns."""
        with self._lock:
            if self._snapshot is None:
                self._snapshot = PoolSnapshot(tuple(self._items.values()))
            return self._snapshot

    def _require(self, item_id: str) -> None:
        if item_id not in self._items:
            held = f"{len(self._items):,} items"
            raise PoolError(f"the pool has no item {item_id!r}; it holds {held}.")
