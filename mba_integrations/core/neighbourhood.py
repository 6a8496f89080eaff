"""What stands around each item in its source: values of neighbours, the best of the source.

An item stands in a source (conversation, session, document) at a position; without a position,
input order counts. Items without a source have no neighbours. O(n log n) to arrange, O(n) to read.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray


class Neighbourhood:
    """Order of the items within their sources.

    >>> around = Neighbourhood(source=np.array([0, 0, 1]), position=np.array([0.0, 1.0, 0.0]))
    >>> around.shifted(np.array([0.1, 0.2, 0.3]), 1)
    array([0.2, 0. , 0. ])
    """

    def __init__(self, *, source: IntArray, position: FloatArray) -> None:
        self._known: BoolArray = np.asarray(source) >= 0
        arrival = np.arange(len(source), dtype=np.float64)
        places = np.where(np.isnan(position), arrival, position)
        self._order = np.lexsort((arrival, places, source))
        self._in_order = bool(np.all(self._order[1:] > self._order[:-1]))
        self._source = np.asarray(source)[self._order]
        self._starts = np.flatnonzero(np.diff(self._source, prepend=-2))

    def shifted(self, values: FloatArray, steps: int) -> FloatArray:
        """Value of the item *steps* places later (earlier if negative); 0 where there is none."""
        ordered = self._in_source_order(values)
        moved = np.zeros_like(ordered)
        if 0 < abs(steps) < len(ordered):
            here = slice(None, -steps) if steps > 0 else slice(-steps, None)
            there = slice(steps, None) if steps > 0 else slice(None, steps)
            same = self._source[here] == self._source[there]
            moved[here] = np.where(same, ordered[there], 0.0)
        return self._in_input_order(moved)

    def best_of_source(self, values: FloatArray) -> FloatArray:
        """Highest value among all items of the item's source, itself included; 0 without one."""
        if not len(values):
            return np.zeros(0)
        ordered = self._in_source_order(values)
        best = np.maximum.reduceat(ordered, self._starts)
        sizes = np.diff(self._starts, append=len(ordered))
        return self._in_input_order(np.repeat(best, sizes))

    def _in_source_order(self, values: FloatArray) -> FloatArray:
        given = np.asarray(values, dtype=np.float64)
        return given if self._in_order else given[self._order]

    def _in_input_order(self, ordered: FloatArray) -> FloatArray:
        result = ordered
        if not self._in_order:
            result = np.empty_like(ordered)
            result[self._order] = ordered
        return np.where(self._known, result, 0.0)
