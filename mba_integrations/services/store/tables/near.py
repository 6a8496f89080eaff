"""The vectors of a large workspace once more, as pgvector compares them.

The column is there where the server has pgvector, so it is none of the tables that both databases
have. It holds unit vectors of 16-bit floats; the exact ones beside it stay what a choice is made
from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import OID
from sqlalchemy.types import UserDefinedType

from mba_integrations.core.arrays import FloatArray
from mba_integrations.services.store.tables.columns import Key

COLUMN = "near"
STORED = np.dtype("<f4")
"""The numbers of an exact vector."""
MOST_NUMBERS = 4_000
"""Of a vector that pgvector's index takes."""


class HalfBytes(bytes):
    """A vector as pgvector sends and receives it, told apart from other bytes."""


class HalfVector(UserDefinedType[FloatArray]):
    """A vector of 16-bit floats; of n numbers where that is said."""

    cache_ok = True
    render_bind_cast = True  # without the cast the server takes the bytes for a text

    def __init__(self, numbers: int | None = None) -> None:
        self.numbers = numbers

    def get_col_spec(self, **_: Any) -> str:
        """The name of the type."""
        return "halfvec" if self.numbers is None else f"halfvec({self.numbers})"

    def bind_processor(self, dialect: Any) -> Callable[[FloatArray | None], HalfBytes | None]:
        return _half_bytes


def _half_bytes(vector: FloatArray | None) -> HalfBytes | None:
    if vector is None:
        return None
    head = np.array([len(vector), 0], dtype=">u2").tobytes()
    return HalfBytes(head + np.asarray(vector, dtype=">f2").tobytes())


memory_near = Table(
    "memory_vector",
    MetaData(),
    Column("workspace_id", Key, primary_key=True),
    Column("model_id", Key, primary_key=True),
    Column("memory_id", Key, primary_key=True),
    Column("dim", Integer),
    Column("vector", LargeBinary),
    Column(COLUMN, HalfVector()),
)
"""`memory_vector` with the column, where it is there."""

_CATALOGUE = MetaData(schema="pg_catalog")
attribute = Table(
    "pg_attribute",
    _CATALOGUE,
    Column("attrelid", OID),
    Column("attname", Text),
    Column("attisdropped", Boolean),
)
"""Postgres' columns, for whether ours is there."""
index = Table("pg_index", _CATALOGUE, Column("indexrelid", OID), Column("indisvalid", Boolean))
"""Postgres' indexes, for whether that of a workspace is there."""


def unit_vector(vector: FloatArray) -> FloatArray | None:
    """The vector with length 1; None if it has no direction.

    >>> unit_vector(np.array([3.0, 4.0])), unit_vector(np.zeros(2))
    (array([0.6, 0.8], dtype=float32), None)
    """
    length = float(np.linalg.norm(np.asarray(vector, dtype=np.float64)))
    if not np.isfinite(length) or length <= 0.0:
        return None
    return np.asarray(np.asarray(vector, dtype=np.float64) / length, dtype=np.float32)


def near_vectors(vectors: Sequence[FloatArray]) -> list[FloatArray]:
    """What pgvector compares: zeros, near nothing, for a vector without a direction."""
    made = map(unit_vector, vectors)
    zeros = (np.zeros(len(vector), dtype=np.float32) for vector in vectors)
    return [zero if unit is None else unit for unit, zero in zip(made, zeros, strict=True)]
