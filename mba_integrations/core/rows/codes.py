"""Names as numbers, in order of first appearance.

The newest table of a line adds names in place and shares them with earlier ones, which do not see
what came after them; a table that branches off copies the names first. Safe to use from many
threads. One dictionary look-up per name; renumbering is O(rows) in arrays.

Five rows of two names, one without. The first two go; numbered anew, as if the other three were all
there ever was, b comes first:

>>> codes, table = CodeTable().coded(["a", "a", None, "b", "a"])
>>> codes.tolist(), table.names()
([0, 0, -1, 1, 0], ['a', 'b'])
>>> codes, table = table.renumbered(codes[[2, 3, 4]])
>>> codes.tolist(), table.names()
([-1, 0, 1], ['b', 'a'])
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import islice

import numpy as np

from mba_integrations.core.arrays import IntArray


class CodeTable:
    """Codes of names.

    >>> codes, table = CodeTable().coded(["b", None, "a", "b"])
    >>> codes.tolist(), table.names()
    ([0, -1, 1, 0], ['b', 'a'])
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._codes = {name: code for code, name in enumerate(names)}
        self._count = len(names)
        self._lock = threading.Lock()

    def coded(self, names: Sequence[str | None]) -> tuple[IntArray, CodeTable]:
        """Codes of names, -1 for None, and the table that has them all."""
        with self._lock:
            # The newest table of its line: nobody has added names after it.
            if len(self._codes) == self._count:
                return self._extended(names)
        return CodeTable(self.names()).coded(names)

    def _extended(self, names: Sequence[str | None]) -> tuple[IntArray, CodeTable]:
        known = self._codes
        codes = [-1 if name is None else known.setdefault(name, len(known)) for name in names]
        table = self
        if len(known) > self._count:
            table = CodeTable()
            table._codes, table._count, table._lock = known, len(known), self._lock
        return np.array(codes, dtype=np.int64), table

    def names(self) -> list[str]:
        """All names, by code."""
        return list(islice(self._codes, self._count))

    def renumbered(self, codes: IntArray) -> tuple[IntArray, CodeTable]:
        """The codes and the table as they are if names are numbered as they stand in *codes*."""
        known = np.flatnonzero(codes >= 0)[::-1]
        first = np.full(self._count, len(codes))
        first[codes[known]] = known  # of several rows the last one stays, which is the first row
        order = np.argsort(first, kind="stable")
        order = order[first[order] < len(codes)]
        if len(order) == self._count and (order[1:] > order[:-1]).all():
            return codes, self
        renamed = np.full(self._count + 1, -1)  # code -1 reads the end
        renamed[order] = np.arange(len(order))
        names = self.names()
        return renamed[codes], CodeTable([names[code] for code in order.tolist()])
