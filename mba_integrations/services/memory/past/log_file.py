"""The log of a workspace as pieces of a file: JSON lines, CSV or Parquet, whole or seen to be cut.

    jsonl    {"format": "mba-allocations", ...}, one line each, {"end": true, "count": 2, ...}
    csv      a heading, one line each, and a last line `#end,2,...`
    parquet  the format's own footer

The hash is that of every byte before the last line. Memory: one row, and of Parquet one group.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import Any

from mba_integrations.core.errors import MissingExtraError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.rows.allocations import AllocationRow

FORMAT = "mba-allocations"
VERSION = 1
_GROUP = 2_000
_OF_ROW = (
    *("allocation_id", "session_id", "settings_version", "core_version", "change_seq"),
    *("prefix_hash", "stable_prefix_tokens", "query_hash"),
)
_OF_RECORD = (
    *("complexity", "budget_tokens", "used_tokens", "value", "upper_bound", "duration_ms"),
    *("selected_count", "counter_id", "exact", "query"),
)
_KINDS = {
    **{"at": "time", "settings_version": "int", "change_seq": "int", "exact": "bool"},
    **{"stable_prefix_tokens": "int", "budget_tokens": "int", "used_tokens": "int"},
    **{"value": "float", "upper_bound": "float", "duration_ms": "float", "selected_count": "int"},
}


class LogFormat(StrEnum):
    """How the log is written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def columns() -> list[str]:
    """The columns of CSV and Parquet."""
    tiers = [f"{tier.value}_used_tokens" for tier in MemoryTier]
    return ["at", *_OF_ROW, *_OF_RECORD, *tiers, "omitted"]


def log_pieces(
    rows: Iterable[AllocationRow], format: LogFormat, workspace_id: str
) -> Iterator[bytes]:
    """A log, piece by piece, as its rows come.

    Raises:
        MissingExtraError: If pyarrow is not installed, for Parquet.
    """
    if format is LogFormat.PARQUET:
        return _parquet(rows)
    lines = _lines(rows, workspace_id) if format is LogFormat.JSONL else _table(rows)
    return _proven(lines, format)


def _proven(lines: Iterator[str], format: LogFormat) -> Iterator[bytes]:
    """The lines, and one that has the count of all but the first and the hash of all."""
    hashed, count = hashlib.sha256(), -1
    for line in lines:
        count += 1
        written = line.encode()
        hashed.update(written)
        yield written
    digest = hashed.hexdigest()
    if format is LogFormat.JSONL:
        yield _json({"end": True, "count": count, "sha256": digest}).encode()
    else:
        yield _csv(["#end", count, digest]).encode()


def _lines(rows: Iterable[AllocationRow], workspace_id: str) -> Iterator[str]:
    yield _json({"format": FORMAT, "version": VERSION, "workspace_id": workspace_id})
    for row in rows:
        of_row = {name: getattr(row, name) for name in _OF_ROW}
        yield _json({"at": row.at.isoformat(), **of_row, "record": dict(row.record)})


def _table(rows: Iterable[AllocationRow]) -> Iterator[str]:
    yield _csv(columns())
    for row in rows:
        yield _csv(list(_flat(row).values()))


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


def _parquet(rows: Iterable[AllocationRow]) -> Iterator[bytes]:
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingExtraError("a log as Parquet", extra="parquet")
    return _parquet_pieces(rows)


def _parquet_pieces(rows: Iterable[AllocationRow]) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pieces, schema = _Pieces(), _schema()
    with pq.ParquetWriter(pieces, schema) as writer:
        for group in _groups(rows):
            values = [{**_flat(row), "at": row.at} for row in group]
            writer.write_table(pa.Table.from_pylist(values, schema=schema))
            yield pieces.taken()
    yield pieces.taken()


def _schema() -> Any:
    import pyarrow as pa

    types = {
        "time": pa.timestamp("us", tz="UTC"),
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "text": pa.string(),
    }
    kinds = {name: "int" if name.endswith("_used_tokens") else "text" for name in columns()}
    return pa.schema([(name, types[_KINDS.get(name, kinds[name])]) for name in columns()])


def _groups(rows: Iterable[AllocationRow]) -> Iterator[list[AllocationRow]]:
    left = iter(rows)
    while group := list(islice(left, _GROUP)):
        yield group


def _flat(row: AllocationRow) -> dict[str, Any]:
    """The row as one level of columns."""
    record = row.record
    tiers: Mapping[str, Any] = record["tiers"]
    return {
        "at": row.at.isoformat(),
        **{name: getattr(row, name) for name in _OF_ROW},
        **{name: record.get(name) for name in _OF_RECORD},
        **{
            f"{tier.value}_used_tokens": tiers.get(tier.value, {}).get("used_tokens")
            for tier in MemoryTier
        },
        "omitted": json.dumps(record["omission_reasons"]),
    }


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"


def _csv(values: list[Any]) -> str:
    """One line; a text that a spreadsheet would take for a formula begins with a quote."""
    safe = [
        f"'{one}" if isinstance(one, str) and one[:1] in ("=", "+", "-", "@") else one
        for one in values
    ]
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(safe)
    return line.getvalue()
