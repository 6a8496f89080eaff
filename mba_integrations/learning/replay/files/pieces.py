"""Rows as pieces of a file that proves itself whole: lines with a hash at their end, or Parquet.

    {"format": ..., ...}                                    what the file is
    one line each
    {"end": true, "count": 2, "sha256": "..."}              of every byte before this line

The bytes of Parquet end with the format's own footer. Memory: one row, and of Parquet one group.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from mba_integrations.core.errors import MissingExtraError


def json_line(value: Mapping[str, Any]) -> str:
    """A line of JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"


def json_end(count: int, digest: str) -> str:
    """The last line of JSON lines."""
    return json_line({"end": True, "count": count, "sha256": digest})


def proven(lines: Iterable[str], end: Callable[[int, str], str]) -> Iterator[bytes]:
    """The lines, and one that has the count of all but the first and the hash of all.

    Args:
        lines: The first says what the file is.
        end: The last line, of a count and a hash.
    """
    hashed, count = hashlib.sha256(), -1
    for line in lines:
        count += 1
        written = line.encode("utf-8", "surrogatepass")
        hashed.update(written)
        yield written
    yield end(count, hashed.hexdigest()).encode()


def check_pyarrow(what: str) -> None:
    """Refuse Parquet where its library is not installed.

    Raises:
        MissingExtraError: With the extra.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingExtraError(what, extra="parquet")


def parquet_pieces(
    rows: Iterable[Mapping[str, Any]],
    schema: Callable[[], Any],
    what: str,
    *,
    group: int,
    **options: Any,
) -> Iterator[bytes]:
    """Rows as pieces of a Parquet file.

    Args:
        rows: By column.
        schema: Makes the schema.
        what: What is written, for the error.
        group: Rows of a group.
        options: Of pyarrow's writer.

    Raises:
        MissingExtraError: If pyarrow is not installed.
    """
    check_pyarrow(what)
    return _parquet_pieces(iter(rows), schema(), group, options)


def _parquet_pieces(
    rows: Iterator[Mapping[str, Any]], schema: Any, group: int, options: Mapping[str, Any]
) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pieces = _Pieces()
    with pq.ParquetWriter(pieces, schema, **options) as writer:
        while values := list(islice(rows, group)):
            writer.write_table(pa.Table.from_pylist(values, schema=schema))
            yield pieces.taken()
    yield pieces.taken()


class _Pieces(io.RawIOBase):
    """A file whose bytes are taken as they come, and never read again."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._place = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, some: Any) -> int:
        """Take bytes."""
        self._waiting += some
        self._place += len(some)
        return len(some)

    def tell(self) -> int:
        """How many bytes it has taken."""
        return self._place

    def taken(self) -> bytes:
        """What waits, once."""
        waiting, self._waiting = bytes(self._waiting), bytearray()
        return waiting
