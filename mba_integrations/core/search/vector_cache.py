"""Vectors of texts, kept by the text within a number of entries and of bytes.

The oldest go first, a sixteenth of the room at a time: one by one, each would walk over the gaps
that the others left at the front of the dictionary. The bytes are those of texts, vectors and
entries. What alone would take more than a sixteenth of them is not kept, since it would cost the
rest. A vector is a row of the array that it was made with, and that array stays until its last row
goes: so up to one such array more is held than is counted.

>>> import numpy as np
>>> cache = VectorCache(max_entries=2, max_bytes=10_000)
>>> cache.keep({text: np.ones(3, dtype=np.float32) for text in ("a", "b", "c", "d" * 1000)})
>>> [text in cache for text in ("a", "b", "c", "d" * 1000)]
[False, True, True, False]
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from itertools import islice
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

Kept = TypeVar("Kept", bound=NDArray[Any])

_SHARE = 16
_ENTRY_BYTES = 250  # of a dictionary's entry and of what an array is beside its numbers


class VectorCache(Generic[Kept]):
    """Safe to use from many threads; what is kept of a text is one array.

    Args:
        max_entries: Most vectors that are kept; 0 keeps none.
        max_bytes: Most bytes that they take.

    Attributes:
        length: Length of the array that came last; 0 while none has come.
    """

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        self.max_entries, self.max_bytes = max_entries, max_bytes
        self.length = 0
        self._vectors: dict[str, Kept] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def __contains__(self, text: str) -> bool:
        return text in self._vectors

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def bytes(self) -> int:
        """Bytes of what is kept."""
        return self._bytes

    def get(self, text: str) -> Kept | None:
        """The vector of a text; None if it is not kept."""
        return self._vectors.get(text)

    def keep(self, vectors: Mapping[str, Kept]) -> None:
        """Keep vectors, the last of them as the newest."""
        kept = self._that_fit(vectors)
        with self._lock:
            for text, vector in kept.items():
                self._drop(text)
                self._vectors[text] = vector
                self._bytes += _bytes_of(text, vector)
                self.length = len(vector)
            if len(self._vectors) > self.max_entries or self._bytes > self.max_bytes:
                self._make_room()

    def _that_fit(self, vectors: Mapping[str, Kept]) -> dict[str, Kept]:
        """Those that could stay if nothing else were kept."""
        small = [
            (text, vector)
            for text, vector in vectors.items()
            if _bytes_of(text, vector) <= self.max_bytes // _SHARE
        ]
        room, first = self.max_bytes, max(0, len(small) - self.max_entries)
        for place in range(len(small) - 1, first - 1, -1):
            room -= _bytes_of(*small[place])
            if room < 0:
                first = place + 1
        fitting = dict(small[first:])
        if len(fitting) == len(vectors):
            return fitting
        # Rows would keep the whole array, and much of it for nothing.
        return {text: vector.copy() for text, vector in fitting.items()}

    def _make_room(self) -> None:
        left = self.max_entries - self.max_entries // _SHARE
        enough = self.max_bytes - self.max_bytes // _SHARE
        if len(self._vectors) > self.max_entries:
            for text in list(islice(self._vectors, len(self._vectors) - left)):
                self._drop(text)
        for text in list(self._vectors) if self._bytes > self.max_bytes else ():
            if self._bytes <= enough:
                break
            self._drop(text)

    def _drop(self, text: str) -> None:
        vector = self._vectors.pop(text, None)
        if vector is not None:
            self._bytes -= _bytes_of(text, vector)


def _bytes_of(text: str, vector: NDArray[Any]) -> int:
    return sys.getsizeof(text) + vector.nbytes + _ENTRY_BYTES
