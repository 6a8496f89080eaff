"""The workspaces of an allocator: registered by hand in a store, or read from a watched file."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mba_integrations.core.arguments import check_methods, checked_text
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError, UnknownWorkspaceError

if TYPE_CHECKING:
    from mba_integrations.core.config.watched_file import WatchedConfigFile

DEFAULT_WORKSPACE = "default"
_DESCRIPTION = "Balanced, for when nothing is known about the use."


class WorkspaceStore(Protocol):
    """Keeps workspaces by id. It does not decide what an unknown id means.

    1. `find` gives a workspace equal to the one that `register` was last given for that id, or
       None where it knows none.
    2. `register` adds a workspace or replaces the one of its `workspace_id`; calls that have begun
       keep the settings that they found.
    3. `ids` gives every known id once, in an order that replacing a workspace does not change.
    4. All may be called from several threads at once, and by several allocators.

    A store of another process can keep `config.model_dump_json()` and give
    `WorkspaceConfig(**json.loads(kept))`.
    """

    def find(self, workspace_id: str, /) -> WorkspaceConfig | None: ...

    def register(self, config: WorkspaceConfig, /) -> None: ...

    def ids(self) -> Sequence[str]: ...


class WorkspaceMemory:
    """A `WorkspaceStore` in memory. Thread-safe."""

    def __init__(self) -> None:
        self._workspaces: dict[str, WorkspaceConfig] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return _workspace_memory, (self._workspaces,)

    def find(self, workspace_id: str, /) -> WorkspaceConfig | None:
        """The workspace of that id."""
        return self._workspaces.get(workspace_id)

    def register(self, config: WorkspaceConfig, /) -> None:
        """Add or replace."""
        # A new mapping each time, so that `ids` walks one that nobody changes.
        with self._lock:
            self._workspaces = {**self._workspaces, config.workspace_id: config}

    def ids(self) -> tuple[str, ...]:
        """Known ids, in order of registration."""
        return tuple(self._workspaces)


def _workspace_memory(workspaces: dict[str, WorkspaceConfig]) -> WorkspaceMemory:
    """Settings are data: a copy has those of the moment in which it was made."""
    memory = WorkspaceMemory()
    for config in workspaces.values():
        memory.register(config)
    return memory


class WorkspaceRegistry:
    """Workspaces of a store, over those of a watched file, over `default`. Thread-safe.

    A registered workspace hides one of the same id in the file. `default` is known from the start,
    with default settings until it is registered or read; the shipped file says the same of it.

    Args:
        store: Where workspaces are registered.

    Raises:
        InputError: If *store* is none.
    """

    def __init__(self, store: WorkspaceStore) -> None:
        check_methods("workspaces", store, "a WorkspaceStore", ("find", "register", "ids"))
        self._store = store
        self._file: WatchedConfigFile | None = None
        self._fallback = WorkspaceConfig(workspace_id=DEFAULT_WORKSPACE, description=_DESCRIPTION)

    def register(self, config: WorkspaceConfig) -> None:
        """Add or replace."""
        self._store.register(config)

    def watch(self, file: WatchedConfigFile) -> None:
        """Take workspaces from a file, read again when it changes."""
        file.current()
        self._file = file

    def ids(self) -> tuple[str, ...]:
        """Known ids: `default`, those of the file, those of the store."""
        of_file = self._file.current() if self._file else ()
        return tuple(dict.fromkeys((DEFAULT_WORKSPACE, *of_file, *self._store.ids())))

    def get(self, workspace_id: str) -> WorkspaceConfig:
        """The settings of this moment.

        Raises:
            InputError: If the id is not a text.
            UnknownWorkspaceError: With the known ids.
        """
        checked_text("workspace_id", workspace_id)
        # The file is looked at also where the store decides: `notes` speaks of the last look.
        of_file = self._file.current() if self._file else {}
        config = self._found(workspace_id) or of_file.get(workspace_id)
        if config is None and workspace_id == DEFAULT_WORKSPACE:
            config = self._fallback
        if config is None:
            names = ", ".join(self.ids())
            raise UnknownWorkspaceError(
                f"workspace {workspace_id!r} is not registered; known are: {names}.",
                key="workspace_id",
                value=workspace_id,
            )
        return config

    def _found(self, workspace_id: str) -> WorkspaceConfig | None:
        config = self._store.find(workspace_id)
        if config is not None and not isinstance(config, WorkspaceConfig):
            kind = type(config).__name__
            raise InputError(f"workspaces.find() gave a {kind}, must be a WorkspaceConfig or None.")
        return config

    def notes(self) -> tuple[str, ...]:
        """What is wrong with the watched file, if anything is."""
        problem = self._file.problem if self._file else None
        return (problem,) if problem else ()
