"""The embeddings of a list of items: those that the items bring, and those that an embedder makes.

Made when first asked for, and kept for the latest embedder. Items that come later are embedded with
the next question, in one call. O(n d) to make; after a change, O(n) and the new vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.embedder import Embedder, embed
from mba_integrations.core.search.vector_column import VectorColumn, column_of


class Embeddings:
    """Vectors of items.

    Args:
        items: The items, which do not change any more.
    """

    def __init__(self, items: Sequence[MemoryItem]) -> None:
        self._items = items
        # One value, so that a thread never sees one embedder with the column of another. A column
        # of None says that no item has a vector.
        self._made: tuple[Embedder | None, VectorColumn | None] | None = None

    def changed(self, items: Sequence[MemoryItem], rows: RowMap) -> Embeddings:
        """Vectors of other items; those of rows that are not fresh are taken from here."""
        result = Embeddings(items)
        if self._made is None:
            return result
        embedder, column = self._made
        fresh = (items[row] for row in rows.fresh.tolist())
        if column is not None:
            result._made = (embedder, column.changed(rows))
        elif all(item.embedding is None for item in fresh):
            result._made = self._made
        return result

    def of(self, embedder: Embedder | None) -> VectorColumn | None:
        """The vectors; items without one are embedded where there is an embedder.

        Returns:
            None where no item has a vector.

        Raises:
            InputError: If vectors differ in length, or the embedder returns another shape.
        """
        if self._made is None or self._made[0] is not embedder:
            self._made = (embedder, self._built(embedder))
        column = self._made[1]
        if column is not None and len(column.pending):
            column = self._completed(column, embedder)
            self._made = (embedder, column)
        return column if column is not None and column.known.any() else None

    def _built(self, embedder: Embedder | None) -> VectorColumn | None:
        vectors = _vectors_of(self._items, embedder)
        return column_of(self._items, vectors)

    def _completed(self, column: VectorColumn, embedder: Embedder | None) -> VectorColumn | None:
        vectors = _vectors_of([self._items[row] for row in column.pending.tolist()], embedder)
        dimensions = column.shape[1]
        if any(vector is not None and len(vector) != dimensions for vector in vectors):
            # Refused, unless the vectors of the other length have all gone.
            return self._built(embedder)
        return column.completed(vectors)


def _vectors_of(items: Sequence[MemoryItem], embedder: Embedder | None) -> list[FloatArray | None]:
    """Vectors of the items, in one call of the embedder for those that bring none."""
    rows = [item.embedding for item in items]
    missing = [row for row, vector in enumerate(rows) if vector is None]
    made = embed([items[row].content for row in missing], embedder) if missing else None
    if made is not None:
        for row, vector in zip(missing, made, strict=True):
            rows[row] = vector
    return rows
