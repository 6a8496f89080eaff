"""The workspaces of an allocator: registered by hand, or read from a watched file."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import UnknownWorkspaceError

if TYPE_CHECKING:
    from mba_integrations.core.config.watched_file import WatchedConfigFile

DEFAULT_WORKSPACE = "default"


class WorkspaceRegistry:
    """Workspaces by id. A registered one hides one of the same id in the file. Thread-safe.

    `default` is known from the start, with default settings until it is registered or read.
    """

    def __init__(self) -> None:
        self._registered: dict[str, WorkspaceConfig] = {}
        self._file: WatchedConfigFile | None = None
        self._fallback = WorkspaceConfig(workspace_id=DEFAULT_WORKSPACE)
        self._lock = threading.Lock()

    def register(self, config: WorkspaceConfig) -> None:
        """Add or replace."""
        with self._lock:
            self._registered = {**self._registered, config.workspace_id: config}

    def watch(self, file: WatchedConfigFile) -> None:
        """Take workspaces from a file, read again when it changes."""
        file.current()
        self._file = file

    def ids(self) -> tuple[str, ...]:
        """Known ids."""
        return tuple(self._known())

    def get(self, workspace_id: str) -> WorkspaceConfig:
        """The settings of this moment.

        Raises:
            UnknownWorkspaceError: With the known ids.
        """
        known = self._known()
        config = known.get(workspace_id)
        if config is None:
            names = ", ".join(known)
            raise UnknownWorkspaceError(
                f"workspace {workspace_id!r} is not registered; known are: {names}.",
                key="workspace_id",
                value=workspace_id,
            )
        return config

    def notes(self) -> tuple[str, ...]:
        """What is wrong with the watched file, if anything is."""
        problem = self._file.problem if self._file else None
        return (problem,) if problem else ()

    def _known(self) -> dict[str, WorkspaceConfig]:
        of_file = dict(self._file.current()) if self._file else {}
        return {DEFAULT_WORKSPACE: self._fallback, **of_file, **self._registered}
