"""Numbers for rows that stay the same while rows come and go.

An index that is keyed by row would have to be rewritten when a row is taken out. It is keyed by
slot instead: a fresh row gets the next number, a row that goes leaves its number unused, and
`Slots` says where each slot stands now. Where nothing has gone yet a slot is its row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.row_map import RowMap

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
