"""The items of one moment in their order, and the row of each id.

Items that are appended go into a list that later moments share; an earlier moment does not see
what came after it. Any other change makes a new list. Safe to use from many threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter, index
from typing import SupportsIndex, overload

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.errors import DuplicateItemError, InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.rows.slots import Slots, SlotTable

_content_of: Callable[[MemoryItem], str] = attrgetter("content")


class ItemRows(Sequence[MemoryItem]):
    """The first *size* items of a list that only grows.

    >>> first = ItemRows([MemoryItem("a", "Kate skis.", "rag")])
    >>> second = first.appended([MemoryItem("b", "Oslo is cold.", "rag")])
    >>> len(first), [item.id for item in second]
    (1, ['a', 'b'])
    """

    def __init__(self, items: Iterable[MemoryItem]) -> None:
        self._items = list(items)
        self._size = len(self._items)
        self._lock = threading.Lock()

    def appended(self, items: Sequence[MemoryItem]) -> ItemRows:
        """These items and more."""
        with self._lock:
            if len(self._items) == self._size:
                self._items.extend(items)
                longer = ItemRows(())
                longer._items, longer._lock = self._items, self._lock
                longer._size = self._size + len(items)
                return longer
        return ItemRows([*self, *items])

    def take(self, rows: IntArray) -> list[MemoryItem]:
        """The items at *rows*, each in [0, size)."""
        items = self._items
        return [items[row] for row in rows.tolist()]

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[MemoryItem]:
        return islice(self._items, self._size)

    @overload
    def __getitem__(self, row: SupportsIndex) -> MemoryItem: ...
    @overload
    def __getitem__(self, row: slice) -> list[MemoryItem]: ...
    def __getitem__(self, row: SupportsIndex | slice) -> MemoryItem | list[MemoryItem]:
        if isinstance(row, slice):
            return self._items[: self._size][row]
        place = index(row)
        if not -self._size <= place < self._size:
            raise IndexError(f"row {place} of {self._size} items")
        return self._items[place + self._size if place < 0 else place]


class Contents(Sequence[str]):
    """The texts of items."""

    def __init__(self, items: ItemRows) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[str]:
        return map(_content_of, self._items)

    @overload
    def __getitem__(self, row: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: SupportsIndex | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [item.content for item in self._items[row]]
        return self._items[row].content


class RowsById:
    """Rows of ids. Every id is unique."""

    def __init__(self, slots: Slots, table: SlotTable[str]) -> None:
        self._slots = slots
        self._table = table

    @classmethod
    def build(cls, items: Sequence[MemoryItem]) -> RowsById:
        """Rows of the ids of the items.

        Raises:
            InputError: If one of them is no item.
            DuplicateItemError: If two items share an id.
        """
        if not all(issubclass(kind, MemoryItem) for kind in set(map(type, items))):
            raise _no_item(items)
        rows = {item.id: row for row, item in enumerate(items)}
        if len(rows) < len(items):
            raise _two_of_one_id(items)
        return cls(Slots.for_rows(len(rows)), SlotTable.of_unique(rows))

    def changed(self, items: Sequence[MemoryItem], rows: RowMap) -> RowsById:
        """Rows of the ids of other items; those that are not fresh have the id that they had."""
        if 2 * len(rows.fresh) > rows.size:
            pairs = ((row, item.id) for row, item in enumerate(items))
            return RowsById(Slots.for_rows(rows.size), SlotTable.of(pairs, count=rows.size))
        slots = self._slots.changed(rows)
        numbers = range(self._slots.count, slots.count)
        ids = (items[row].id for row in rows.fresh.tolist())
        fresh = zip(numbers, ids, strict=True)
        table = self._table.extended(fresh, count=slots.count)
        if slots.is_sparse:
            return RowsById(Slots.for_rows(slots.size), table.renumbered(slots.row_of))
        return RowsById(slots, table)

    def get(self, item_id: str) -> int | None:
        """Row of an id; None if no item has it."""
        rows = map(self._slots.row, self._table.slots(item_id))
        return next((row for row in rows if row >= 0), None)


def _no_item(items: Sequence[object]) -> InputError:
    row, item = next(
        (row, item) for row, item in enumerate(items) if not isinstance(item, MemoryItem)
    )
    return InputError(f"memory {row} is a {type(item).__name__}, must be a MemoryItem.")


def _two_of_one_id(items: Sequence[MemoryItem]) -> DuplicateItemError:
    rows: dict[str, int] = {}
    row, item = next(
        (row, item) for row, item in enumerate(items) if rows.setdefault(item.id, row) != row
    )
    return DuplicateItemError(
        f"two items have the id {item.id!r}, at places {rows[item.id]} and {row}. "
        "Give each item an id of its own.",
        item_id=item.id,
    )
