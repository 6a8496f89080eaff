"""Records into a file: JSON lines or Parquet, piece by piece, as the records come.

    {"format": "mba-replay", "version": 1}
    {"settings": {...}}            those of the records that follow
    {"candidates": [...]}          likewise
    {"record": {...}}              one line each
    {"end": true, "count": 3, "sha256": "..."}

Parquet has a row for each record: columns to look records up by, and `settings`, `candidates` and
`record` as JSON. What records of a group share is stored in it once. Memory: one record, and of
Parquet one group.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from mba_integrations.core.errors import InputError
from mba_integrations.learning.replay.files.pieces import (
    json_end,
    json_line,
    parquet_pieces,
    proven,
)
from mba_integrations.learning.replay.files.written import written_candidates, written_own
from mba_integrations.learning.replay.records import ReplayRecord

FORMAT = "mba-replay"
VERSION = 1
GROUP = 500
_SHARED = ("settings", "candidates")
_DICTIONARY_BYTES = 256 * 2**20
"""Room for what the records of a group share; what is beyond is stored for each."""


class ReplayFormat(StrEnum):
    """How records are written."""

    JSONL = "jsonl"
    PARQUET = "parquet"


def record_pieces(records: Iterable[ReplayRecord], format: ReplayFormat) -> Iterator[bytes]:
    """Records as pieces of a file.

    Raises:
        MissingExtraError: If pyarrow is not installed, for Parquet.
        InputError: If a record's metadata is no JSON.
    """
    if format is ReplayFormat.JSONL:
        return proven(_lines(records), json_end)
    return parquet_pieces(
        _rows(records),
        _schema,
        "replay records as Parquet",
        group=GROUP,
        compression="zstd",
        use_dictionary=list(_SHARED),
        dictionary_pagesize_limit=_DICTIONARY_BYTES,
    )


def write_records(records: Iterable[ReplayRecord], path: str | Path) -> int:
    """Write records to a file, by its ending; gives how many. A file that is there is replaced by
    one that is whole.

    Raises:
        InputError: If the ending is neither `.jsonl` nor `.parquet`, or a record is no JSON.
        MissingExtraError: If pyarrow is not installed, for Parquet.
    """
    target, count = Path(path), 0

    def counted() -> Iterator[ReplayRecord]:
        nonlocal count
        for record in records:
            count += 1
            yield record

    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    pieces = record_pieces(counted(), format_of(target))
    try:
        with beside.open("wb") as file:
            file.writelines(pieces)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return count


def format_of(path: Path) -> ReplayFormat:
    """The format that a path ends in.

    Raises:
        InputError: If it is none.
    """
    try:
        return ReplayFormat(path.suffix.removeprefix("."))
    except ValueError:
        raise InputError(f"{path} must end in .jsonl or .parquet.") from None


def _lines(records: Iterable[ReplayRecord]) -> Iterator[str]:
    yield json_line({"format": FORMAT, "version": VERSION})
    for own, settings, candidates in _parts(records):
        for name, part in (("settings", settings), ("candidates", candidates)):
            if part.is_new:
                yield f'{{"{name}": {part.text}}}\n'
        yield f'{{"record": {own}}}\n'


def _rows(records: Iterable[ReplayRecord]) -> Iterator[dict[str, Any]]:
    for record, (own, settings, candidates) in _beside(records):
        yield {
            "allocation_id": record.allocation_id,
            "workspace_id": record.workspace_id,
            "session_id": record.session_id,
            "at": record.at,
            "budget_tokens": record.budget_tokens,
            "used_tokens": record.decided.used_tokens,
            "settings": settings.text,
            "candidates": candidates.text,
            "record": own,
        }


class _Part:
    """A part that records share, written once as long as it is the same object."""

    def __init__(self) -> None:
        self._of: Any = None
        self.text = ""
        self.is_new = False

    def take(self, value: Any, written: Any) -> _Part:
        """The part of the next record."""
        if value is not self._of or not self.text:
            text = _json(written(value))
            self.is_new = text != self.text
            self._of, self.text = value, text
        else:
            self.is_new = False
        return self


def _beside(
    records: Iterable[ReplayRecord],
) -> Iterator[tuple[ReplayRecord, tuple[str, _Part, _Part]]]:
    settings, candidates = _Part(), _Part()
    for record in records:
        yield (
            record,
            (
                _json(written_own(record)),
                settings.take(record.settings, dict),
                candidates.take(record.candidates, written_candidates),
            ),
        )


def _parts(records: Iterable[ReplayRecord]) -> Iterator[tuple[str, _Part, _Part]]:
    return (parts for _, parts in _beside(records))


def _json(value: Any) -> str:
    """ASCII, so that lone surrogates and line separators survive."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"a replay record is no JSON: {error}.") from error


def _schema() -> Any:
    import pyarrow as pa

    text, whole = pa.string(), pa.int64()
    fields = [
        *(("allocation_id", text), ("workspace_id", text), ("session_id", text)),
        *(("at", pa.timestamp("us", tz="UTC")), ("budget_tokens", whole), ("used_tokens", whole)),
        *(("settings", text), ("candidates", text), ("record", text)),
    ]
    return pa.schema(fields, metadata={"format": FORMAT, "version": str(VERSION)})
