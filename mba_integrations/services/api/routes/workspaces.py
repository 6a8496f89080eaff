"""Workspaces: make, list, read, change, check, their versions, their end."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Query
from starlette.responses import Response

from mba_integrations.services.access.principal import Scope
from mba_integrations.services.api.asking import (
    PROBLEMS,
    Admin,
    AdminAnywhere,
    Call,
    OwnRouter,
    Read,
    ReadAnywhere,
)
from mba_integrations.services.api.replies import NEEDS_VERSION, ProblemError
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.workspaces import (
    ChangeWorkspaceBody,
    CountsView,
    DeletedView,
    NewWorkspaceBody,
    SettingsView,
    ValidateBody,
    VersionsView,
    VersionView,
    WorkspacesView,
    WorkspaceView,
    version_of,
)
from mba_integrations.services.memory.settings import config_of
from mba_integrations.services.memory.workspaces import as_json
from mba_integrations.services.store.errors import SettingsConflictError, WorkspaceExistsError

router = OwnRouter(prefix="/v1/workspaces", tags=["workspaces"], responses=PROBLEMS)
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str | None, Query(max_length=2_000)]
IfMatch = Annotated[str | None, Header(max_length=200)]


@router.post(
    "",
    status_code=201,
    responses={200: {"model": WorkspaceView, "description": "It was there (`exist_ok`)."}},
)
@in_thread("store")
def create_workspace(
    call: AdminAnywhere, body: NewWorkspaceBody, response: Response
) -> WorkspaceView:
    """Make a workspace. One that is there is refused, or with `exist_ok` answered as it is."""
    call.principal.check(Scope.ADMIN, body.workspace_id)
    once = call.once(WorkspaceView.of, status=201)
    try:
        call.service.create_workspace(body.workspace_id, once=once, **body.arguments())
    except WorkspaceExistsError:
        if not body.exist_ok:
            raise
        response.status_code = 200
    return _viewed(call, body.workspace_id, response)


@router.get("")
@in_thread("store")
def list_workspaces(
    call: ReadAnywhere, limit: Limit = 100, cursor: Cursor = None
) -> WorkspacesView:
    """Workspaces that the caller may reach, in alphabetical order."""
    cursors, of = call.ground.cursors, ("workspaces", call.principal.key_id)
    after = "" if cursor is None else cursors.place(cursor, *of)
    found = call.principal.reachable(call.service.workspaces.ids())
    page = [one for one in found if one > after][: limit + 1]
    following = cursors.make(page[limit - 1], *of) if len(page) > limit else None
    return WorkspacesView(workspaces=page[:limit], next_cursor=following)


@router.get("/{workspace_id}")
@in_thread("store")
def get_workspace(call: Read, response: Response) -> WorkspaceView:
    """A workspace with its settings. The ETag is that of the settings."""
    return _viewed(call, call.workspace_id, response)


@router.patch("/{workspace_id}")
@in_thread("store")
def change_workspace(
    call: Admin, body: ChangeWorkspaceBody, response: Response, if_match: IfMatch = None
) -> WorkspaceView:
    """Change settings, made from the version that `If-Match` names; `*` takes any."""
    version = _expected(call, if_match)
    call.service.workspaces.change(
        call.workspace_id,
        expected_version=version,
        actor=call.principal.actor,
        once=call.once(WorkspaceView.of),
        **body.arguments(),
    )
    return _viewed(call, call.workspace_id, response)


@router.post("/{workspace_id}/validate")
@in_thread("store")
def validate_settings(call: Read, body: ValidateBody) -> SettingsView:
    """What the workspace's settings would be with these changes. Nothing changes."""
    if body.template is not None:
        made = config_of(call.workspace_id, body.template, body.arguments())
    else:
        made = call.service.workspaces.config(call.workspace_id).with_changes(**body.arguments())
    return SettingsView(settings=as_json(made))


@router.get("/{workspace_id}/versions")
@in_thread("store")
def list_versions(call: Read) -> VersionsView:
    """All settings that the workspace had, the first ones first."""
    found = call.service.workspaces.versions(call.workspace_id)
    return VersionsView(versions=[VersionView.of(one) for one in found])


@router.get("/{workspace_id}/counts")
@in_thread("store")
def count_memories(call: Read) -> CountsView:
    """How many active memories each tier has."""
    counts = dict(call.service.counts(call.workspace_id))
    return CountsView(counts=counts, total=sum(counts.values()))


@router.delete("/{workspace_id}")
@in_thread("store")
def delete_workspace(call: Admin) -> DeletedView:
    """Delete a workspace with all that belongs to it."""
    call.principal.check(Scope.FORGET, call.workspace_id)
    once = call.once(DeletedView.of)
    return DeletedView.of(call.service.workspaces.delete(call.workspace_id, once=once))


def _viewed(call: Call, workspace_id: str, response: Response) -> WorkspaceView:
    view = WorkspaceView.of(call.service.workspaces.row(workspace_id))
    response.headers["ETag"] = view.etag
    return view


def _expected(call: Call, if_match: str | None) -> int | None:
    """The version that a change was made from; None for any.

    Raises:
        ProblemError: If the caller does not say.
        SettingsConflictError: If it was made from another workspace of that name.
    """
    if if_match is None:
        raise ProblemError(NEEDS_VERSION, "Send the ETag of what you changed as If-Match, or *.")
    if if_match.strip() == "*":
        return None
    row = call.service.workspaces.row(call.workspace_id)
    version = version_of(if_match.strip(), row.created_at)
    if version is None:
        raise SettingsConflictError(
            f"the settings are at {WorkspaceView.of(row).etag} by now. Read them and change them "
            "again.",
            version=row.settings_version,
        )
    return version  # in the transaction it is held against the one that holds then
