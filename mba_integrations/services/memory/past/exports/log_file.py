"""The log of a workspace as pieces of a file: JSON lines, CSV or Parquet, whole or seen to be cut.

    jsonl    {"format": "mba-allocations", ...}, one line each, {"end": true, "count": 2, ...}
    csv      a heading, one line each, and a last line `#end,2,...`
    parquet  the format's own footer

The hash is that of every byte before the last line. Memory: one row, and of Parquet one group.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from mba_integrations.core.model import MemoryTier
from mba_integrations.learning.replay.files.pieces import (
    json_end,
    json_line,
    parquet_pieces,
    proven,
)
from mba_integrations.services.store.rows.allocations import AllocationRow, FeedbackRow

LoggedRow = tuple[AllocationRow, Sequence[FeedbackRow]]
"""A past recall, and what was said of it."""
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
    return ["at", *_OF_ROW, *_OF_RECORD, *tiers, "omitted", "feedback"]


def log_pieces(rows: Iterable[LoggedRow], format: LogFormat, workspace_id: str) -> Iterator[bytes]:
    """A log, piece by piece, as its rows come.

    Raises:
        MissingExtraError: If pyarrow is not installed, for Parquet.
    """
    if format is LogFormat.PARQUET:
        return _parquet(rows)
    if format is LogFormat.JSONL:
        return proven(_lines(rows, workspace_id), json_end)
    return proven(_table(rows), lambda count, digest: _csv(["#end", count, digest]))


def _lines(rows: Iterable[LoggedRow], workspace_id: str) -> Iterator[str]:
    yield json_line({"format": FORMAT, "version": VERSION, "workspace_id": workspace_id})
    for row, said in rows:
        of_row = {name: getattr(row, name) for name in _OF_ROW}
        more = {"record": dict(row.record), "feedback": _said(said)}
        yield json_line({"at": row.at.isoformat(), **of_row, **more})


def _table(rows: Iterable[LoggedRow]) -> Iterator[str]:
    yield _csv(columns())
    for row, said in rows:
        yield _csv(list(_flat(row, said).values()))


def _parquet(rows: Iterable[LoggedRow]) -> Iterator[bytes]:
    written = ({**_flat(row, said), "at": row.at} for row, said in rows)
    return parquet_pieces(written, _schema, "a log as Parquet", group=_GROUP)


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


def _said(rows: Sequence[FeedbackRow]) -> list[dict[str, Any]]:
    return [
        {
            "memory_id": row.memory_id,
            "origin": row.origin.value,
            "useful": row.useful,
            "weight": row.weight,
            "at": row.at.isoformat(),
        }
        for row in rows
    ]


def _flat(row: AllocationRow, said: Sequence[FeedbackRow]) -> dict[str, Any]:
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
        "feedback": json.dumps(_said(said)),
    }


def _csv(values: list[Any]) -> str:
    """One line; a text that a spreadsheet would take for a formula begins with a quote."""
    safe = [
        f"'{one}" if isinstance(one, str) and one[:1] in ("=", "+", "-", "@") else one
        for one in values
    ]
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(safe)
    return line.getvalue()
