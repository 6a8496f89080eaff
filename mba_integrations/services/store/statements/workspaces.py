"""Workspaces: create, settings with their versions, where the sequence stands, delete."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func

from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.store.errors import SettingsConflictError, WorkspaceExistsError
from mba_integrations.services.store.glances import Glance
from mba_integrations.services.store.owned import select_owned
from mba_integrations.services.store.rows.workspaces import SettingsVersion, WorkspaceRow
from mba_integrations.services.store.scopes import Reading, ReadingAll, Writing
from mba_integrations.services.store.tables.columns import moment_of
from mba_integrations.services.store.tables.tenancy import OF_WORKSPACES, TENANT_TABLES
from mba_integrations.services.store.tables.workspaces import workspace, workspace_settings

# Every call sends it: to put it together takes as long as to send it.
_WORKSPACE = select_owned(workspace)
_VERSION = select_owned(workspace, workspace.c.created_at, workspace.c.settings_version)


def create(
    writing: Writing,
    *,
    settings: Mapping[str, Any],
    retention: Mapping[str, Any] | None = None,
    time_zone: str = "UTC",
) -> WorkspaceRow:
    """Create the scope's workspace.

    Raises:
        WorkspaceExistsError: If it is there.
    """
    values = {
        "settings": dict(settings),
        "settings_version": 1,
        "retention": dict(retention or {}),
        "time_zone": time_zone,
        "change_seq": 0,
        "feed_from": 0,
        "created_at": writing.at,
    }
    if not writing.insert(workspace, [values], skip_known=True):
        raise WorkspaceExistsError(
            f"workspace {writing.workspace_id!r} is there already. Take another id, or the one "
            "that is there (exist_ok)."
        )
    _keep_settings(writing, 1, settings)
    return get(writing)


def find(reading: Reading) -> WorkspaceRow | None:
    """The scope's workspace; None if there is none."""
    found = reading.execute(_WORKSPACE).one_or_none()
    return None if found is None else _row(found)


def version_seen(glance: Glance) -> tuple[datetime, int] | None:
    """When the scope's workspace was made, and the version of its settings; None if there is none.

    A workspace that was deleted and made again has another moment.
    """
    found = glance.row(_VERSION)
    return None if found is None else (moment_of(found[0]), found[1])


def get(reading: Reading) -> WorkspaceRow:
    """The scope's workspace.

    Raises:
        UnknownWorkspaceError: If there is none.
    """
    found = find(reading)
    if found is None:
        raise _unknown(reading)
    return found


def listed(reading: ReadingAll) -> tuple[WorkspaceRow, ...]:
    """All workspaces, by their ids."""
    statement = reading.select(workspace).order_by(workspace.c.workspace_id)
    return tuple(_row(found) for found in reading.execute(statement))


def counts(reading: ReadingAll) -> Mapping[str, int]:
    """How many rows there are over all workspaces, by table."""
    return {
        table.name: reading.execute(reading.select(table, func.count())).scalar_one()
        for table in TENANT_TABLES
    }


def change_seq(reading: Reading) -> int:
    """Where the workspace's sequence of changes stands: the question of every recall, O(1).

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    statement = reading.select(workspace, workspace.c.change_seq)
    found = reading.execute(statement).scalar()
    if found is None:
        raise _unknown(reading)
    return int(found)


def change_settings(
    writing: Writing, settings: Mapping[str, Any], *, expected_version: int | None = None
) -> WorkspaceRow:
    """Give the workspace other settings; the old ones stay in `settings_versions`.

    Args:
        writing: The scope.
        settings: The new ones, whole.
        expected_version: The version that they were made from; None takes any.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
        SettingsConflictError: If another version holds by now.
    """
    writing.hold()
    now = get(writing).settings_version
    if expected_version not in (None, now):
        raise SettingsConflictError(
            f"settings of workspace {writing.workspace_id!r} are at version {now}, the change was "
            f"made from version {expected_version}. Read them again.",
            version=now,
        )
    _keep_settings(writing, now + 1, settings)
    news = {"settings": dict(settings), "settings_version": now + 1}
    writing.execute(writing.update(workspace).values(news))
    return get(writing)


def settings_versions(reading: Reading) -> tuple[SettingsVersion, ...]:
    """All settings that the workspace had, the first ones first."""
    statement = reading.select(workspace_settings).order_by(workspace_settings.c.version)
    return tuple(
        SettingsVersion(
            version=found.version, settings=found.settings, at=found.at, actor=found.actor
        )
        for found in reading.execute(statement)
    )


def settings_at(reading: Reading, version: int) -> Mapping[str, Any] | None:
    """The settings of a version; None where the workspace had no such version."""
    wanted = reading.select(workspace_settings, workspace_settings.c.settings)
    found: Mapping[str, Any] | None = reading.execute(
        wanted.where(workspace_settings.c.version == version)
    ).scalar()
    return found


def change_retention(
    writing: Writing, retention: Mapping[str, Any], *, time_zone: str | None = None
) -> WorkspaceRow:
    """Set how long memories are kept, and the time zone if one is given.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    news: dict[str, Any] = {"retention": dict(retention)}
    if time_zone is not None:
        news["time_zone"] = time_zone
    writing.execute(writing.update(workspace).values(news))
    return get(writing)


def delete(writing: Writing) -> Mapping[str, int]:
    """Delete the workspace with all that belongs to it; gives rows deleted, by table.

    The ledger of erasures stays. Nothing of it is added to the ledger: erase first what must not
    come back with a backup.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    writing.hold()
    counts = {}
    for table in (*reversed(OF_WORKSPACES), workspace):
        counts[table.name] = writing.execute(writing.delete(table)).rowcount
    return counts


def _keep_settings(writing: Writing, version: int, settings: Mapping[str, Any]) -> None:
    kept = {
        "version": version,
        "settings": dict(settings),
        "at": writing.at,
        "actor": writing.actor,
    }
    writing.insert(workspace_settings, [kept])


def _row(found: Row[*tuple[Any, ...]]) -> WorkspaceRow:
    return WorkspaceRow(
        workspace_id=found.workspace_id,
        settings=found.settings,
        settings_version=found.settings_version,
        retention=found.retention,
        time_zone=found.time_zone,
        change_seq=found.change_seq,
        created_at=found.created_at,
    )


def _unknown(reading: Reading) -> UnknownWorkspaceError:
    return UnknownWorkspaceError(f"there is no workspace {reading.workspace_id!r}.")
