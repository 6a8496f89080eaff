"""Locks between processes, on files beside the database.

`<db>.lock` is held as long as the store is open: by one process alone, or by several that share.
`<db>.write-lock` is held for one transaction or checkpoint. The operating system gives both up when
a process ends, however it ends. The files stay: who deletes a lock file takes the lock from under
others.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from mba_integrations.services.store.errors import StoreBusyError

_HOLDER_BYTES = 4_096
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0002, 0.005

if sys.platform == "win32":
    import msvcrt

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

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


@dataclass(frozen=True, slots=True)
class Holder:
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

    def lock(self, timeout_s: float) -> None:
        """Wait for the lock for oneself.

        Raises:
            StoreBusyError: If it is not free in time.
        """
        deadline = time.monotonic() + timeout_s
        pause = _FIRST_PAUSE
        while not self.try_lock(shared=False):
            if time.monotonic() >= deadline:
                raise StoreBusyError(
                    f"another process holds {self.path} for more than {timeout_s:g} seconds. "
                    "Nothing was written; try again, or end that process."
                )
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def share(self) -> bool:
        """Let others share a lock that is ours; whether it still is, for one may come between."""
        self.unlock()
        return self.try_lock(shared=True)

    def unlock(self) -> None:
        """Give the lock up."""
        _unlock(self._file)

    def say_who(self, holder: Holder) -> None:
        """Write who holds the lock, for those who want it."""
        said = json.dumps(asdict(holder)).encode()
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
