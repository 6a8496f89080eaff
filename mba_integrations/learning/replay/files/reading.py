"""Records out of a file, one by one, as they stand in it.

Records that share their settings or candidates in the file share them in memory. JSON lines are
seen to be cut or changed when their end is reached, Parquet when it is opened. Memory: one record,
and of Parquet a batch and what its group shares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.learning.replay.files.pieces import check_pyarrow
from mba_integrations.learning.replay.files.writing import (
    FORMAT,
    VERSION,
    ReplayFormat,
    format_of,
)
from mba_integrations.learning.replay.files.written import read_candidates, read_record
from mba_integrations.learning.replay.records import ReplayRecord

_BATCH = 100


def read_records(path: str | Path) -> Iterator[ReplayRecord]:
    """The records of a file, by its ending.

    Raises:
        InputError: If the ending is neither `.jsonl` nor `.parquet`; if the file is of another
            kind or a newer version; if it is cut or changed, where it ends as JSON lines.
        MissingExtraError: If pyarrow is not installed, for Parquet.
    """
    file = Path(path)
    if format_of(file) is ReplayFormat.JSONL:
        return _of_lines(file)
    check_pyarrow("replay records as Parquet")
    return _of_parquet(file)


def _of_lines(path: Path) -> Iterator[ReplayRecord]:
    hashed, count = hashlib.sha256(), 0
    settings: dict[str, Any] = {}
    candidates: tuple[MemoryItem, ...] = ()
    with path.open("rb") as lines:
        first = next(lines, b"")
        _check_header(_object(path, 1, first), path)
        hashed.update(first)
        for number, line in enumerate(lines, start=2):
            values = _object(path, number, line)
            if "end" in values:
                _check_end(values, count, hashed.hexdigest(), path, next(lines, None))
                return
            hashed.update(line)
            count += 1
            if "settings" in values:
                settings = values["settings"]
            elif "candidates" in values:
                candidates = _read(path, number, read_candidates, values["candidates"])
            else:
                yield _read(
                    *(path, number, read_record),
                    *(values.get("record", {}), settings, candidates),
                )
    raise InputError(f"{path} is cut: its last line is missing.")


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise InputError(f"{path}:{number}: no object of JSON.")
    return values


def _read(path: Path, number: int, read: Callable[..., Any], *parts: Any) -> Any:
    try:
        return read(*parts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}:{number}: {error}") from error


def _check_header(values: Mapping[str, Any], path: Path) -> None:
    if values.get("format") != FORMAT:
        raise InputError(f"{path} has no replay records: its format is not {FORMAT!r}.")
    version = str(values.get("version"))
    if version != str(VERSION):
        raise InputError(
            f"{path} is of version {version}, this release reads {VERSION}. "
            "Update mba-integrations."
        )


def _check_end(
    end: Mapping[str, Any], count: int, digest: str, path: Path, more: bytes | None
) -> None:
    if more is not None or end.get("count") != count or end.get("sha256") != digest:
        raise InputError(f"{path} was changed: its last line is of other lines.")


def _of_parquet(path: Path) -> Iterator[ReplayRecord]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Buffered ahead, all of the file that was read stays in memory until its end.
        file = pq.ParquetFile(path, read_dictionary=["settings", "candidates"], pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path} is no whole Parquet file: {error}.") from error
    with file:
        known = file.schema_arrow.metadata or {}
        _check_header({key.decode(): value.decode() for key, value in known.items()}, path)
        yield from _of_batches(file, path)


def _of_batches(file: Any, path: Path) -> Iterator[ReplayRecord]:
    settings = _Shared(dict)
    candidates = _Shared(read_candidates)
    row = 0
    for batch in file.iter_batches(_BATCH, columns=["settings", "candidates", "record"]):
        parts = zip(
            settings.of(batch.column("settings")),
            candidates.of(batch.column("candidates")),
            batch.column("record"),
            strict=True,
        )
        for of_then, chosen_from, own in parts:
            row += 1
            yield _read(path, row, read_record, json.loads(own.as_py()), of_then, chosen_from)


class _Shared:
    """Values of a column that is stored as a dictionary, each read once while it comes again."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self._read = read
        self._known: dict[str, Any] = {}

    def of(self, column: Any) -> Iterator[Any]:
        """The values of a batch."""
        places = column.indices.to_pylist()
        texts = {place: column.dictionary[place].as_py() for place in set(places)}
        known = {
            text: self._known[text] if text in self._known else self._read(json.loads(text))
            for text in texts.values()
        }
        self._known = known
        return (known[texts[place]] for place in places)
