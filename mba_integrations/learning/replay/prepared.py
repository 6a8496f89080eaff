"""`Prepared`: what is worked out of an object that records share, kept for the records that do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from mba_integrations.core.model import MemoryItem

Given = TypeVar("Given")
Made = TypeVar("Made")
Candidates = tuple[MemoryItem, ...]
MOST = 4
"""Objects that are remembered where records come in the order of time."""


class Prepared(Generic[Given, Made]):
    """Keeps what was made of the objects that came last: settings, or lists of candidates.

    Objects are told apart by identity, and nobody changes them. Not for several threads.

    Args:
        make: Makes it of an object.
        most: For how many objects it is kept.
    """

    def __init__(self, make: Callable[[Given], Made], *, most: int = MOST) -> None:
        self._make = make
        self._most = most
        self._known: dict[int, tuple[Given, Made]] = {}

    def of(self, given: Given) -> Made:
        """What is made of an object."""
        known = self._known.pop(id(given), None)
        if known is None or known[0] is not given:
            known = given, self._make(given)
        self._known[id(given)] = known
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]
        return known[1]
