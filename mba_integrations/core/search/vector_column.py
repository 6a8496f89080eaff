"""The embeddings of items, held once: rows as they were given, and one over the length of each.

Where the items' embeddings are the rows of one array already, that array is used as it is;
otherwise they are copied into one. The items stay as they are. A cosine with every item is one
matrix-vector product; no second matrix is made.

Vectors of one pool lie to one side: what its items have in common, such as the names of two who
talk, is in all of them. `likeness_to_mean` says how much of it each has. The mean comes from sums
of whole numbers, which do not depend on the order, so that of a changed column is that of one made
anew to the bit:

>>> column = VectorColumn.of_matrix(np.eye(3, dtype=np.float32))
>>> later = column.changed(RowMap.of(np.array([2, -1, 0]), before=3)).completed([np.eye(3)[1]])
>>> column.total.tolist() == later.total.tolist()
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.rows.vector_rows import VectorRows

NONE, PENDING = -1, -2
_UNUSED_SHARE = 0.5
_UNUSED_FREE = 256
_UNITS = 2.0**30  # sums of 8 billion numbers of at most 1 stay below 2 ** 63
_ROWS_AT_ONCE = 4096
_PRIOR_ROWS = 20
# Squares of lengths in between are normal float32 numbers, whatever the dimensions.
_LEAST_LENGTH, _MOST_LENGTH = 1e-15, 1e15


@dataclass(frozen=True)
class VectorColumn:
    """Vectors of n items.

    Args:
        stored: Vectors, in any order, also of items that have gone.
        inverse: One over the length of each, float32; 1 for a vector of zeros.
        places: Row of *stored* of each item, `NONE` without a vector, `PENDING` where it is not
            known yet; None where item and row are the same.
    """

    stored: VectorRows
    inverse: FloatArray
    places: IntArray | None = field(default=None)

    @classmethod
    def of_matrix(cls, matrix: FloatArray) -> VectorColumn:
        """A column whose vectors are the rows of an array, shape (n, d), float32."""
        matrix, inverse = _measured(matrix)
        return cls(VectorRows((matrix,)), inverse)

    def spread(self, known: BoolArray) -> VectorColumn:
        """The column of n items of which those that are *known* have the vectors of this one."""
        if known.all():
            return self
        return replace(self, places=np.where(known, np.cumsum(known) - 1, NONE))

    @property
    def shape(self) -> tuple[int, int]:
        """Number of items, and of the numbers of a vector."""
        size = len(self.inverse) if self.places is None else len(self.places)
        return size, self.stored.shape[1]

    def __len__(self) -> int:
        return self.shape[0]

    @cached_property
    def known(self) -> BoolArray:
        """Which items have a vector, shape (n,)."""
        return np.ones(len(self), dtype=bool) if self.places is None else self.places >= 0

    @cached_property
    def pending(self) -> IntArray:
        """Items of which it is not known yet whether they have a vector."""
        return np.flatnonzero(() if self.places is None else self.places == PENDING)

    def dot(self, query: FloatArray) -> FloatArray:
        """Product of each vector, at length 1, with *query*, shape (n,); 0 without a vector.

        Raises:
            InputError: If *query* has another length; with both lengths.
        """
        dimensions = self.shape[1]
        if len(query) != dimensions:
            raise InputError(
                f"the query's embedding has {len(query)} numbers, the items' have {dimensions}. "
                "Embed both with one model."
            )
        products = self.stored.dot(query)
        products *= self.inverse
        if self.places is None:
            return products
        return np.where(self.known, products[self.places], np.float32(0.0))

    def take(self, rows: IntArray) -> FloatArray:
        """Vectors of some items at length 1, shape (len(rows), d); zeros without a vector."""
        places = rows if self.places is None else self.places[rows]
        known = places >= 0
        places = np.where(known, places, 0)
        return self.stored.take(places) * (self.inverse[places] * known)[:, None]

    @cached_property
    def total(self) -> IntArray:
        """Sum of the vectors at length 1 in units of 2 ** -30, shape (d,), int64."""
        return self._sum_of(np.flatnonzero(self.known))

    def _sum_of(self, rows: IntArray) -> IntArray:
        total = np.zeros(self.shape[1], dtype=np.int64)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = self.take(rows[start : start + _ROWS_AT_ONCE]).astype(np.float64)
            part *= _UNITS
            # Sums of 4,096 such numbers are below 2 ** 53, so floats hold them exactly.
            total += np.rint(part, out=part).sum(axis=0).astype(np.int64)
        return total

    def _with_total(self, total: IntArray | None) -> VectorColumn:
        """This column with its sum, where it is known already."""
        if total is not None:
            self.__dict__["total"] = total
        return self

    @cached_property
    def likeness_to_mean(self) -> FloatArray:
        """Product of each vector, at length 1, with the mean of all, shape (n,); 0 without one.

        The mean of few says little of a pool, so it is drawn to zero as if there were
        twenty vectors of zeros.
        """
        mean = self.total / _UNITS / (int(self.known.sum()) + _PRIOR_ROWS)
        return self.dot(mean.astype(np.float32))

    def changed(self, rows: RowMap) -> VectorColumn:
        """The column of other items; fresh ones are pending."""
        places = np.arange(len(self.inverse)) if self.places is None else self.places
        changed = VectorColumn(self.stored, self.inverse, rows.carried(places, PENDING))
        if "total" in self.__dict__:
            gone = rows.gone[self.known[rows.gone]]
            changed = changed._with_total(self.total - self._sum_of(gone))
        unused = len(self.inverse) - int(changed.known.sum())
        sparse = unused > _UNUSED_FREE + _UNUSED_SHARE * len(changed)
        return changed._compact() if sparse else changed

    def _compact(self) -> VectorColumn:
        kept = np.flatnonzero(self.known)
        places = np.array(self.places)
        held = places[kept]
        places[kept] = np.arange(len(kept))
        compact = VectorColumn(VectorRows((self.stored.take(held),)), self.inverse[held], places)
        return compact._with_total(self.__dict__.get("total"))

    def completed(self, vectors: Sequence[FloatArray | None]) -> VectorColumn:
        """The column with the vectors of the pending items, each of shape (d,), or None."""
        places = np.array(self.places)
        made = np.array([vector is not None for vector in vectors], dtype=bool)
        first = len(self.inverse)
        places[self.pending] = NONE
        places[self.pending[made]] = np.arange(first, first + int(made.sum()))
        same = len(places) == first + made.sum() and (places == np.arange(len(places))).all()
        stored, inverse = self.stored, self.inverse
        if made.any():
            new, new_inverse = _measured(np.stack([row for row in vectors if row is not None]))
            stored = stored.appended(new)
            inverse = np.concatenate([inverse, new_inverse])
        completed = VectorColumn(stored, inverse, None if same else places)
        if "total" not in self.__dict__:
            return completed
        return completed._with_total(self.total + completed._sum_of(self.pending[made]))


def column_of(vectors: Sequence[FloatArray | None]) -> VectorColumn | None:
    """The column of vectors of one length; None where no item has one.

    Args:
        vectors: Of each item, shape (d,), or None: its embedding, or what an embedder made.
    """
    known = np.array([vector is not None for vector in vectors], dtype=bool)
    rows = [vector for vector in vectors if vector is not None]
    if not rows:
        return None
    matrix = _common_array(rows)
    return VectorColumn.of_matrix(np.stack(rows) if matrix is None else matrix).spread(known)


def _common_array(rows: Sequence[FloatArray]) -> FloatArray | None:
    """The array whose rows, all after one another, the vectors are; None if they are copies."""
    base = rows[0].base
    if not isinstance(base, np.ndarray) or base.dtype != np.float32 or rows[0].flags.writeable:
        return None
    dimensions, step = len(rows[0]), rows[0].nbytes
    if any(row.base is not base or row.strides != (4,) for row in rows):
        return None
    start = rows[0].__array_interface__["data"][0]
    for place, row in enumerate(rows):
        if row.__array_interface__["data"][0] != start + place * step:
            return None
    return np.lib.stride_tricks.as_strided(
        rows[0], (len(rows), dimensions), (step, 4), writeable=False
    )


def _measured(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The rows and one over the length of each; rows too long or short to square at length 1."""
    lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    odd = np.flatnonzero(~((lengths > _LEAST_LENGTH) & (lengths < _MOST_LENGTH)))
    if len(odd) and matrix[odd].any():
        matrix = np.array(matrix)
        exact = matrix[odd].astype(np.float64)
        scale = np.linalg.norm(exact, axis=1, keepdims=True)
        matrix[odd] = exact / np.where(scale > 0, scale, 1.0)
        lengths[odd] = scale[:, 0] > 0
    return matrix, (1.0 / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
