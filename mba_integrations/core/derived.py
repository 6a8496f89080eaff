"""`Derived`: what is made of settings that may be exchanged, made anew only where one was."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
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
