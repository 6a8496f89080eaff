"""Workspaces and keys of a server, under the names of the service's own parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from mba_integrations.commands.printing.memories import plain
from mba_integrations.commands.remote.reading import read
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.access.keys import NewKey
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.client.errors import ServerError
from mba_integrations.services.contracts.workspaces import etag_of
from mba_integrations.services.memory.retention.rules import RetentionPolicy
from mba_integrations.services.store.errors import WorkspaceExistsError
from mba_integrations.services.store.rows.keys import KeyRow
from mba_integrations.services.store.rows.workspaces import WorkspaceRow

if TYPE_CHECKING:
    from mba_integrations.services.client.client import MbaClient

_PAGE = 500


class RemoteWorkspaces:
    """The workspaces of a server that the key may reach."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def ids(self) -> tuple[str, ...]:
        """Their ids, in alphabetical order; without those that no path can name."""
        found: list[str] = []
        cursor = None
        while True:
            page = self._client.workspaces(limit=_PAGE, cursor=cursor)
            found += (one for one in page["workspaces"] if _has_path(one))
            cursor = page["next_cursor"]
            if cursor is None:
                return tuple(found)

    def row(self, workspace_id: str) -> WorkspaceRow:
        """A workspace as it is stored."""
        with _own_errors(workspace_id):
            return read(WorkspaceRow, self._client.workspace(workspace_id))

    def config(self, workspace_id: str) -> WorkspaceConfig:
        """The settings that hold now."""
        return WorkspaceConfig(**self.row(workspace_id).settings)

    def create(self, workspace_id: str, **more: Any) -> None:
        """Make a workspace."""
        with _own_errors(workspace_id):
            self._client.create_workspace(workspace_id, **more)

    def change(
        self, workspace_id: str, *, expected_version: int | None = None, **changes: Any
    ) -> None:
        """Change settings."""
        etag = "*"
        if expected_version is not None:
            etag = etag_of(self.row(workspace_id).created_at, expected_version)
        with _own_errors(workspace_id):
            self._client.change_workspace(workspace_id, changes, etag=etag)

    def delete(self, workspace_id: str) -> Mapping[str, int]:
        """Delete a workspace; gives rows deleted, by table."""
        deleted = self._client.delete_workspace(workspace_id)["deleted"]
        return cast(Mapping[str, int], deleted)

    def retention(self, workspace_id: str) -> RetentionPolicy:
        """How long its memories are kept."""
        return RetentionPolicy(**self._client.retention(workspace_id)["policy"])

    def change_retention(self, workspace_id: str, policy: Mapping[str, Any]) -> RetentionPolicy:
        """Set how long its memories are kept."""
        told = self._client.set_retention(workspace_id, dict(policy))
        return RetentionPolicy(**told["policy"])


def _has_path(workspace_id: str) -> bool:
    return "/" not in workspace_id and workspace_id not in (".", "..")


@contextmanager
def _own_errors(workspace_id: str) -> Iterator[None]:
    """The errors of the service that commands wait for."""
    try:
        yield
    except ServerError as error:
        if error.kind == "unknown-workspace":
            raise UnknownWorkspaceError(str(error), key="workspace", value=workspace_id) from error
        if error.kind == "workspace-exists":
            raise WorkspaceExistsError(str(error)) from error
        raise


class RemoteKeys:
    """The keys of a server that reach no farther than the caller's."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def list(self) -> tuple[KeyRow, ...]:
        """Keys, the oldest first."""
        return tuple(map(_key, self._client.keys()["keys"]))

    def create(
        self,
        name: str,
        *,
        scopes: Iterable[Scope],
        workspaces: Iterable[str] | None,
        expires_at: datetime | None,
    ) -> NewKey:
        """Make a key."""
        named = [one.value for one in scopes]
        told = self._client.create_key(
            name, scopes=named, workspaces=plain(workspaces), expires_at=plain(expires_at)
        )
        return NewKey(key=told["key"], row=_key(told["about"]))

    def revoke(self, key_id: str) -> KeyRow:
        """Refuse a key from now on."""
        return _key(self._client.revoke_key(key_id))


def _key(told: Mapping[str, Any]) -> KeyRow:
    return read(KeyRow, {**told, "sha256": ""})
