"""The log on disk: append lines, read them back, and write an export in one piece.

A line is one write to a file that is opened for appending, under an advisory lock where the system
has one, so lines of several threads and processes do not mix. Whoever may read the file may hold
its lock, so the wait for it is bounded. A line that a crash cut short is closed by the next append
and reported by `read_log_file`; the others stay readable. An export is written beside its target
and moved over it, so a crash leaves the old file whole.

Text is ASCII with escapes, so any string can be stored.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mba_integrations.core.arguments import checked_path
from mba_integrations.core.errors import InputError
from mba_integrations.core.log.records import SCHEMA_VERSION, LogRecord, record_from_dict

SHOWN_PROBLEMS = 20
"""Bad lines that are described; all of them are counted."""
LOCK_SECONDS = 1.0
"""How long an append waits for the lock. One that appends holds it for less than a millisecond."""
_LOCK_POLL_SECONDS = 0.002
_NEW_FILE_MODE = 0o644

if sys.platform == "win32":

    def _lock(descriptor: int, patience_seconds: float) -> None:
        """Windows appends single writes in order without an advisory lock."""

else:
    import fcntl

    def _lock(descriptor: int, patience_seconds: float) -> None:
        """Wait for the lock, which closing the file releases; some file systems have none.

        Raises:
            OSError: If another program holds it for longer than *patience_seconds*.
        """
        until = time.monotonic() + patience_seconds
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise OSError(errno.EAGAIN, "another program holds its lock") from None
                time.sleep(_LOCK_POLL_SECONDS)
            except OSError:
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line of a log file that is not a record.

    Attributes:
        line_number: Counted from 1.
        message: What is wrong with it.
    """

    line_number: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line_number:,}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """What a log file holds.

    Attributes:
        records: In the order of the file.
        problem_count: Lines that are not records.
        problems: The first `SHOWN_PROBLEMS` of them.
    """

    records: tuple[LogRecord, ...]
    problem_count: int = 0
    problems: tuple[BadLine, ...] = ()


def append_record(
    path: str | os.PathLike[str], record: LogRecord, *, patience_seconds: float = LOCK_SECONDS
) -> None:
    """Append one line to the file, which is made if it is not there; its directory is not.

    Raises:
        OSError: If it cannot be written, or its lock is held by another for *patience_seconds*.
    """
    line = json.dumps(record.to_dict(), allow_nan=False, separators=(",", ":")).encode() + b"\n"
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, _NEW_FILE_MODE)
    try:
        _lock(descriptor, patience_seconds)
        if _is_cut_short(descriptor):
            line = b"\n" + line
        _write_all(descriptor, line)
    finally:
        os.close(descriptor)


def read_log_file(path: str | os.PathLike[str]) -> LogFile:
    """Read a file of JSON lines; lines that are not records are reported, blank ones skipped.

    Raises:
        InputError: If the file cannot be read, or *path* is none.
    """
    checked_path("path", path)
    records: list[LogRecord] = []
    problems: list[BadLine] = []
    count = 0
    for number, line in _numbered_lines(path):
        try:
            records.append(_parse(line))
        except InputError as error:
            count += 1
            if len(problems) < SHOWN_PROBLEMS:
                problems.append(BadLine(line_number=number, message=str(error)))
    return LogFile(records=tuple(records), problem_count=count, problems=tuple(problems))


def export_records(
    records: Iterable[LogRecord], path: str | os.PathLike[str], *, exported_at: datetime
) -> None:
    """Write records to one JSON file: `schema_version`, `exported_at`, `records`.

    Raises:
        InputError: If the file cannot be written, or *path* is none; a file that was there is
            unchanged.
    """
    target = Path(os.path.realpath(checked_path("path", path)))
    document = {
        "schema_version": SCHEMA_VERSION,
        "exported_at": exported_at.isoformat(),
        "records": [record.to_dict() for record in records],
    }
    data = json.dumps(document, allow_nan=False, indent=1).encode() + b"\n"
    try:
        _replace_file(target, data)
    except OSError as error:
        raise InputError(f"the log cannot be exported to {path}: {_cause(error)}.") from error


def unwritable_note(path: str | os.PathLike[str], error: OSError) -> str:
    """What the caller is told when a record could not be appended."""
    cause = _cause(error)
    return f"log file {str(path)!r} could not be written ({cause}); the record is kept in memory"


def _cause(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _is_cut_short(descriptor: int) -> bool:
    """Whether the last line has no end; a pipe or a device has no last line."""
    known = os.fstat(descriptor)
    if not stat.S_ISREG(known.st_mode) or not known.st_size:
        return False
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) != b"\n"


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _numbered_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, bytes]]:
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise InputError(f"log file {path} cannot be read: {_cause(error)}.") from error


def _parse(line: bytes) -> LogRecord:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        ended = line.endswith(b"\n")
        raise InputError("not JSON" if ended else "not JSON; the line is cut short") from None
    return record_from_dict(values)


def _replace_file(target: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode_of(target))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def _mode_of(target: Path) -> int:
    return stat.S_IMODE(target.stat().st_mode) if target.exists() else _NEW_FILE_MODE


def _sync_directory(directory: Path) -> None:
    """Make the new name last through a power cut; not every system can open a directory."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
