"""Numbers that rows keep while rows come and go, and tables from keys to such numbers.

An index that is keyed by row would have to be rewritten when a row is taken out. It is keyed by
slot instead: a fresh row gets the next number, a row that goes leaves its number unused. `Slots`
says where each slot stands now; `SlotTable` says which slots have a key, such as a word or an id.
A change of one row costs one entry of the table and an O(n) copy of the slots' column.

Five rows with the keys a, b, a, c and a; the second goes, and two come, with the keys b and a. The
table keeps what it has, and the new slots are added; rows are read through the slots:

>>> slots, table = Slots.for_rows(5), SlotTable.of(enumerate("abaca"), count=5)
>>> change = RowMap.of(np.array([0, 2, 3, 4, -1, -1]), before=5)
>>> later = slots.changed(change)
>>> grown = table.extended([(5, "b"), (6, "a")], count=later.count)
>>> grown.slots("a"), [later.row(slot) for slot in grown.slots("a")]
([0, 2, 4, 6], [0, 1, 3, 5])
>>> grown.slots("b"), [later.row(slot) for slot in grown.slots("b")]
([1, 5], [-1, 4])

The earlier table still has what it had. When a quarter of the slots is unused, slots and table are
numbered anew:

>>> table.slots("a"), later.is_sparse, grown.renumbered(later.row_of).slots("b")
([0, 2, 4], False, [4])
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.rows.row_map import RowMap

# Slots that may be unused before numbering anew pays: a share of the rows, and a few of any list.
_UNUSED_SHARE = 0.25
_UNUSED_FREE = 64


@dataclass(frozen=True)
class Slots:
    """Slots of *size* rows.

    Args:
        size: Number of rows.
        count: Slots given out so far, at least *size*.
        of_row: Slot of each row, shape (size,); None where it is the row itself.
    """

    size: int
    count: int
    of_row: IntArray | None = field(default=None)

    @classmethod
    def for_rows(cls, size: int) -> Slots:
        """Each row is its slot."""
        return cls(size, size)

    def changed(self, rows: RowMap) -> Slots:
        """Slots of the new rows; fresh rows get the next numbers in their order."""
        count = self.count + len(rows.fresh)
        if self.of_row is None and rows.origin is None:
            return Slots(rows.size, count)
        of_row = np.arange(self.size) if self.of_row is None else self.of_row
        return Slots(rows.size, count, rows.carried(of_row, np.arange(self.count, count)))

    @cached_property
    def row_of(self) -> IntArray:
        """Row of each slot, -1 for one that is not used any more, shape (count,)."""
        rows = np.full(self.count, -1, dtype=np.int64)
        rows[slice(None) if self.of_row is None else self.of_row] = np.arange(self.size)
        return rows

    def row(self, slot: int) -> int:
        """Row of a slot; -1 for one that is not used any more, or that came later."""
        if slot >= self.count:
            return -1
        return slot if self.of_row is None else int(self.row_of[slot])

    def by_row(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of slots, shape (count,), as values of rows, shape (size,)."""
        return values if self.of_row is None else values.take(self.of_row)

    @property
    def is_sparse(self) -> bool:
        """Whether so many slots are unused that numbering the rows anew pays."""
        return self.count - self.size > _UNUSED_FREE + _UNUSED_SHARE * self.size


Key = TypeVar("Key", bound=Hashable)


class _Entries(Generic[Key]):
    """What snapshots of a line share: one slot, or a list of ascending ones, for each key."""

    def __init__(self) -> None:
        self.slots: dict[Key, int | list[int]] = {}
        self.count = 0
        self.lock = threading.Lock()

    def put(self, key: Key, slot: int) -> None:
        # Most keys have one slot, and a list would take five times the memory.
        known = self.slots.setdefault(key, slot)
        if isinstance(known, list):
            known.append(slot)
        elif known != slot:
            self.slots[key] = [known, slot]


class SlotTable(Generic[Key]):
    """Which slots have a key, of the slots below `count`.

    The newest table of a line grows the entries that all of the line share; an older one reads
    only what is below its own count. Safe to use from many threads.

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
        # Another table has grown from here already, so this is a branch.
        return self._copied().extended(keys, count=count)

    def slots(self, key: Key) -> Sequence[int]:
        """Slots of a key, ascending."""
        found = self._entries.slots.get(key)
        return [] if found is None else self._seen(found)

    def _seen(self, found: int | list[int]) -> Sequence[int]:
        several = found if isinstance(found, list) else [found]
        return several[: bisect_left(several, self.count)]

    def known_keys(self) -> Iterator[Key]:
        """Keys of the slots, each once."""
        return iter({key: None for _, key in self._pairs()})

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
