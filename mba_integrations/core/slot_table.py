"""From keys to the slots that have them, shared by snapshots that follow each other.

The newest snapshot of a line adds its keys in place; earlier ones do not see slots that came after
them. A snapshot that branches off copies the table first. Safe to read and extend from many
threads. Adding k keys is O(k), a branch O(n).
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from mba_integrations.core.arrays import IntArray

Key = TypeVar("Key", bound=Hashable)


class _Entries(Generic[Key]):
    """What snapshots of a line share: one slot, or a list of ascending ones, for each key."""

    def __init__(self) -> None:
        self.slots: dict[Key, int | list[int]] = {}
        self.count = 0
        self.lock = threading.Lock()

    def put(self, key: Key, slot: int) -> None:
        known = self.slots.setdefault(key, slot)
        if isinstance(known, list):
            known.append(slot)
        elif known != slot:
            self.slots[key] = [known, slot]


class SlotTable(Generic[Key]):
    """Keys of the slots below `count`.

    >>> first = SlotTable.of([(0, "a"), (1, "b")], count=2)
    >>> second = first.extended([(2, "a")], count=3)
    >>> first.slots("a"), second.slots("a"), second.slots("z")
    ([0], [0, 2], [])
    """

    def __init__(self, entries: _Entries[Key], count: int) -> None:
        self._entries = entries
        self.count = count

    @classmethod
    def of(cls, keys: Iterable[tuple[int, Key]], *, count: int) -> SlotTable[Key]:
        """A table of slots below *count* and their keys; a slot may have no key."""
        return cls(_Entries(), 0).extended(keys, count=count)

    @classmethod
    def of_unique(cls, slots: dict[Key, int]) -> SlotTable[Key]:
        """A table of keys with one slot each, the slots being 0 and on."""
        entries = _Entries[Key]()
        entries.slots.update(slots)
        entries.count = len(slots)
        return cls(entries, len(slots))

    def extended(self, keys: Iterable[tuple[int, Key]], *, count: int) -> SlotTable[Key]:
        """The table with the keys of more slots, those from this one's `count` on."""
        shared = self._entries
        with shared.lock:
            if shared.count == self.count:
                for slot, key in keys:
                    shared.put(key, slot)
                shared.count = count
                return SlotTable(shared, count)
        return self._copied().extended(keys, count=count)

    def slots(self, key: Key) -> Sequence[int]:
        """Slots of a key, ascending."""
        found = self._entries.slots.get(key)
        return [] if found is None else self._seen(found)

    def _seen(self, found: int | list[int]) -> Sequence[int]:
        several = found if isinstance(found, list) else [found]
        return several[: bisect_left(several, self.count)]

    def renumbered(self, row_of: IntArray) -> SlotTable[Key]:
        """The table with each slot replaced by its row; slots without one go."""
        rows = row_of.tolist()
        kept = sorted((rows[slot], key) for slot, key in self._pairs() if rows[slot] >= 0)
        return SlotTable.of(kept, count=sum(row >= 0 for row in rows))

    def _pairs(self) -> Iterator[tuple[int, Key]]:
        with self._entries.lock:
            listed = list(self._entries.slots.items())
        for key, found in listed:
            yield from ((slot, key) for slot in self._seen(found))

    def _copied(self) -> SlotTable[Key]:
        return SlotTable.of(self._pairs(), count=self.count)
