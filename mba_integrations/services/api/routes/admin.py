"""Keys, backups, how the store is: what concerns the server and not one workspace."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import Path
from starlette.responses import FileResponse, Response

from mba_integrations.services.access.principal import Scope
from mba_integrations.services.api.asking import PROBLEMS, AdminAnywhere, AdminEverywhere, OwnRouter
from mba_integrations.services.api.files import is_whole, sent_file
from mba_integrations.services.api.layers.answers import REPLAYED
from mba_integrations.services.api.replies import NOT_OFFERED, ProblemError
from mba_integrations.services.api.work import in_thread
from mba_integrations.services.contracts.keys import (
    BackupView,
    KeysView,
    KeyView,
    NewKeyBody,
    NewKeyView,
    StatusView,
)
from mba_integrations.services.store.scopes import LONGEST_ID

router = OwnRouter(prefix="/v1", tags=["admin"], responses=PROBLEMS)
MANIFEST = "X-Mba-Manifest"
"""What the copy says of itself, as JSON; beside the copy as `<copy>.json` it can be verified."""
_COPY: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/vnd.sqlite3": {"schema": {"type": "string", "format": "binary"}}}
    }
}
KeyId = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]


@router.post("/keys", status_code=201)
@in_thread("store")
def create_key(call: AdminAnywhere, body: NewKeyBody) -> NewKeyView:
    """Make a key. It is shown once; nobody can give away more than they have."""
    made = call.service.keys.create(
        body.name,
        scopes=body.scopes,
        workspaces=body.workspaces,
        expires_at=body.expires_at,
        by=call.principal,
        request=call.own_key,
    )
    return NewKeyView.of(made)


@router.get("/keys")
@in_thread("store")
def list_keys(call: AdminAnywhere) -> KeysView:
    """Keys that reach no farther than the caller's, without their secrets."""
    return KeysView(keys=[KeyView.of(row) for row in call.service.keys.list(by=call.principal)])


@router.delete("/keys/{key_id}")
@in_thread("store")
def revoke_key(call: AdminAnywhere, key_id: KeyId) -> KeyView:
    """Refuse a key from now on."""
    return KeyView.of(call.service.keys.revoke(key_id, by=call.principal))


@router.post("/backups", status_code=201)
@in_thread("store")
def create_backup(call: AdminEverywhere, response: Response) -> BackupView:
    """Copy the store, as it stands now, into the server's folder of backups."""
    folder = call.ground.settings.backups
    if folder is None:
        raise ProblemError(NOT_OFFERED, "The server has no folder for backups: --backups FOLDER.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if call.request is None:
        made = call.service.backup(folder / f"memory-{call.service.now():%Y%m%d-%H%M%S-%f}.db")
    else:
        made = folder / f"memory-{hashlib.sha256(call.request.encode()).hexdigest()[:32]}.db"
        if is_whole(made):
            response.headers[REPLAYED] = "true"
        else:
            call.service.backup(made)
    return BackupView(name=made.name, size_bytes=made.stat().st_size)


@router.get("/backup", response_class=FileResponse, responses={**PROBLEMS, **_COPY})
@in_thread("store")
def download_backup(call: AdminEverywhere) -> FileResponse:
    """A copy of the store as it stands now, with what it says of itself in `X-Mba-Manifest`."""
    call.principal.check_everywhere(Scope.READ_CONTENT)
    said: list[str] = []

    def make(path: FilePath) -> None:
        made = call.service.backup(path.with_name(f"{path.name}.copy"))
        beside = made.with_name(f"{made.name}.json")
        said.append(json.dumps(json.loads(beside.read_text(encoding="utf-8"))))
        beside.unlink()
        os.replace(made, path)

    reply = sent_file(make, "memory.db", "application/vnd.sqlite3")
    reply.headers[MANIFEST] = said[0]
    return reply


@router.get("/status")
@in_thread("store")
def show_status(call: AdminEverywhere) -> StatusView:
    """How the store is."""
    return StatusView.of(call.service.status())
