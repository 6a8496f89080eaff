"""Which database or server the commands work on, and the service on it.

A file that a server of this machine holds is reached through that server. What writes the first
memory makes the database and the workspace `default`, and says so. All other commands work on what
is there. Jobs are done before a command ends, not by a thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mba_integrations.commands.arguments.memory_options import DEFAULT_WORKSPACE
from mba_integrations.commands.arguments.places import file_of, place_of
from mba_integrations.commands.arguments.where import Where
from mba_integrations.commands.printing.output import remark
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.commands.remote.connecting import server_of, told_of_holder
from mba_integrations.core.config.problems import nearest_hint
from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.local_embedder import LocalEmbedder
from mba_integrations.services.store.errors import WorkspaceExistsError

if TYPE_CHECKING:
    from mba_integrations.commands.remote.service import RemoteService
    from mba_integrations.services.memory.organising.extraction import Extractor
    from mba_integrations.services.memory.service import MemoryService

    Opened = MemoryService | RemoteService  # mypy holds each call of a command against both


@contextmanager
def opened(
    where: Where,
    *,
    local: bool = False,
    create: bool = False,
    upgrade: bool | None = None,
    extractor: Extractor | None = None,
    pool_memories: int | None = None,
) -> Iterator[Opened]:
    """The service on a database, or the server that holds it.

    Args:
        where: Which database or server.
        local: Whether it compares meanings too; a server decides that for itself.
        create: Whether a file that is not there is made.
        upgrade: Whether tables of an earlier release are upgraded; None does so on SQLite.
        extractor: The user's function, as for `MemoryService.open`.
        pool_memories: As there; None for its default. A server decides that for itself.

    Raises:
        InputError: If there is no such file.
        ServerError: If the server refuses what is asked, or does not answer.
        StoreError: If the database cannot be opened.
        MissingExtraError: If what it needs is not installed.
    """
    server = server_of(where)
    if server is None:
        given = {"extractor": extractor, "pool_memories": pool_memories}
        more = {name: value for name, value in given.items() if value is not None}
        with _opened(where, local=local, create=create, upgrade=upgrade, **more) as service:
            yield service
        return
    if extractor is not None:
        raise server.refusal("--extractor")
    from mba_integrations.commands.remote.service import RemoteService

    with told_of_holder(server), closing(RemoteService(server)) as remote:
        yield remote


@contextmanager
def opened_at(
    where: Where,
    workspace: str,
    *,
    local: bool = False,
    create: bool = False,
    extractor: Extractor | None = None,
    pool_memories: int | None = None,
) -> Iterator[Opened]:
    """The service on a database or a server that has this workspace.

    Args:
        where: Which database or server.
        workspace: Which workspace must be there.
        local: Whether it compares meanings too.
        create: Whether a file that is not there is made, and the workspace `default` in it.
        extractor: As for `opened`.
        pool_memories: As for `opened`.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    with opened(
        where, local=local, create=create, extractor=extractor, pool_memories=pool_memories
    ) as service:
        _check_is_there(service, workspace, create=create)
        yield service


@contextmanager
def opened_here(
    where: Where,
    what: str,
    *,
    workspace: str | None = None,
    local: bool = False,
    background: bool = False,
    upgrade: bool | None = None,
    **functions: Any,
) -> Iterator[MemoryService]:
    """The service on a database itself, for what no server does.

    Args:
        where: Which database.
        what: What is done, for who hears that a server does not do it.
        workspace: Which workspace must be there; None for none.
        local: Whether it compares meanings too.
        background: Whether a thread does jobs as they come.
        upgrade: As for `opened`.
        functions: The user's `extractor` and `organiser`, as for `MemoryService.open`.

    Raises:
        InputError: If it was told to ask a server.
        StoreInUseError: If another process holds the file.
    """
    server = server_of(where)
    if server is not None:
        raise server.refusal(what)
    with _opened(
        where, local=local, background=background, upgrade=upgrade, **functions
    ) as service:
        if workspace is not None:
            _check_is_there(service, workspace, create=False)
        yield service


@contextmanager
def _opened(
    where: Where, *, local: bool, create: bool = False, **options: Any
) -> Iterator[MemoryService]:
    place = place_of(where.database)
    file = file_of(place)
    is_new = file is not None and not file.exists()
    if file is not None and is_new:
        _check_may_be_made(file, where.database, create=create)
    from mba_integrations.services import MemoryService

    embedder = LocalEmbedder() if local else None
    with MemoryService.open(
        place, embedder=embedder, **{"background": False, **options}
    ) as service:
        if is_new:
            remark("note", f"new database {in_one_line(place)}")
        yield service


def _check_is_there(service: Opened, workspace: str, *, create: bool) -> None:
    try:
        service.workspaces.row(workspace)
    except UnknownWorkspaceError:
        if not (create and workspace == DEFAULT_WORKSPACE):
            raise _unknown(workspace, service.workspaces.ids()) from None
        _make_default(service)


def _check_may_be_made(file: Path, database: str | None, *, create: bool) -> None:
    if not create:
        raise InputError(
            f"there is no database {file}. `mba remember TEXT` makes it; --db or MBA_DB names "
            "another one."
        )
    if database is None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def _make_default(service: Opened) -> None:
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
