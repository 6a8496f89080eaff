"""Keys and backups, and how the store is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from mba_integrations.services.access.keys import (
    DEFAULT_SCOPES,
    LONGEST_NAME,
    MOST_WORKSPACES,
    NewKey,
)
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.contracts.body import Body, Id, Moment, View
from mba_integrations.services.memory.service import ServiceStatus
from mba_integrations.services.store.rows.keys import KeyRow


class NewKeyBody(Body):
    """A key to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "notebook", "scopes": ["read"], "workspaces": ["kate"]}]
        }
    )

    name: Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_NAME)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))] = Field(
        default_factory=lambda: list(DEFAULT_SCOPES)
    )
    workspaces: Annotated[list[Id], Field(min_length=1, max_length=MOST_WORKSPACES)] | None = None
    expires_at: Moment | None = None


class KeyView(View):
    """A key, without its secret."""

    key_id: str
    name: str
    scopes: list[str]
    workspaces: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: KeyRow) -> KeyView:
        """The view of a key."""
        values = {name: getattr(row, name) for name in KeyView.model_fields}
        lists = {
            "scopes": list(row.scopes),
            "workspaces": None if row.workspaces is None else list(row.workspaces),
        }
        return KeyView(**{**values, **lists})


class NewKeyView(View):
    """A key that was just made, and cannot be shown again."""

    key: str
    about: KeyView

    @classmethod
    def of(cls, made: NewKey) -> NewKeyView:
        """The view of a new key."""
        return cls(key=made.key, about=KeyView.of(made.row))


class KeysView(View):
    """Keys, the oldest first."""

    keys: list[KeyView]


class BackupView(View):
    """A backup that was made."""

    name: str
    size_bytes: int


class StatusView(View):
    """How the store and the pools are: sizes in bytes, None where the database does not say."""

    engine: str
    revision: str
    release: str
    size_bytes: int
    wal_bytes: int | None
    free_bytes: int | None
    full: bool
    pool_bytes: int
    pool_events: dict[str, int]

    @classmethod
    def of(cls, status: ServiceStatus) -> StatusView:
        """The view of a status, without where the store is."""
        pools = {"pool_bytes": status.pool_bytes, "pool_events": dict(status.pool_events)}
        names = cls.model_fields.keys() - pools.keys()
        return cls(**{name: getattr(status.store, name) for name in names}, **pools)
