"""The settings that a record is replayed under: those of then, with what is tried instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.learning.replay.prepared import Prepared

Settings = WorkspaceConfig | Mapping[str, Any] | None
"""Other settings: whole, or what differs from those of then by name, groups as mappings of what
differs; None for those of then."""
_KEPT = 256
"""Versions of settings that are kept."""
_SILENT = {"enabled": False, "path": None}


def config_of_then(settings: Mapping[str, Any]) -> WorkspaceConfig:
    """The settings of then, of which nothing is logged.

    Raises:
        InvalidWorkspaceError: If they are none of this release.
    """
    return _config_of(json.dumps(settings, sort_keys=True))


@lru_cache(_KEPT)
def _config_of(written: str) -> WorkspaceConfig:
    return WorkspaceConfig(**json.loads(written)).with_changes(logging=_SILENT)


class Tried:
    """Settings that are tried in place of those of then.

    Args:
        settings: They.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made = Prepared(self._instead_of, most=_KEPT)

    def instead_of(self, then: WorkspaceConfig) -> WorkspaceConfig:
        """The settings in place of those of then; of its workspace, and not logged either.

        Raises:
            InvalidWorkspaceError: If they are not valid.
        """
        return self._made.of(then)

    def _instead_of(self, then: WorkspaceConfig) -> WorkspaceConfig:
        if not self._settings:
            return then
        own = {"workspace_id": then.workspace_id, "logging": _SILENT}
        if isinstance(self._settings, WorkspaceConfig):
            return self._settings.with_changes(**own)
        return then.with_changes(**{**(self._settings or {}), **own})
