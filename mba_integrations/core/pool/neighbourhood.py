"""What stands around each item in its source: values of neighbours, the best of the source.

An item stands in a source (conversation, session, document) at a position; without a position,
input order counts. Items without a source have no neighbours. O(n log n) to arrange, O(n) to read.

Everything is read in source order, where neighbours stand next to each other, and then put back
into input order. Source 0 has the rows 3, 0 and 2 by their positions, source 1 has row 1, and row 4
has none; so in source order the rows are 4, 3, 0, 2, 1:

>>> around = Neighbourhood(
...     source=np.array([0, 1, 0, 0, -1]), position=np.array([2.0, 9.0, 3.0, 1.0, 5.0]))
>>> values = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
>>> around.shifted(values, 1), around.best_of_source(values)
(array([0.3, 0. , 0. , 0.1, 0. ]), array([0.4, 0.2, 0.4, 0.4, 0. ]))
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray, nothing


class Neighbourhood:
    """Order of the items within their sources.

    Attributes:
        is_empty: Whether no item has a source, so that none has a neighbour.

    >>> around = Neighbourhood(source=np.array([0, 0, 1]), position=np.array([0.0, 1.0, 0.0]))
    >>> around.shifted(np.array([0.1, 0.2, 0.3]), 1)
    array([0.2, 0. , 0. ])
    """

    def __init__(self, *, source: IntArray, position: FloatArray) -> None:
        arrival = np.arange(len(source), dtype=np.float64)
        places = np.where(np.isnan(position), arrival, position)
        self._arrange(np.lexsort((arrival, places, source)), np.asarray(source), places)

    def _arrange(self, order: IntArray, source: IntArray, places: FloatArray) -> None:
        self._order = order
        # Where items come in source order, as those of one file do, nothing is moved to and fro.
        self._in_order = bool(np.all(order[1:] > order[:-1]))
        self._source = source if self._in_order else source[order]
        self._places = places if self._in_order else places[order]
        self._known: BoolArray = self._source >= 0
        self.is_empty = not self._known.any()
        # No source is -2, so the first place begins one even if it has none, which is -1.
        self._starts = np.flatnonzero(np.diff(self._source, prepend=-2))
        self._reached: dict[int, BoolArray] = {}

    def appended(self, *, source: IntArray, position: FloatArray) -> Neighbourhood:
        """The order of these items and of more; the first ones must be those of this order.

        O(n) instead of O(n log n).
        """
        arrival = np.arange(len(source), dtype=np.float64)
        places = np.where(np.isnan(position), arrival, position)
        new = np.arange(len(self._order), len(source))
        new = new[np.lexsort((places[new], source[new]))]
        made = Neighbourhood.__new__(Neighbourhood)
        # New rows come after all of before at the same place of a source, as in a stable sort;
        # several at one place keep their order, since `np.insert` does.
        at = [self._end(int(source[row]), float(places[row])) for row in new.tolist()]
        made._arrange(np.insert(self._order, at, new), np.asarray(source), places)
        return made

    def _end(self, source: int, place: float) -> int:
        """Where an item of a source that comes after all at the same place has to stand."""
        start, end = (
            int(np.searchsorted(self._source, source, side)) for side in ("left", "right")
        )
        return start + int(np.searchsorted(self._places[start:end], place, "right"))

    def shifted(self, values: FloatArray, steps: int) -> FloatArray:
        """Value of the item *steps* places later (earlier if negative); 0 where there is none."""
        if self.is_empty:
            return nothing(len(values))
        ordered = self._in_source_order(values)
        return self._in_input_order(self._added(np.zeros(len(ordered)), ordered, steps))

    def mean_shifted(self, values: FloatArray, steps: Sequence[int]) -> FloatArray:
        """Mean of the values that many steps away; where there is none, 0 counts."""
        if self.is_empty:
            return nothing(len(values))
        ordered = self._in_source_order(values)
        total = np.zeros(len(ordered))
        for step in steps:
            self._added(total, ordered, step)
        total /= len(steps)
        return self._in_input_order(total)

    def best_of_source(self, values: FloatArray) -> FloatArray:
        """Highest value among all items of the item's source, itself included; 0 without one."""
        if self.is_empty:
            return nothing(len(values))
        ordered = self._in_source_order(values)
        best = np.maximum.reduceat(ordered, self._starts)
        sizes = np.diff(self._starts, append=len(ordered))
        return self._in_input_order(np.where(self._known, np.repeat(best, sizes), 0.0))

    def beside(self, rows: IntArray) -> IntArray:
        """Rows of the items before and after some, shape (2, len(rows)); -1 where there is none."""
        places = rows if self._in_order else self._place_of_row[rows]
        found = np.full((2, len(rows)), -1, dtype=np.int64)
        for side, steps in enumerate((-1, 1)):
            there = places + steps
            inside = np.flatnonzero((there >= 0) & (there < len(self._order)))
            here, there = places[inside], there[inside]
            same = self._known[here] & (self._source[here] == self._source[there])
            found[side, inside[same]] = self._order[there[same]]
        return found

    @cached_property
    def _place_of_row(self) -> IntArray:
        places = np.empty(len(self._order), dtype=np.int64)
        places[self._order] = np.arange(len(self._order))
        return places

    def _added(self, total: FloatArray, ordered: FloatArray, steps: int) -> FloatArray:
        """*total*, changed in place, with the values that many steps away."""
        if 0 < abs(steps) < len(ordered):
            here, there = _slices(steps)
            np.add(total[here], ordered[there], out=total[here], where=self._reaches(steps))
        return total

    def _reaches(self, steps: int) -> BoolArray:
        """Whether a place has one of its source that many steps away, where there is a place."""
        reached = self._reached.get(steps)
        if reached is None:
            here, there = _slices(steps)
            reached = self._known[here] & (self._source[here] == self._source[there])
            self._reached[steps] = reached
        return reached

    def _in_source_order(self, values: FloatArray) -> FloatArray:
        given = np.asarray(values, dtype=np.float64)
        return given if self._in_order else given[self._order]

    def _in_input_order(self, ordered: FloatArray) -> FloatArray:
        if self._in_order:
            return ordered
        result = np.empty_like(ordered)
        result[self._order] = ordered
        return result


def _slices(steps: int) -> tuple[slice, slice]:
    """The places that have another *steps* later, and those others."""
    if steps > 0:
        return slice(None, -steps), slice(steps, None)
    return slice(-steps, None), slice(None, steps)
