"""The log of a workspace as a file: JSON lines, CSV or Parquet, whole or seen to be cut.

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
from pathlib import Path
from typing import Any, BinaryIO

from mba_integrations.core.errors import MissingExtraError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.rows.allocations import AllocationRow

FORMAT = "mba-allocations"
VERSION = 1
_GROUP = 10_000
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


def write_log(
    path: Path, rows: Iterable[AllocationRow], format: LogFormat, workspace_id: str
) -> None:
    """Write a log to a file.

    Raises:
        MissingExtraError: If pyarrow is not installed, for Parquet.
    """
    if format is LogFormat.PARQUET:
        _write_parquet(path, rows)
        return
    with path.open("wb") as file:
        if format is LogFormat.JSONL:
            _write_lines(file, rows, workspace_id)
        else:
            _write_csv(file, rows)


class _Hashed:
    """A file, and the hash of what went into it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.count = 0

    def put(self, line: str) -> None:
        """Write a line."""
        written = line.encode()
        self._hash.update(written)
        self._file.write(written)

    @property
    def digest(self) -> str:
        """Of every byte until now, hexadecimal."""
        return self._hash.hexdigest()


def _write_lines(file: BinaryIO, rows: Iterable[AllocationRow], workspace_id: str) -> None:
    out = _Hashed(file)
    out.put(_json({"format": FORMAT, "version": VERSION, "workspace_id": workspace_id}))
    for row in rows:
        of_row = {name: getattr(row, name) for name in _OF_ROW}
        out.put(_json({"at": row.at.isoformat(), **of_row, "record": dict(row.record)}))
        out.count += 1
    file.write(_json({"end": True, "count": out.count, "sha256": out.digest}).encode())


def _write_csv(file: BinaryIO, rows: Iterable[AllocationRow]) -> None:
    out = _Hashed(file)
    out.put(_csv(columns()))
    for row in rows:
        out.put(_csv(list(_flat(row).values())))
        out.count += 1
    file.write(_csv(["#end", out.count, out.digest]).encode())


def _write_parquet(path: Path, rows: Iterable[AllocationRow]) -> None:
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingExtraError("a log as Parquet", extra="parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "time": pa.timestamp("us", tz="UTC"),
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "text": pa.string(),
    }
    kinds = {name: "int" if name.endswith("_used_tokens") else "text" for name in columns()}
    schema = pa.schema([(name, types[_KINDS.get(name, kinds[name])]) for name in columns()])
    with pq.ParquetWriter(path, schema) as writer:
        for group in _groups(rows):
            values = [{**_flat(row), "at": row.at} for row in group]
            writer.write_table(pa.Table.from_pylist(values, schema=schema))


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
