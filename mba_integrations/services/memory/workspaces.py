"""`Workspaces`: make, list, change and delete the workspaces of a service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mba_integrations.core.arguments import shown
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.once import (
    AnsweredBeforeError,
    Once,
    deleted_once,
    done_once,
)
from mba_integrations.services.memory.retention.rules import RetentionPolicy
from mba_integrations.services.memory.settings import config_of, retention_of
from mba_integrations.services.store.errors import StoreError, WorkspaceExistsError
from mba_integrations.services.store.rows.workspaces import SettingsVersion, WorkspaceRow
from mba_integrations.services.store.scopes import Writing, checked_id
from mba_integrations.services.store.statements import workspaces

_DOTS = (".", "..")
"""Parts of paths that stand for others; clients take them out before they ask a server."""


class Workspaces:
    """The workspaces of a service, as `service.workspaces`."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    def create(
        self,
        workspace_id: str,
        *,
        template: str | None = None,
        retention: RetentionPolicy | Mapping[str, Any] | None = None,
        time_zone: str = "UTC",
        exist_ok: bool = False,
        once: Once | None = None,
        **overrides: Any,
    ) -> WorkspaceConfig:
        """Make a workspace; see `MemoryService.create_workspace`."""
        if workspace_id in _DOTS:
            raise InputError(
                f"workspace_id must not be {workspace_id!r}, which URLs lose. Give it a name."
            )
        config = config_of(workspace_id, template, overrides)
        kept = _policy(retention)
        _check_zone(time_zone)

        def act(writing: Writing) -> WorkspaceRow:
            return workspaces.create(
                writing,
                settings=as_json(config),
                retention=as_json(kept),
                time_zone=time_zone,
            )

        try:
            self._equipment.store.write(workspace_id, done_once(once, act))
        except WorkspaceExistsError:
            if not exist_ok:
                raise
            return self.config(workspace_id)
        return config

    def ids(self) -> tuple[str, ...]:
        """Ids of all workspaces, in alphabetical order."""
        with self._equipment.store.read_all() as reading:
            return tuple(row.workspace_id for row in workspaces.listed(reading))

    def row(self, workspace_id: str) -> WorkspaceRow:
        """A workspace as it is stored.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            return workspaces.get(reading)

    def config(self, workspace_id: str) -> WorkspaceConfig:
        """The settings that hold now.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        known = self.config_at_once(workspace_id)
        return self._equipment.settings.of(self.row(workspace_id)) if known is None else known

    def config_at_once(self, workspace_id: str) -> WorkspaceConfig | None:
        """The settings that hold now, if that can be said where nothing may wait.

        None where `config` must be asked: each time on Postgres, once for each version of the
        settings on SQLite.

        Raises:
            InputError: If *workspace_id* is no id.
        """
        glance = self._equipment.store.glance(workspace_id)
        if glance is None:
            return None
        try:
            version = workspaces.version_seen(glance)
        except StoreError:
            return None
        return None if version is None else self._equipment.settings.at(workspace_id, *version)

    def retention(self, workspace_id: str) -> RetentionPolicy:
        """How long the memories are kept.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        return retention_of(self.row(workspace_id))

    def change(
        self,
        workspace_id: str,
        *,
        expected_version: int | None = None,
        actor: str | None = None,
        once: Once | None = None,
        **changes: Any,
    ) -> WorkspaceConfig:
        """Change settings; calls that have begun keep those that they found.

        Args:
            workspace_id: Of which workspace.
            expected_version: The version that the change was made from; None takes any.
            actor: Who changes them.
            once: Names the request; made again, it is not done again.
            changes: Settings that change, by name; groups as mappings of what changes.

        Raises:
            InvalidWorkspaceError: If the result is not valid; nothing changes then.
            SettingsConflictError: If another version holds by now.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """

        def act(writing: Writing) -> WorkspaceRow:
            now = WorkspaceConfig(**workspaces.get(writing).settings)
            changed = now.with_changes(**changes)
            return workspaces.change_settings(
                writing, as_json(changed), expected_version=expected_version
            )

        row = self._equipment.write(workspace_id, act, actor=actor, once=once)
        return self._equipment.settings.of(row)

    def change_retention(
        self,
        workspace_id: str,
        policy: RetentionPolicy | Mapping[str, Any],
        *,
        time_zone: str | None = None,
        once: Once | None = None,
    ) -> RetentionPolicy:
        """Set how long memories are kept. Nothing goes before the next sweep.

        Raises:
            InvalidSettingsError: If a rule is refused.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        kept = _policy(policy)
        if time_zone is not None:
            _check_zone(time_zone)

        def act(writing: Writing) -> WorkspaceRow:
            return workspaces.change_retention(writing, as_json(kept), time_zone=time_zone)

        self._equipment.write(workspace_id, act, once=once)
        return kept

    def versions(self, workspace_id: str) -> tuple[SettingsVersion, ...]:
        """All settings that the workspace had, the first ones first."""
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return workspaces.settings_versions(reading)

    def delete(self, workspace_id: str, *, once: Once | None = None) -> Mapping[str, int]:
        """Delete a workspace with all that belongs to it; gives rows deleted, by table.

        Args:
            workspace_id: Which one.
            once: Names the request; made again, it is not done again.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        checked_id("workspace_id", workspace_id)
        self._equipment.trail.drop(workspace_id)
        act = deleted_once(once, workspace_id, workspaces.delete)
        try:
            with self._equipment.named(workspace_id):
                counts = self._equipment.store.write_all(act)
        except AnsweredBeforeError:
            self._free(workspace_id)  # who deleted it may have been killed before
            raise
        self._free(workspace_id)
        return counts

    def _free(self, workspace_id: str) -> None:
        self._equipment.pools.drop(workspace_id)
        self._equipment.past_gains.drop(workspace_id)
        self._equipment.store.scrub(workspace_id)


def as_json(settings: WorkspaceConfig | RetentionPolicy) -> dict[str, Any]:
    """Settings as JSON can hold them; what is infinite as a word."""
    written: dict[str, Any] = json.loads(settings.model_dump_json())
    return written


def _policy(given: RetentionPolicy | Mapping[str, Any] | None) -> RetentionPolicy:
    if given is None:
        return RetentionPolicy()
    if isinstance(given, RetentionPolicy):
        return given
    if not isinstance(given, Mapping):
        raise InputError(f"retention must be a RetentionPolicy or a mapping, got {shown(given)}.")
    return RetentionPolicy(**given)


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError):
        raise InputError(
            f"time_zone must be a name such as 'Europe/Lisbon', got {shown(name)}."
        ) from None
