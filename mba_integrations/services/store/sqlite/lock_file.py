"""Locks between processes, on files beside the database.

`<db>.lock` is held as long as the store is open: by one process alone, or by several that share.
`<db>.write-lock` is held for one transaction or checkpoint. The operating system gives them up when
a process ends, however it ends. The files stay: who deletes a lock file takes the lock from under
others.

A process that writes much would take its lock again before another one has woken up. So who waits
for it holds `<db>.turn-lock` meanwhile, and who had it must first get that one:

    A writes, B waits for the lock and has the turn, C waits for the turn
    A ends; B writes; A and C wait for the turn, and whoever gets it is next
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_HOLDER_BYTES = 4_096

if sys.platform == "win32":
    import msvcrt
    import time

    _PAUSE_S = 0.001

    # Regions are locked for one owner alone, so those who share take one byte each of this many,
    # behind the text of the file, and who wants the file alone takes all.
    _SLOTS = 512

    def _try_lock(file: int, *, shared: bool) -> bool:
        for slot in range(_SLOTS if shared else 1):
            os.lseek(file, _HOLDER_BYTES + slot, os.SEEK_SET)
            try:
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1 if shared else _SLOTS)
            except OSError:
                continue
            return True
        return False

    def _lock(file: int) -> None:
        while not _try_lock(file, shared=False):
            time.sleep(_PAUSE_S)

    def _unlock(file: int) -> None:
        for slot, count in ((0, _SLOTS), *((slot, 1) for slot in range(_SLOTS))):
            os.lseek(file, _HOLDER_BYTES + slot, os.SEEK_SET)
            with contextlib.suppress(OSError):  # that is not what is locked
                msvcrt.locking(file, msvcrt.LK_UNLCK, count)
                return

else:
    import fcntl

    def _try_lock(file: int, *, shared: bool) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


class Holder(NamedTuple):  # a dataclass would cost a hook, which reads it, 15 ms of imports
    """Who holds a lock.

    Attributes:
        pid: Its process.
        url: Where it answers; None where it does not.
        exclusive: Whether it has the file for itself.
    """

    pid: int
    url: str | None
    exclusive: bool


class LockFile:
    """A lock of one process, or of several that share it.

    Args:
        path: The file; made if it is not there, readable by its owner alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)

    def try_lock(self, *, shared: bool) -> bool:
        """Whether the lock is ours now."""
        return _try_lock(self._file, shared=shared)

    def lock(self) -> None:
        """Wait for the lock for oneself, however long that takes."""
        _lock(self._file)

    def share(self) -> bool:
        """Let others share a lock that is ours; whether it still is, for one may come between."""
        self.unlock()
        return self.try_lock(shared=True)

    def unlock(self) -> None:
        """Give the lock up."""
        _unlock(self._file)

    def say_who(self, holder: Holder) -> None:
        """Write who holds the lock, for those who want it."""
        said = json.dumps(holder._asdict()).encode()
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, said)

    def holder(self) -> Holder | None:
        """Who wrote that they hold the lock; None if that cannot be read."""
        os.lseek(self._file, 0, os.SEEK_SET)
        try:
            said = json.loads(os.read(self._file, _HOLDER_BYTES))
            return Holder(int(said["pid"]), said["url"], bool(said["exclusive"]))
        except (ValueError, KeyError, TypeError):
            return None

    def close(self) -> None:
        """Give the lock up and close the file. A second time is no error."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class WriteLock:
    """The lock of one writer among several processes, each of which gets its turn.

    Args:
        path: The database.
    """

    def __init__(self, path: Path) -> None:
        self._turn = LockFile(path.with_name(f"{path.name}.turn-lock"))
        try:
            self._lock = LockFile(path.with_name(f"{path.name}.write-lock"))
        except BaseException:
            self._turn.close()
            raise

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the lock, however long that takes, and hold it."""
        self._turn.lock()
        try:
            self._lock.lock()
        finally:
            self._turn.unlock()
        try:
            yield
        finally:
            self._lock.unlock()

    def close(self) -> None:
        """Close the files. A second time is no error."""
        self._turn.close()
        self._lock.close()
