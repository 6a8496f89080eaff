"""The settings of workspaces, read from the store and checked once for each version."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mba_integrations.core.config.loader import MemoryBudgetConfigLoader
from mba_integrations.core.config.problems import nearest_hint
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.memory.retention.rules import RetentionPolicy
from mba_integrations.services.store.rows.workspaces import WorkspaceRow

_MOST_KNOWN = 10_000


def config_of(
    workspace_id: str, template: str | None, overrides: Mapping[str, Any]
) -> WorkspaceConfig:
    """The settings of a new workspace.

    Args:
        workspace_id: Its id.
        template: A workspace of the shipped settings file; None for the defaults.
        overrides: Settings that differ, by name; groups as mappings of what differs.

    Raises:
        UnknownWorkspaceError: If there is no such template.
        InvalidWorkspaceError: If a setting is out of its range.
    """
    if template is None:
        return WorkspaceConfig(workspace_id=workspace_id).with_changes(**overrides)
    shipped = MemoryBudgetConfigLoader.load_shipped()
    if template not in shipped:
        hint = nearest_hint(template, shipped)
        raise UnknownWorkspaceError(
            f"there is no template {template!r}. {hint}", key="template", value=template
        )
    return shipped[template].with_changes(workspace_id=workspace_id, **overrides)


def retention_of(row: WorkspaceRow) -> RetentionPolicy:
    """How long the workspace keeps its memories."""
    return RetentionPolicy(**row.retention)


@dataclass(frozen=True, slots=True)
class _Known:
    made_at: datetime
    version: int
    config: WorkspaceConfig

    def is_of(self, row: WorkspaceRow) -> bool:
        return self.is_at(row.created_at, row.settings_version)

    def is_at(self, made_at: datetime, version: int) -> bool:
        return (self.made_at, self.version) == (made_at, version)


class KnownSettings:
    """A `WorkspaceStore` for the allocator, of the rows that were read last. Thread-safe.

    What a thread has read stays known to it until it reads the next row, however many others read
    theirs in between.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()
        self._of_thread = threading.local()

    def of(self, row: WorkspaceRow) -> WorkspaceConfig:
        """The settings of a row."""
        with self._lock:
            known = self._known.get(row.workspace_id)
        if known is None or not known.is_of(row):
            config = WorkspaceConfig(**row.settings)
            known = _Known(row.created_at, row.settings_version, config)
            self._keep(row.workspace_id, known)
        self._of_thread.config = known.config
        return known.config

    def at(self, workspace_id: str, made_at: datetime, version: int) -> WorkspaceConfig | None:
        """The settings of that version; None where others, or none, were read last."""
        known = self._known.get(workspace_id)
        if known is None or not known.is_at(made_at, version):
            return None
        self._of_thread.config = known.config
        return known.config

    def lend(self, config: WorkspaceConfig) -> None:
        """Settings that this thread's next call goes by, of no stored workspace."""
        self._of_thread.config = config

    @contextmanager
    def lent(self, config: WorkspaceConfig) -> Iterator[None]:
        """Settings that this thread's calls within the block go by."""
        before: WorkspaceConfig | None = getattr(self._of_thread, "config", None)
        self._of_thread.config = config
        try:
            yield
        finally:
            self._of_thread.config = before

    def find(self, workspace_id: str, /) -> WorkspaceConfig | None:
        """The settings that were read last."""
        own: WorkspaceConfig | None = getattr(self._of_thread, "config", None)
        if own is not None and own.workspace_id == workspace_id:
            return own
        known = self._known.get(workspace_id)
        return None if known is None else known.config

    def register(self, config: WorkspaceConfig, /) -> None:
        """Settings stand in the store; the allocator's registry changes none."""

    def ids(self) -> Sequence[str]:
        """Workspaces whose settings were read."""
        with self._lock:
            return tuple(self._known)

    def _keep(self, workspace_id: str, known: _Known) -> None:
        with self._lock:
            self._known[workspace_id] = known
            self._known.move_to_end(workspace_id)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
