"""`MemoryPool`: memories kept as columns, prepared once and used by every query.

A pool may be changed and read by many threads. A query works on the snapshot of the moment it
began; after changes the next query makes a new one from the last: only what changed is counted,
indexed and embedded. An act that is interrupted, as by Ctrl-C, is done whole or not at all.

Embeddings that only their item holds are moved into one array, which the pool's columns share, as
the pool first prepares its items. It does so on copies of its own: what was handed in stays as it
is, and once the caller lets go of it each vector is held once.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from mba_integrations.core.arguments import checked_iterable, checked_path, shown
from mba_integrations.core.errors import DuplicateItemError, InputError, PoolError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.saved import load_snapshot, save_snapshot
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.rows.row_map import RowMap


@dataclass(slots=True)
class _Changes:
    """What was done since the last snapshot.

    Attributes:
        added: How many items at the end are new.
        replaced: Ids whose item is another one.
        removed: Ids of the snapshot that went, with their rows; one may be among the added again.
    """

    added: int = 0
    replaced: dict[str, None] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)


class MemoryPool:
    """An ordered collection of memory items with unique ids.

    >>> pool = MemoryPool.from_items([MemoryItem("a", "Kate likes skiing.", "project")])
    >>> pool.add(MemoryItem("b", "Kate lives in Oslo.", "project"))
    >>> len(pool), "b" in pool
    (2, True)
    """

    def __init__(self) -> None:
        self._items: dict[str, MemoryItem] = {}
        # The latest snapshot and what was done since, in one value: they never disagree.
        self._prepared = (PoolSnapshot(()), _Changes())
        # Whether an act was begun and not ended. Items change in one step; what was noted of the
        # change may then be half written, and the items are compared with the snapshot instead.
        self._torn = False
        self._lock = threading.RLock()

    @classmethod
    def from_items(cls, items: Iterable[MemoryItem]) -> MemoryPool:
        """A pool of the items, in their order.

        Raises:
            DuplicateItemError: If two items share an id.
            InputError: If it is no sequence of items.
        """
        checked_iterable("items", items, "a sequence of MemoryItem")
        return cls._of(PoolSnapshot(_with_one_array(list(items))))

    @classmethod
    def _of(cls, snapshot: PoolSnapshot) -> MemoryPool:
        pool = cls()
        pool._items = {item.id: item for item in snapshot.items}
        pool._prepared = (snapshot, _Changes())
        return pool

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> MemoryPool:
        """A pool that `save` wrote; its embeddings and prepared columns stay memory-mapped.

        Raises:
            PoolError: If the folder is not a saved pool, is damaged, or is of a newer version.
            InputError: If *path* is none.
        """
        return cls._of(load_snapshot(checked_path("path", path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the pool to a folder, in place of a pool that is there; a crash leaves one whole.

        Token counts and the index of words are written as well where a query has made them, so
        that a loaded pool need not make them again.

        Raises:
            PoolError: If metadata is not JSON, or the folder cannot be written.
            InputError: If *path* is none.
        """
        save_snapshot(self.snapshot(), checked_path("path", path))

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, here or in another process, has the items of this moment and prepares them anew.

        `save` and `load` keep what is prepared as well.
        """
        return type(self).from_items, (self.items,)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item_id: object) -> bool:
        return isinstance(item_id, str) and item_id in self._items

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

    def subset(self, item_ids: Iterable[str]) -> MemoryPool:
        """A pool of its own with some of the items, in this pool's order; O(n) copies of columns.

        What is prepared here is carried over, so its first query counts and indexes nothing anew.

        Raises:
            PoolError: If the pool has no item of an id.
            InputError: If it is no sequence of ids.

        >>> pool = MemoryPool.from_items([MemoryItem(name, name, "rag") for name in "abc"])
        >>> [item.id for item in pool.subset(["c", "a"])]
        ['a', 'c']
        """
        checked_iterable("item_ids", item_ids, "a sequence of ids")
        snapshot = self.snapshot()
        rows = {item_id: snapshot.ids.get(item_id) for item_id in item_ids}
        for item_id, row in rows.items():
            if row is None:
                raise PoolError(f"the pool has no item {shown(item_id)}.")
        origin = np.array(sorted(row for row in rows.values() if row is not None), dtype=np.int64)
        kept = RowMap.of(origin, len(snapshot))
        return self._of(snapshot.changed(snapshot.items.take(origin), kept, replaced=()))

    def add(self, *items: MemoryItem) -> None:
        """Append items.

        Raises:
            DuplicateItemError: If an id is in the pool already; then nothing is added.
        """
        with self._lock:
            added: dict[str, MemoryItem] = {}
            for item in items:
                _check_kind(item)
                if item.id in self._items or item.id in added:
                    raise DuplicateItemError(
                        f"the pool has an item {item.id!r} already. Use update to replace it.",
                        item_id=item.id,
                    )
                added[item.id] = item
            self._torn = True
            self._items.update(added)
            self._prepared[1].added += len(added)
            self._torn = False

    def update(self, *items: MemoryItem) -> None:
        """Replace items of the same ids; they keep their places.

        Raises:
            PoolError: If the pool has no item of an id; then nothing is replaced.
        """
        with self._lock:
            for item in items:
                _check_kind(item)
                self._require(item.id)
            replaced = {item.id: item for item in items}
            self._torn = True
            self._items.update(replaced)
            self._prepared[1].replaced |= dict.fromkeys(replaced)
            self._torn = False

    def remove(self, *item_ids: str) -> None:
        """Take items out.

        Raises:
            PoolError: If the pool has no item of an id; then nothing is removed.
        """
        with self._lock:
            for item_id in item_ids:
                self._require(item_id)
            gone = dict.fromkeys(item_ids)
            self._torn = True
            if len(gone) == 1:
                del self._items[item_ids[0]]
            else:
                kept = {key: item for key, item in self._items.items() if key not in gone}
                self._items = kept
            for item_id in gone:
                self._note_removed(item_id)
            self._torn = False

    def _note_removed(self, item_id: str) -> None:
        snapshot, changes = self._prepared
        changes.replaced.pop(item_id, None)
        row = None if item_id in changes.removed else snapshot.ids.get(item_id)
        if row is None:
            changes.added -= 1
        else:
            changes.removed[item_id] = row

    def snapshot(self) -> PoolSnapshot:
        """The items of this moment as columns."""
        with self._lock:
            snapshot, changes = self._prepared
            if self._torn:
                snapshot = self._compared()
            elif changes.removed or changes.replaced:
                snapshot = self._rearranged()
            elif changes.added and not len(snapshot):
                snapshot = PoolSnapshot(_with_one_array(list(self._items.values())))
                self._items.update({item.id: item for item in snapshot.items})
            elif changes.added:
                latest = islice(reversed(self._items.values()), changes.added)
                snapshot = snapshot.appended([*latest][::-1])
            else:
                return snapshot
            self._prepared = (snapshot, _Changes())
            self._torn = False
            return snapshot

    def _rearranged(self) -> PoolSnapshot:
        before, changes = self._prepared
        kept = np.delete(np.arange(len(before)), list(changes.removed.values()))
        origin = np.append(kept, np.full(changes.added, -1))
        stayed = (item_id for item_id in changes.replaced if item_id not in changes.removed)
        found = map(before.ids.get, stayed)
        replaced = np.searchsorted(kept, sorted(row for row in found if row is not None))
        rows = RowMap.of(origin, len(before))
        return before.changed(self._items.values(), rows, replaced=replaced.tolist())

    def _compared(self) -> PoolSnapshot:
        """The snapshot of the items, whatever was done since the last one; O(n) comparisons."""
        before, _ = self._prepared
        items = list(self._items.values())
        found = [before.ids.get(item.id) for item in items]
        replaced = [
            row
            for row, place in enumerate(found)
            if place is not None and before.items[place] is not items[row]
        ]
        origin = np.array([-1 if place is None else place for place in found], dtype=np.int64)
        return before.changed(items, RowMap.of(origin, len(before)), replaced=replaced)

    def _require(self, item_id: str) -> None:
        if not isinstance(item_id, str) or item_id not in self._items:
            held = f"{len(self._items):,} items"
            raise PoolError(f"the pool has no item {shown(item_id)}; it holds {held}.")


def _with_one_array(items: list[MemoryItem]) -> list[MemoryItem]:
    """The items; those whose embedding only they hold as copies with rows of one array."""
    vectors = [
        (row, item.embedding)
        for row, item in enumerate(items)
        # A view shares an array already. What is no item is refused where columns are made.
        if isinstance(item, MemoryItem)
        and item.embedding is not None
        and item.embedding.base is None
    ]
    if not vectors:
        return items
    # An odd vector among them, as of another model, stays with its item.
    length = Counter(len(vector) for _, vector in vectors).most_common(1)[0][0]
    alike = [(row, vector) for row, vector in vectors if len(vector) == length]
    matrix = np.stack([vector for _, vector in alike])
    matrix.flags.writeable = False
    own = list(items)
    for (row, _), vector in zip(alike, matrix, strict=True):
        own[row] = replace(items[row], embedding=vector)
    return own


def _check_kind(item: object) -> None:
    if not isinstance(item, MemoryItem):
        raise InputError(f"a memory is a {type(item).__name__}, must be a MemoryItem.")
