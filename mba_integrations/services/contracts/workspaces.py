"""Workspaces: made, changed, listed, with their versions and their retention."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.contracts.body import Body, Id, View
from mba_integrations.services.store.rows.workspaces import SettingsVersion, WorkspaceRow

Settings = dict[str, Any]
_ARGUMENTS = (
    *("workspace_id", "template", "retention", "time_zone", "exist_ok", "once"),
    *("expected_version", "actor"),
)
"""Of what makes and changes a workspace, besides settings."""
Zone = Annotated[str, Field(strict=True, min_length=1, max_length=100)]


class NewWorkspaceBody(Body):
    """A workspace to make."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"workspace_id": "kate", "template": "conversation"}]}
    )

    workspace_id: Id
    template: Id | None = None
    settings: Settings = Field(default_factory=dict)
    retention: Settings | None = None
    time_zone: Zone = "UTC"
    exist_ok: Annotated[bool, Field(strict=True)] = False

    def arguments(self) -> dict[str, Any]:
        """The arguments of `create_workspace`, but the id and whether it may be there."""
        return {
            "template": self.template,
            "retention": self.retention,
            "time_zone": self.time_zone,
            **_settings(self.settings),
        }


class ChangeWorkspaceBody(Body):
    """Settings that change."""

    settings: Settings

    def arguments(self) -> Settings:
        """The changes, by name."""
        return _settings(self.settings)


def _settings(given: Settings) -> Settings:
    """Settings by name, none of which is an argument of its own.

    Raises:
        InputError: If a name is one.
    """
    for name in _ARGUMENTS:
        if name in given:
            raise InputError(f"{name!r} is no setting.")
    return given


class ValidateBody(Body):
    """Settings to look at: nothing changes."""

    template: Id | None = None
    settings: Settings = Field(default_factory=dict)

    def arguments(self) -> Settings:
        """The settings, by name."""
        return _settings(self.settings)


class WorkspaceView(View):
    """A workspace. `settings_version` is its ETag."""

    workspace_id: str
    settings: Settings
    settings_version: int
    retention: Settings
    time_zone: str
    change_seq: int
    created_at: datetime

    @classmethod
    def of(cls, row: WorkspaceRow) -> WorkspaceView:
        """The view of a row."""
        return cls.model_construct(**{name: getattr(row, name) for name in cls.model_fields})

    @property
    def etag(self) -> str:
        """The ETag of its settings."""
        return etag_of(self.created_at, self.settings_version)


def etag_of(created_at: datetime, version: int) -> str:
    """The ETag of settings: another one for a workspace of the same name that is made anew."""
    return f'"{created_at.timestamp():.6f}-{version}"'


def version_of(etag: str, created_at: datetime) -> int | None:
    """The version that an ETag of a workspace names; None if it is none of that workspace.

    >>> made = datetime.fromisoformat("2026-01-01T00:00:00Z")
    >>> version_of(etag_of(made, 3), made), version_of('"x"', made)
    (3, None)
    """
    number = etag.strip('"').rpartition("-")[2]
    version = int(number) if number.isascii() and number.isdecimal() else 0
    return version if etag == etag_of(created_at, version) else None


class SettingsView(View):
    """Settings as they would hold, with every default."""

    settings: Settings


class WorkspacesView(View):
    """Some workspaces."""

    workspaces: list[str]
    next_cursor: str | None


class VersionView(View):
    """Settings that a workspace had, or has."""

    version: int
    settings: Settings
    at: datetime
    actor: str | None

    @classmethod
    def of(cls, version: SettingsVersion) -> VersionView:
        """The view of a version."""
        return cls.model_construct(**{name: getattr(version, name) for name in cls.model_fields})


class VersionsView(View):
    """All settings that a workspace had, the first ones first."""

    versions: list[VersionView]


class CountsView(View):
    """Active memories by tier."""

    counts: dict[MemoryTier, int]
    total: int


class DeletedView(View):
    """Rows that went, by table."""

    deleted: dict[str, int]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> DeletedView:
        """The view of counts."""
        return cls(deleted=dict(counts))
