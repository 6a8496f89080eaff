"""The export of a workspace: JSON lines that say what they are, and that they are whole.

    {"format": "mba-memories", "version": 1, "workspace_id": "kate", ...}
    {"kind": "memory", "id": "m1", ...}
    {"end": true, "count": 1, "sha256": "..."}

The last line counts the records and has the SHA-256 of every byte before it, so a file that was cut
or changed is seen before anything of it is imported. A file of a newer version is refused. Writing
goes into a file beside it that takes its name once all is on the disk. Memory: one record.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mba_integrations.core.arguments import checked_path, shown
from mba_integrations.core.errors import InputError

FORMAT = "mba-memories"
VERSION = 1
MOST_LINE_BYTES = 16 * 1024 * 1024
"""No record of ours is longer; what is has no line ends, and would be read as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReceipt:
    """What was written.

    Attributes:
        path: The file.
        count: Records between the first line and the last.
        sha256: Of every byte before the last line, hexadecimal.
    """

    path: Path
    count: int
    sha256: str


def write_export(
    path: str | Path, header: Mapping[str, Any], records: Iterable[Mapping[str, Any]]
) -> ExportReceipt:
    """Write an export; a file of that name is replaced once the new one is whole.

    Raises:
        InputError: If it cannot be written; what was there stays.
    """
    target = checked_path("path", path)
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            lines = ExportLines(header, records)
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return ExportReceipt(path=target, count=lines.count, sha256=lines.sha256)


class ExportLines:
    """The lines of an export, the last one with their count and hash. To be read once.

    Args:
        header: What the first line says besides format and version.
        records: What stands between the first line and the last.

    Attributes:
        count: Records until now.
    """

    def __init__(self, header: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> None:
        self._header = header
        self._records = records
        self._hashed = hashlib.sha256()
        self.count = 0

    @property
    def sha256(self) -> str:
        """Of every byte until now but those of the last line, hexadecimal."""
        return self._hashed.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        yield self._line({"format": FORMAT, "version": VERSION, **self._header})
        for record in self._records:
            yield self._line(record)
            self.count += 1
        end = {"end": True, "count": self.count, "sha256": self.sha256}
        yield json.dumps(end).encode() + b"\n"

    def _line(self, values: Mapping[str, Any]) -> bytes:
        line = json.dumps(values, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"
        self._hashed.update(line)
        return line


@dataclass(frozen=True, slots=True)
class ExportFile:
    """An export that was found to be whole.

    Attributes:
        path: The file.
        header: Its first line.
        count: How many records it has.
        sha256: Of every byte before the last line, hexadecimal.
    """

    path: Path
    header: Mapping[str, Any]
    count: int
    sha256: str

    def records(self) -> Iterator[dict[str, Any]]:
        """The records in their order, read again from the file."""
        with open(self.path, "rb") as file:
            next(file)
            for _, line in zip(range(self.count), file, strict=False):
                yield json.loads(line)


def open_export(path: str | Path) -> ExportFile:
    """An export, read once to its end to see that it is whole.

    Raises:
        InputError: If it cannot be read, is no export, is of a newer version, or was cut or
            changed; with the line.
    """
    source = checked_path("path", path)
    try:
        with open(source, "rb") as file:
            return _checked(source, file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}.") from error


def _checked(path: Path, file: BinaryIO) -> ExportFile:
    first = file.readline(MOST_LINE_BYTES)
    header = _parsed(path, first, 1)
    _check_header(path, header)
    hashed, count = hashlib.sha256(first), 0
    for number, line in enumerate(iter(lambda: file.readline(MOST_LINE_BYTES), b""), start=2):
        values = _parsed(path, line, number)
        if values.get("end") is True:
            _check_end(path, values, count, hashed.hexdigest())
            _check_nothing_follows(path, file)
            return ExportFile(path, header, count, hashed.hexdigest())
        hashed.update(line)
        count += 1
    raise InputError(f"{path}: the export was cut: it ends after {count:,} records without an end.")


def _parsed(path: Path, line: bytes, number: int) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        cut = "" if line.endswith(b"\n") else " It may have been cut."
        raise InputError(f"{path}:{number}: not JSON: {error}.{cut}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}:{number}: must be an object, got {shown(values)}.")
    return values


def _check_header(path: Path, header: Mapping[str, Any]) -> None:
    if header.get("format") != FORMAT:
        raise InputError(f"{path}: is no export of memories: its first line says no {FORMAT!r}.")
    version = header.get("version")
    if type(version) is not int or version < 1:
        raise InputError(f"{path}: the version must be a whole number, got {shown(version)}.")
    if version > VERSION:
        raise InputError(
            f"{path}: is of version {version}, this release reads {VERSION}. Update the package."
        )


def _check_end(path: Path, end: Mapping[str, Any], count: int, digest: str) -> None:
    if end.get("count") != count:
        said = shown(end.get("count"))
        raise InputError(f"{path}: has {count:,} records, its last line says {said}.")
    if end.get("sha256") != digest:
        raise InputError(f"{path}: was changed after it was written: its hash is another.")


def _check_nothing_follows(path: Path, file: BinaryIO) -> None:
    if file.read(1):
        raise InputError(f"{path}: something follows the last line.")
