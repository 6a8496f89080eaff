"""What is made of other values, kept as long as those are the same.

`Derived` is made of settings that may be exchanged, `Remembered` of texts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import is_
from threading import Lock
from typing import Any, Generic, TypeVar

Made = TypeVar("Made")


class Derived(Generic[Made]):
    """What was made of some values, as long as they are the same objects; a copy has nothing yet.

    >>> parts, first, second = Derived(), "alice", "bob"
    >>> [parts.of(str.upper, name) for name in (first, first, second)]
    ['ALICE', 'ALICE', 'BOB']
    """

    def __init__(self) -> None:
        self._made: tuple[tuple[object, ...], Made] | None = None

    def of(self, make: Callable[..., Made], *values: object) -> Made:
        """What *make* makes of the values."""
        made = self._made
        if made is None or not all(map(is_, made[0], values)):
            self._made = made = values, make(*values)
        return made[1]

    def __reduce__(self) -> tuple[Any, ...]:
        return Derived, ()


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
