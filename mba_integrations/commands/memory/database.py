"""Which database the commands work on, and the service on it.

What writes the first memory makes the database and the workspace `default`, and says so. All other
commands work on what is there. Jobs are done before a command ends, not by a thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mba_integrations.commands.arguments.memory_options import DEFAULT_WORKSPACE
from mba_integrations.commands.printing.output import remark
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.config.problems import nearest_hint
from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.local_embedder import LocalEmbedder
from mba_integrations.services.store.errors import WorkspaceExistsError

if TYPE_CHECKING:
    from mba_integrations.services.memory.service import MemoryService

_FILE_URL = "sqlite:///"


def place_of(database: str | None) -> str:
    """Path or URL of the database: the one named, else a file in the user's data folder."""
    if database is not None:
        return database
    import platformdirs

    return str(platformdirs.user_data_path("mba", appauthor=False) / "memory.db")


def file_of(place: str) -> Path | None:
    """The file of a SQLite database; None for one on a server."""
    if place.startswith(_FILE_URL):
        return Path(place.removeprefix(_FILE_URL))
    return None if "://" in place else Path(place)


@contextmanager
def opened(
    database: str | None,
    *,
    local: bool = False,
    create: bool = False,
    background: bool = False,
    upgrade: bool | None = None,
) -> Iterator[MemoryService]:
    """The service on a database.

    Args:
        database: Path or URL; None for the user's own.
        local: Whether it compares meanings too.
        create: Whether a file that is not there is made.
        background: Whether a thread does jobs as they come.
        upgrade: Whether tables of an earlier release are upgraded; None does so on SQLite.

    Raises:
        InputError: If there is no such file.
        StoreError: If the database cannot be opened.
        MissingExtraError: If what it needs is not installed.
    """
    place = place_of(database)
    file = file_of(place)
    is_new = file is not None and not file.exists()
    if file is not None and is_new:
        _check_may_be_made(file, database, create=create)
    from mba_integrations.services import MemoryService

    embedder = LocalEmbedder() if local else None
    with MemoryService.open(
        place, embedder=embedder, background=background, upgrade=upgrade
    ) as service:
        if is_new:
            remark("note", f"new database {in_one_line(place)}")
        yield service


@contextmanager
def opened_at(
    database: str | None,
    workspace: str,
    *,
    local: bool = False,
    create: bool = False,
    background: bool = False,
) -> Iterator[MemoryService]:
    """The service on a database that has this workspace.

    Args:
        database: Path or URL; None for the user's own.
        workspace: Which workspace must be there.
        local: Whether it compares meanings too.
        create: Whether a file that is not there is made, and the workspace `default` in it.
        background: Whether a thread does jobs as they come.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    with opened(database, local=local, create=create, background=background) as service:
        known = service.workspaces.ids()
        if workspace not in known:
            if not (create and workspace == DEFAULT_WORKSPACE):
                raise _unknown(workspace, known)
            _make_default(service)
        yield service


def _check_may_be_made(file: Path, database: str | None, *, create: bool) -> None:
    if not create:
        raise InputError(
            f"there is no database {file}. `mba remember TEXT` makes it; --db or MBA_DB names "
            "another one."
        )
    if database is None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def _make_default(service: MemoryService) -> None:
    try:
        service.create_workspace(DEFAULT_WORKSPACE, template=DEFAULT_WORKSPACE)
    except WorkspaceExistsError:
        return  # another process was first
    remark("note", f"new workspace {DEFAULT_WORKSPACE!r}")


def _unknown(workspace: str, known: tuple[str, ...]) -> UnknownWorkspaceError:
    parts = (
        f"there is no workspace {workspace!r}.",
        nearest_hint(workspace, known),
        f"Make it with `mba workspaces create {workspace}`.",
    )
    return UnknownWorkspaceError(" ".join(filter(None, parts)), key="workspace", value=workspace)
