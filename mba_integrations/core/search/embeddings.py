"""The embeddings of a list of items: those that the items bring, and those that an embedder makes.

Made when first asked for, and kept for the latest embedder. Items that come later are embedded with
the next question, in one call. O(n d) to make; after a change, O(n) and the new vectors.

Vectors are compared with a question's, so all have one length: that of the question where an item
has it, else that of most items. A vector of another length, an empty one and one that is not finite
count as missing; for the latter two an embedder makes another.

>>> items = [MemoryItem("a", "Kate skis.", "rag", embedding=[1.0, 0.0]),
...          MemoryItem("b", "Oslo.", "rag", embedding=[np.nan, 1.0]),
...          MemoryItem("c", "Keys.", "rag", embedding=[1.0, 2.0, 3.0])]
>>> made = Embeddings(items).of(None, length=2)
>>> made.column.known.tolist(), made.faulty.tolist(), made.other_length.tolist()
([True, False, False], [1], [2])
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.embedder import Embedder, embed, usable_rows
from mba_integrations.core.search.vector_column import PENDING, VectorColumn, column_of

_Vectors = Sequence[FloatArray | None]


@dataclass(frozen=True)
class ItemVectors:
    """Vectors of n items, and which could not be used.

    Attributes:
        embedder: Made those that the items lack.
        column: The vectors of one length; None where no item has one.
        lengths: Length of each item's usable vector, shape (n,): 0 without one, `PENDING` where it
            is not known yet.
        is_faulty: Which items brought a vector that is empty or not finite, or were given one by
            the embedder, shape (n,).
    """

    embedder: Embedder | None
    column: VectorColumn | None
    lengths: IntArray
    is_faulty: BoolArray

    @cached_property
    def found(self) -> tuple[int, ...]:
        """The lengths that vectors have, the most frequent first; of these the earliest item's."""
        known = self.lengths[self.lengths > 0]
        if not len(known) or known.min() == known.max():  # as good as always, and a tenth the time
            return tuple(known[:1].tolist())
        lengths, firsts, counts = np.unique(known, return_index=True, return_counts=True)
        return tuple(lengths[np.lexsort((firsts, -counts))].tolist())

    def wanted(self, length: int | None) -> int:
        """Length of the vectors that are compared with a question's of so many numbers; 0 if there
        are none.
        """
        if length is not None and length in self.found:
            return length
        return next(iter(self.found), 0)

    @property
    def length(self) -> int:
        """Numbers of a vector of the column; 0 without one."""
        return 0 if self.column is None else self.column.shape[1]

    @cached_property
    def faulty(self) -> IntArray:
        """Rows of vectors that are empty or not finite, ascending."""
        return np.flatnonzero(self.is_faulty)

    @cached_property
    def other_length(self) -> IntArray:
        """Rows of vectors that are of another length than those of the column, ascending."""
        return np.flatnonzero((self.lengths > 0) & (self.lengths != self.length))

    def changed(self, rows: RowMap) -> ItemVectors:
        """Vectors of other items; fresh ones are pending."""
        return replace(
            self,
            column=None if self.column is None else self.column.changed(rows),
            lengths=rows.carried(self.lengths, PENDING),
            is_faulty=rows.carried(self.is_faulty, False),
        )


class Embeddings:
    """Vectors of items.

    Args:
        items: The items, which do not change any more.
    """

    def __init__(self, items: Sequence[MemoryItem]) -> None:
        self._items = items
        # One value, so that a thread never sees one embedder with the column of another.
        self._made: ItemVectors | None = None

    @classmethod
    def of_matrix(
        cls, items: Sequence[MemoryItem], matrix: FloatArray, has_vector: BoolArray
    ) -> Embeddings:
        """Vectors that are known to be finite and of one length: none is looked at by itself.

        Args:
            items: The items.
            matrix: The embeddings of those that have one, shape (m, d), one after the other.
            has_vector: Which those are, shape (n,).
        """
        result = cls(items)
        if len(matrix):
            lengths = np.where(has_vector, matrix.shape[1], 0).astype(np.int32)
            column = VectorColumn.of_matrix(matrix).spread(has_vector)
            result._made = ItemVectors(None, column, lengths, np.zeros(len(items), dtype=bool))
        return result

    def changed(self, items: Sequence[MemoryItem], rows: RowMap) -> Embeddings:
        """Vectors of other items; those of rows that are not fresh are taken from here."""
        result = Embeddings(items)
        if self._made is not None:
            result._made = self._made.changed(rows)
        return result

    def of(self, embedder: Embedder | None, *, length: int | None = None) -> ItemVectors:
        """The vectors; items without one are embedded where there is an embedder.

        Args:
            embedder: Makes what is missing; None for none.
            length: Numbers of the vector that they are compared with; None if there is none.

        Raises:
            InputError: If the embedder returns no array with a row for each text.
        """
        made = self._made
        if made is None or made.embedder is not embedder:
            made = self._built(embedder, length)
        made = self._completed(made)
        if made.wanted(length) != made.length:
            made = self._built(embedder, length)
        self._made = made
        column = made.column
        return made if column is None or column.known.any() else replace(made, column=None)

    def _built(self, embedder: Embedder | None, length: int | None) -> ItemVectors:
        vectors, is_faulty = _vectors_of(self._items, embedder)
        made = ItemVectors(embedder, None, _lengths(vectors), is_faulty)
        return replace(made, column=column_of(_of_length(vectors, made.wanted(length))))

    def _completed(self, made: ItemVectors) -> ItemVectors:
        pending = np.flatnonzero(made.lengths == PENDING)
        if not len(pending):
            return made
        fresh = [self._items[row] for row in pending.tolist()]
        vectors, is_faulty = _vectors_of(fresh, made.embedder)
        lengths, faults = made.lengths.copy(), made.is_faulty.copy()
        lengths[pending], faults[pending] = _lengths(vectors), is_faulty
        column = made.column
        if column is not None:
            column = column.completed(_of_length(vectors, made.length))
        return ItemVectors(made.embedder, column, lengths, faults)


def _lengths(vectors: _Vectors) -> IntArray:
    return np.array([0 if vector is None else len(vector) for vector in vectors], dtype=np.int32)


def _of_length(vectors: _Vectors, length: int) -> _Vectors:
    """The vectors of that length; None for the others."""
    return [None if vector is None or len(vector) != length else vector for vector in vectors]


def _vectors_of(
    items: Sequence[MemoryItem], embedder: Embedder | None
) -> tuple[list[FloatArray | None], BoolArray]:
    """Vectors of the items, in one call of the embedder for those that bring no usable one; and
    where a vector was not usable.
    """
    rows = [item.embedding for item in items]
    is_faulty = _are_faulty(rows)
    for row in np.flatnonzero(is_faulty).tolist():
        rows[row] = None
    # Providers refuse a blank text, and with it the whole call.
    missing = [row for row, one in enumerate(rows) if one is None and items[row].content.strip()]
    made = embed([items[row].content for row in missing], embedder) if missing else None
    if made is not None:
        usable = usable_rows(made[:, :1])  # what cannot be used is NaN from its beginning
        is_faulty[missing] |= ~usable
        for row, vector, is_usable in zip(missing, made, usable.tolist(), strict=True):
            rows[row] = vector if is_usable else None
    return rows, is_faulty


def _are_faulty(vectors: _Vectors) -> BoolArray:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array([vector is not None and _is_faulty(vector) for vector in vectors], bool)


def _is_faulty(vector: FloatArray) -> bool:
    # The square of its length is finite for all but the longest, and the fastest to work out.
    return not len(vector) or not (
        math.isfinite(vector.dot(vector)) or bool(np.isfinite(vector).all())
    )
