"""A workspace and the versions of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRow:
    """A workspace.

    Attributes:
        workspace_id: Its id.
        settings: Its settings, as JSON can hold them.
        settings_version: Counts the changes of the settings, from 1.
        retention: How long its memories are kept, as JSON can hold it.
        time_zone: In which days of dates without a time end; a name of the IANA database.
        change_seq: Where its sequence of changes stands.
        created_at: When it was created.
    """

    workspace_id: str
    settings: Mapping[str, Any]
    settings_version: int
    retention: Mapping[str, Any]
    time_zone: str
    change_seq: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsVersion:
    """Settings that a workspace had, or has.

    Attributes:
        version: From 1.
        settings: As JSON can hold them.
        at: Since when they held.
        actor: Who set them.
    """

    version: int
    settings: Mapping[str, Any]
    at: datetime
    actor: str | None
