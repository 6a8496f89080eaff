"""Open files that others named: never wait for what does not come, never leave the folder.

A file is opened without blocking and looked at once it is open, so nobody can swap it in between.
A device, a socket or a folder is refused. A pipe is read where the person named it, as long as
something writes to it.
"""

from __future__ import annotations

import os
import select
import stat
from pathlib import Path

from mba_integrations.core.errors import InputError

_READ_BYTES = 1 << 16
_WRITER_SECONDS = 2.0
"""How long a pipe may have nobody who writes: the other program may just be starting."""
_SILENT_SECONDS = 60.0
"""How long a program may keep a pipe open without writing."""
# Neither flag is there on Windows, which has no named pipes in folders and few symbolic links.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BY_FOLDER = bool(_NO_LINK) and os.open in os.supports_dir_fd
_FOLDER = getattr(os, "O_DIRECTORY", 0)


class UnsuitableFileError(InputError):
    """A file is not read; the message says why, without its name."""


class FileTooLargeError(UnsuitableFileError):
    """A file has more bytes than it may.

    Attributes:
        detail: How many it has.
    """

    def __init__(self, message: str, *, detail: str) -> None:
        super().__init__(message)
        self.detail = detail


def read_named(path: Path) -> bytes:
    """All of a file or pipe that the person named.

    Raises:
        UnsuitableFileError: If it is a device or a socket, or a pipe that stays silent.
        OSError: If it cannot be read.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(mode):
            return _piped(descriptor)
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UnsuitableFileError("a device or a socket, not a file")
        return _read(descriptor)
    finally:
        os.close(descriptor)


def read_regular(path: Path, *, max_bytes: int) -> bytes:
    """All of a regular file.

    Raises:
        UnsuitableFileError: If it is none, or has more than *max_bytes*.
        OSError: If it cannot be read.
    """
    return _regular(os.open(path, _FLAGS), max_bytes)


def read_below(root: Path, path: str, *, max_bytes: int) -> bytes:
    """All of the regular file at *path* below *root*, with no symbolic link on the way.

    Where the system can open a file in an open folder, each part is opened in the one before, so a
    part that is swapped for a link while this runs is not followed either. Elsewhere the whole path
    is resolved first.

    Raises:
        UnsuitableFileError: If it is no regular file, or has more than *max_bytes*.
        OSError: If it cannot be read, or a part of it is a symbolic link.
    """
    if not _BY_FOLDER:
        return _regular(os.open(_resolved_below(root, path), _FLAGS), max_bytes)
    folder = os.open(root, os.O_RDONLY | _FOLDER | os.O_CLOEXEC)
    try:
        *parents, name = path.split("/")
        for parent in parents:
            folder = _entered(folder, parent)
        return _regular(os.open(name, _FLAGS | _NO_LINK, dir_fd=folder), max_bytes)
    finally:
        os.close(folder)


def _entered(folder: int, name: str) -> int:
    """The folder *name* in *folder*, which is closed once it is open."""
    below = os.open(name, os.O_RDONLY | _FOLDER | _NO_LINK | os.O_CLOEXEC, dir_fd=folder)
    os.close(folder)
    return below


def _resolved_below(root: Path, path: str) -> Path:
    resolved = (root / path).resolve()
    if resolved != root.resolve() / path:
        raise UnsuitableFileError("behind a symbolic link")
    return resolved


def _regular(descriptor: int, max_bytes: int) -> bytes:
    """The content of an open file, which is closed."""
    try:
        known = os.fstat(descriptor)
        if not stat.S_ISREG(known.st_mode):
            raise UnsuitableFileError("not a regular file")
        if known.st_size > max_bytes:
            raise FileTooLargeError(f"over {max_bytes:,} bytes", detail=f"{known.st_size:,}")
        # A file that grows meanwhile is read to its limit only.
        return _read(descriptor, max_bytes)
    finally:
        os.close(descriptor)


def _read(descriptor: int, max_bytes: int | None = None) -> bytes:
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(-1 if max_bytes is None else max_bytes)


def _piped(descriptor: int) -> bytes:
    parts: list[bytes] = []
    waited = False
    while True:
        try:
            part = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            if not _waited_for(descriptor, _SILENT_SECONDS):
                raise UnsuitableFileError(
                    f"a pipe through which nothing came for {_SILENT_SECONDS:g} seconds"
                ) from None
            continue
        if part:
            parts.append(part)
        elif parts or waited:
            break
        else:  # Nobody has opened it for writing yet, or has closed it again.
            _waited_for(descriptor, _WRITER_SECONDS)
            waited = True
    if not parts:
        raise UnsuitableFileError("a pipe that nothing was written to")
    return b"".join(parts)


def _waited_for(descriptor: int, seconds: float) -> bool:
    ready, _, _ = select.select([descriptor], [], [], seconds)
    return bool(ready)
