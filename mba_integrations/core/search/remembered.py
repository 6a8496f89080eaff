"""What is worked out of a text alone, remembered for the next time that the text is seen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Remembered(Generic[Made]):
    """What *make* makes of texts, kept while it takes at most *most_bytes*; the oldest go first.

    Safe to use from many threads; two that miss the same text both make it.

    Args:
        make: From a text to what is kept; equal for equal texts.
        size: Bytes that it takes besides the text, about.
        most_bytes: Of all that is kept.

    >>> made = []
    >>> words = Remembered(lambda text: made.append(text) or text.split(), len, 1000)
    >>> words.of("a b"), words.of("a b"), made
    (['a', 'b'], ['a', 'b'], ['a b'])
    """

    def __init__(
        self, make: Callable[[str], Made], size: Callable[[Made], int], most_bytes: int
    ) -> None:
        self._make, self._made_size, self._most_bytes = make, size, most_bytes
        self._bytes = 0
        self._known: dict[str, Made] = {}
        self._lock = Lock()

    def of(self, text: str) -> Made:
        """What is made of *text*."""
        known = self._known.get(text)
        if known is None:
            known = self._make(text)
            self._keep(text, known)
        return known

    def _keep(self, text: str, made: Made) -> None:
        size = self._size(text, made)
        with self._lock:
            if text in self._known or size > self._most_bytes:
                return
            self._known[text] = made
            self._bytes += size
            while self._bytes > self._most_bytes:
                oldest = next(iter(self._known))
                self._bytes -= self._size(oldest, self._known.pop(oldest))

    def _size(self, text: str, made: Made) -> int:
        return 2 * sys.getsizeof(text) + self._made_size(made)
