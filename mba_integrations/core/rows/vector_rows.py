"""Rows of numbers that more rows can be added to without a copy of what is there.

Kept as a few arrays one after another. The newest rows share their last array with earlier ones,
which end where they ended. A whole array that is handed over stays where it is, so it may be a
file that is memory-mapped. Safe to use from many threads.

Adding k rows costs k rows, mostly; an eighth of the rows more when the last array is full, and a
copy of all when there are 24 arrays, which happens ever more rarely as they grow.

To 2,000 rows two are added, in a second array. It has room, so two more go there, after them:

>>> rows = VectorRows((np.zeros((2000, 3), dtype=np.float32),))
>>> grown = rows.appended(np.ones((2, 3), dtype=np.float32))
>>> later = grown.appended(np.full((2, 3), 2, dtype=np.float32))
>>> [part.shape for part in later.parts], grown.shape
([(2000, 3), (4, 3)], (2002, 3))
>>> np.shares_memory(later.parts[1], grown.parts[1]), later.dot(np.ones(3))[-3:].tolist()
(True, [3.0, 6.0, 6.0])
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray

_LEAST_ROOM = 64
_ROOM_SHARE = 8  # room for an eighth more
_SMALL_ROWS = 1024  # so few are copied into one array instead
_MOST_PARTS = 24  # each costs a product of its own; at 24 all are copied into one


class _Buffer:
    """An array with room at its end, of which a line of `VectorRows` uses more and more."""

    def __init__(self, capacity: int, dimensions: int) -> None:
        self.array = np.empty((capacity, dimensions), dtype=np.float32)
        self.used = 0
        self.lock = threading.Lock()

    def put(self, rows: FloatArray, *, at: int) -> FloatArray | None:
        """The used part with the rows at its end; None if it is used further already or full."""
        with self.lock:
            if self.used != at or at + len(rows) > len(self.array):
                return None
            self.used = at + len(rows)
            self.array[at : self.used] = rows
        return self.array[: self.used]


@dataclass(frozen=True)
class VectorRows:
    """Rows of d numbers.

    Attributes:
        parts: Arrays of shape (k, d), float32, at least one.
    """

    parts: tuple[FloatArray, ...]
    _buffer: _Buffer | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and d."""
        return sum(map(len, self.parts)), int(self.parts[0].shape[1])

    def appended(self, rows: FloatArray) -> VectorRows:
        """These rows and more, of the same length."""
        at = len(self.parts[-1])
        # None for a branch too: somebody else has used what follows these rows.
        grown = self._buffer.put(rows, at=at) if self._buffer else None
        if grown is not None:
            return VectorRows((*self.parts[:-1], grown), self._buffer)
        count, dimensions = self.shape
        kept = () if count <= _SMALL_ROWS or len(self.parts) >= _MOST_PARTS else self.parts
        moved = rows if kept else np.concatenate([*self.parts, rows])
        room = max(_LEAST_ROOM, (count + len(rows)) // _ROOM_SHARE)
        buffer = _Buffer(len(moved) + room, dimensions)
        filled = buffer.put(moved, at=0)
        return VectorRows((*kept, buffer.array[: len(moved)] if filled is None else filled), buffer)

    def take(self, rows: IntArray) -> FloatArray:
        """A copy of some rows, shape (len(rows), d)."""
        if len(self.parts) == 1:
            return self.parts[0][rows]
        result = np.empty((len(rows), self.shape[1]), dtype=np.float32)
        start = 0
        for part in self.parts:
            here = (rows >= start) & (rows < start + len(part))
            result[here] = part[rows[here] - start]
            start += len(part)
        return result

    def dot(self, vector: FloatArray) -> FloatArray:
        """Product of each row with a vector of shape (d,)."""
        products = [part @ vector for part in self.parts]
        return products[0] if len(products) == 1 else np.concatenate(products)
