"""Which row of an earlier list each row of a new one was.

Columns of the new list are made from those of the earlier one, and only rows that are new are
worked out. O(n) for an array of n rows, a few copies of memory; nothing is changed in place.

Five rows, of which the second goes and two come. Every column is carried over by the same map, with
the values of the two fresh rows:

>>> change = RowMap.of(np.array([0, 2, 3, 4, -1, -1]), before=5)
>>> change.gone.tolist(), change.fresh.tolist()
([1], [4, 5])
>>> change.carried(np.array([10, 11, 12, 13, 14]), [20, 21]).tolist()
[10, 12, 13, 14, 20, 21]
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mba_integrations.core.arrays import IntArray


@dataclass(frozen=True)
class RowMap:
    """From *before* rows to *size* rows.

    Args:
        before: Rows of the earlier list.
        size: Rows of the new one.
        origin: Earlier row of each new row, -1 for a fresh one, shape (size,). None where the
            earlier rows all stand first, in their order, and the rest is fresh.

    >>> RowMap(2, 3, np.array([1, -1, 0])).carried(np.array([7, 8]), [9])
    array([8, 9, 7])
    """

    before: int
    size: int
    origin: IntArray | None = field(default=None)

    @classmethod
    def of(cls, origin: IntArray, before: int) -> RowMap:
        """The map of these origins.

        Args:
            origin: Earlier row of each new row, each at most once; -1 for a fresh one.
            before: Rows of the earlier list.
        """
        stay = len(origin) >= before and bool((origin[:before] == np.arange(before)).all())
        only_appended = stay and bool((origin[before:] < 0).all())
        return cls(before, len(origin), None if only_appended else origin)

    @cached_property
    def fresh(self) -> IntArray:
        """New rows without an earlier one, ascending."""
        if self.origin is None:
            return np.arange(self.before, self.size)
        return np.flatnonzero(self.origin < 0)

    @cached_property
    def gone(self) -> IntArray:
        """Earlier rows that no new row was, ascending."""
        if self.origin is None:
            return np.zeros(0, dtype=np.int64)
        stays = np.zeros(self.before, dtype=bool)
        stays[self.origin[self.origin >= 0]] = True
        return np.flatnonzero(~stays)

    def carried(self, values: NDArray[Any], fresh: Any) -> NDArray[Any]:
        """A column of the new list.

        Args:
            values: The column of the earlier list, shape (before,) or (before, k).
            fresh: Its values for the rows of `fresh`, one for each, or one for all.
        """
        if self.origin is None and self.size == self.before:
            return values
        made = np.asarray(fresh, dtype=values.dtype)
        made = np.broadcast_to(made, (len(self.fresh), *values.shape[1:]))
        if self.origin is None:
            return np.concatenate([values, made])
        # Origin -1 reads the last row, which is then overwritten; an empty column has none to read.
        result = values[self.origin] if self.before else np.empty(self.size, dtype=values.dtype)
        result[self.fresh] = made
        return result
