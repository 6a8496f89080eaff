"""A settings file that is read again when it changes.

One `stat` for each look. A change is seen by the file's times, size and inode; two changes of the
same size within the resolution of the file system's clock look like one. A file that becomes
invalid or vanishes leaves the settings of before in use and says so, until it is valid again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mba_integrations.core.arguments import checked_path
from mba_integrations.core.config.file_settings import read_settings
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import ConfigFileError

MOST_TOLD = 3
"""Problems that a note names."""
Stamp = tuple[int, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What the last look found: settings and problem belong together, so they change at once."""

    stamp: Stamp
    workspaces: Mapping[str, WorkspaceConfig]
    problem: str | None = None


class WatchedConfigFile:
    """The workspaces of a file as it is now. Many threads may look at once.

    Args:
        path: The YAML file. It is read by the first `current()`, not before.

    Raises:
        InputError: If *path* is none.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = checked_path("path", path)
        self._lock = threading.Lock()
        self._last: _Look | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return WatchedConfigFile, (self._path,)

    @property
    def path(self) -> Path:
        """The file that is watched."""
        return self._path

    @property
    def problem(self) -> str | None:
        """Why the settings of before are in use, on one line; None if the file is valid."""
        return self._last.problem if self._last else None

    def current(self) -> Mapping[str, WorkspaceConfig]:
        """The workspaces by id, read-only; read again if the file changed since the last look.

        Raises:
            ConfigFileError: If the file has not been valid yet.
        """
        stamp = _stamp_of(self._path)
        last = self._last
        if last is None or last.stamp != stamp:
            last = self._look_again()
        return last.workspaces

    def _look_again(self) -> _Look:
        with self._lock:
            # Before reading: a change while the file is read is then seen by the next look.
            stamp = _stamp_of(self._path)
            if self._last is None or self._last.stamp != stamp:
                self._last = self._read(stamp, self._last)
            return self._last

    def _read(self, stamp: Stamp, last: _Look | None) -> _Look:
        try:
            workspaces = read_settings(self._path).workspaces
        except ConfigFileError as error:
            if last is None:
                raise
            return _Look(stamp=stamp, workspaces=last.workspaces, problem=_told(error))
        return _Look(stamp=stamp, workspaces=MappingProxyType(workspaces))


def _told(error: ConfigFileError) -> str:
    """What every allocation says in its notes, so it is short whatever the file holds."""
    more = len(error.problems) - MOST_TOLD
    told = (*error.problems[:MOST_TOLD], *([f"And {more:,} more."] if more > 0 else []))
    return f"The settings of before stay in use. {' '.join(told)}"


def _stamp_of(path: Path) -> Stamp:
    """What differs between two states of a file; None if there is none to look at."""
    try:
        found = path.stat()
    except OSError:
        return None
    # The time of the last status change catches new permissions and edits that keep the old mtime.
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
